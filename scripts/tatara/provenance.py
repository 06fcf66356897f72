"""Where a result comes from: versions, commit, seeds, machine, digests of the inputs."""

import hashlib
import json
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    "snakemake", "torch", "transformers", "peft", "trl", "accelerate", "bitsandbytes", "datasets", "unsloth", "gguf", "llama-cpp-python",
    "numpy", "scipy", "pandas", "matplotlib",
)  # fmt: skip


def versions() -> dict[str, str]:
    """Return the version of each package that a result depends on; `not installed` for one that is not there."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def _digest(path: str | Path) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_provenance(*, output: Path, commit: str, config: dict, inputs: dict[str, str], bases: dict[str, Path]) -> None:
    """Write the provenance file.

    Args:
        commit: the pipeline's commit, `+` at its end where tracked files were changed.
        config: the resolved configuration.
        inputs: name as the configuration has it -> path, of each file that the study was given.
        bases: model -> its base.json.
    """
    text = json.dumps(config, sort_keys=True, ensure_ascii=False)
    content = {
        "commit": commit,
        "config_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "seeds": {"seed": config["seed"], "stage1": config["stage1"]["seeds"], "stage2": config["stage2"]["seed"]},
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "versions": versions(),
        "inputs": {name: _digest(path) for name, path in inputs.items()},
        "base_models": {model: json.loads(Path(path).read_text(encoding="utf-8")) for model, path in bases.items()},
    }
    output.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
