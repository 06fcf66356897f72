"""Run llama.cpp's own convert_hf_to_gguf.py, telling it tokenizers that llama.cpp implements but the converter cannot
recognise.

The converter recognises a BPE tokenizer by a hash of what it makes of one text, so a new vocabulary is refused even
where its pre-tokenizer is one that llama.cpp implements. Here the pre-tokenizer itself is compared. A Unigram
`tokenizer.json` it does not take at all; here it becomes the Unigram vocabulary that llama.cpp has for T5. Everything
else is the converter's.

Usage: python converter.py LLAMA_CPP_SOURCE MODEL_FOLDER [arguments of the converter]
"""

import json
import runpy
import sys
from pathlib import Path


def known_pretokenizer(tokenizer_file: Path) -> str | None:
    """Return llama.cpp's name (`llama-bpe`, `qwen2`) of the pre-tokenizer in a tokenizer.json, None for another one."""
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


def unigram_vocabulary(tokenizer: dict, size: int) -> tuple[list[str], list[float], list[int]]:
    """Return tokens, scores and llama.cpp's token types of a Unigram tokenizer.json, filled up to `size` with unused
    tokens.

    Raises:
        NotImplementedError: what llama.cpp's Unigram vocabulary cannot do; the message says what.
    """
    model, normalizer, split = tokenizer["model"], tokenizer.get("normalizer"), tokenizer.get("pre_tokenizer") or {}
    if model.get("byte_fallback"):
        raise NotImplementedError(
            "a Unigram tokenizer with byte fallback: llama.cpp's Unigram vocabulary ignores it (llama.cpp issue "
            "28862), "
            "so every character outside the vocabulary would get another token"
        )
    if normalizer is not None:
        raise NotImplementedError(
            f"a Unigram tokenizer with the normalizer {normalizer['type']}: only one without is converted"
        )
    if split.get("type") != "Metaspace" or split["replacement"] != "▁" or split["prepend_scheme"] != "never":
        raise NotImplementedError(
            "a Unigram tokenizer whose pre-tokenizer is not Metaspace with ▁ and without a leading one"
        )
    normal, unknown, control, unused = 1, 2, 3, 5  # llama.cpp's llama_token_type
    special = {token["id"] for token in tokenizer["added_tokens"] if token["special"]}
    tokens = [piece for piece, _ in model["vocab"]]
    scores = [score for _, score in model["vocab"]]
    types = [
        unknown if index == model["unk_id"] else control if index in special else normal for index in range(len(tokens))
    ]
    spare = range(len(tokens), size)
    return (
        tokens + [f"[PAD{index}]" for index in spare],
        scores + [-10000.0] * len(spare),
        types + [unused] * len(spare),
    )


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

    tokenizer = json.loads((model / "tokenizer.json").read_text(encoding="utf-8"))
    if tokenizer["model"]["type"] == "Unigram" and not (model / "tokenizer.model").is_file():

        def set_unigram(self):
            tokens, scores, types = unigram_vocabulary(tokenizer, self.hparams["vocab_size"])
            writer = self.gguf_writer
            writer.add_tokenizer_model("t5")
            writer.add_tokenizer_pre("default")
            writer.add_token_list(tokens)
            writer.add_token_scores(scores)
            writer.add_token_types(types)
            writer.add_add_space_prefix(False)
            writer.add_remove_extra_whitespaces(False)
            special = base.gguf.SpecialVocab(self.dir_model, n_vocab=len(tokens))
            # Prompts hold every special token that they need; T5's own way is to add an end.
            special.add_special_token = {"bos": False, "eos": False}
            special.add_to_gguf(writer)

        base.TextModel._set_vocab_sentencepiece = set_unigram
    script = source / "convert_hf_to_gguf.py"
    sys.argv = [str(script), *sys.argv[2:]]
    runpy.run_path(str(script), run_name="__main__")


if __name__ == "__main__":
    main()
