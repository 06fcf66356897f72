"""Run llama.cpp's own convert_hf_to_gguf.py, telling it pre-tokenizers that it knows but cannot recognise.

The converter recognises a BPE tokenizer by a hash of what it makes of one text, so a new vocabulary is refused even where its
pre-tokenizer is one that llama.cpp implements. Here the pre-tokenizer itself is compared; everything else is the converter's.

Usage: python converter.py LLAMA_CPP_SOURCE MODEL_FOLDER [arguments of the converter]
"""

import json
import runpy
import sys
from pathlib import Path


def known_pretokenizer(tokenizer_file: Path) -> str | None:
    """Return llama.cpp's name (`llama-bpe`, `qwen2`) of the pre-tokenizer in a tokenizer.json, None when it is another."""
    tokenizer = json.loads(tokenizer_file.read_text(encoding="utf-8"))
    steps = (tokenizer.get("pre_tokenizer") or {}).get("pretokenizers", [])
    if tokenizer["model"]["type"] != "BPE" or [step["type"] for step in steps] != ["Split", "ByteLevel"]:
        return None
    split, byte_level = steps
    if split["behavior"] != "Isolated" or split["invert"] or byte_level["add_prefix_space"] or byte_level["use_regex"]:
        return None
    letters = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"
    rest = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    # llama.cpp takes whole words from the vocabulary before it merges for llama-bpe, and not for qwen2.
    known = {(letters + r"\p{N}{1,3}" + rest, True): "llama-bpe", (letters + r"\p{N}" + rest, False): "qwen2"}
    return known.get((split["pattern"].get("Regex"), bool(tokenizer["model"].get("ignore_merges"))))


def main() -> None:
    source, model = Path(sys.argv[1]), Path(sys.argv[2])
    sys.path.insert(0, str(source))
    sys.path.insert(0, str(source / "gguf-py"))
    from conversion import base

    recognise = base.TextModel.get_vocab_base_pre

    def get_vocab_base_pre(self, tokenizer):
        try:
            return recognise(self, tokenizer)
        except NotImplementedError:
            name = known_pretokenizer(model / "tokenizer.json")
            if name is None:
                raise
            return name

    base.TextModel.get_vocab_base_pre = get_vocab_base_pre
    script = source / "convert_hf_to_gguf.py"
    sys.argv = [str(script), *sys.argv[2:]]
    runpy.run_path(str(script), run_name="__main__")


if __name__ == "__main__":
    main()
