"""Pre-tokenizers of byte-level BPE that llama.cpp implements, by llama.cpp's names and as a tokenizer.json holds them.

The converter recognises a tokenizer by them, the tokenizer of a GGUF file is rebuilt from them, and tokenizers that are
trained here use them. Source of names and expressions: llama.cpp, src/llama-vocab.cpp.
"""

import json
from dataclasses import dataclass
from pathlib import Path

LLAMA3_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|"
    r"\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN2_SPLIT = LLAMA3_SPLIT.replace(r"\p{N}{1,3}", r"\p{N}")
QWEN35_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|"
    r"\s*[\r\n]+|\s+(?!\S)|\s+"
)
_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
TEKKEN_SPLIT = (
    rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+|[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*|\p{{N}}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_ENDING = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
GPT4O_SPLIT = (
    rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+{_ENDING}|[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*{_ENDING}|"
    r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
DEEPSEEK3_SPLITS = (
    r"\p{N}{1,3}",
    r"[一-龥぀-ゟ゠-ヿ]+",
    r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^" + "\r\n" + r"\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+|"
    r" ?[\p{P}\p{S}]+[" + "\r\n" + r"]*|\s*[" + "\r\n" + r"]+|\s+(?!\S)|\s+",
)


@dataclass(frozen=True)
class PreTokenizer:
    """A pre-tokenizer of llama.cpp.

    Attributes:
        steps: as a tokenizer.json holds them.
        ignore_merges: whether llama.cpp takes whole words from the vocabulary before it merges.
        others: names under which llama.cpp knows the same.
    """

    steps: tuple[dict, ...]
    ignore_merges: bool
    others: tuple[str, ...] = ()

    def as_json(self) -> dict:
        """Return the entry `pre_tokenizer` of a tokenizer.json."""
        return {"type": "Sequence", "pretokenizers": [dict(step) for step in self.steps]}


def _byte_level(use_regex: bool) -> dict:
    return {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": use_regex}


def _split_by(*expressions: str) -> tuple[dict, ...]:
    splits = [
        {"type": "Split", "pattern": {"Regex": expression}, "behavior": "Isolated", "invert": False}
        for expression in expressions
    ]
    return (*splits, _byte_level(use_regex=False))


_DIGITS = {"type": "Digits", "individual_digits": True}
PRETOKENIZERS = {
    "llama-bpe": PreTokenizer(
        _split_by(LLAMA3_SPLIT), True, ("llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2")
    ),
    "dbrx": PreTokenizer(_split_by(LLAMA3_SPLIT), False, ("smaug-bpe", "chatglm-bpe")),
    "qwen2": PreTokenizer(
        _split_by(QWEN2_SPLIT),
        False,
        ("deepseek-r1-qwen", "kormo", "megrez", "f2llmv2", "stablelm2", "hunyuan", "solar-open", "grok-2"),
    ),
    "qwen35": PreTokenizer(_split_by(QWEN35_SPLIT), False),
    "tekken": PreTokenizer(_split_by(TEKKEN_SPLIT), True),
    "gpt-4o": PreTokenizer(_split_by(GPT4O_SPLIT), False, ("llama4", "kanana2", "talkie", "minimax-m2")),
    "deepseek-v3": PreTokenizer(_split_by(*DEEPSEEK3_SPLITS), False, ("hunyuan-dense", "joyai-llm", "hy_v4")),
    "gpt-2": PreTokenizer(
        (_byte_level(use_regex=True),),
        False,
        (
            "phi-2",
            "mpt",
            "olmo",
            "jais",
            "trillion",
            "granite-docling",
            "exaone4",
            "gigachat",
            "a.x-4.0",
            "modern-bert",
        ),
    ),
    "smollm": PreTokenizer(
        (_DIGITS, _byte_level(use_regex=True)),
        False,
        ("starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b", "mellum2"),
    ),
}


def by_name(name: str) -> PreTokenizer | None:
    """Return the pre-tokenizer that a GGUF file names in `tokenizer.ggml.pre`, None for one that is not known here."""
    known = (entry for key, entry in PRETOKENIZERS.items() if name == key or name in entry.others)
    return next(known, None)


def names() -> list[str]:
    """Return every name that `by_name` knows."""
    return sorted({*PRETOKENIZERS, *(name for entry in PRETOKENIZERS.values() for name in entry.others)})


def _essentials(pre_tokenizer: dict | None) -> list[tuple]:
    """Return what decides how an entry `pre_tokenizer` splits, step by step."""
    if pre_tokenizer is None:
        return []
    if pre_tokenizer["type"] == "Sequence":
        return [step for part in pre_tokenizer["pretokenizers"] for step in _essentials(part)]
    silent = ("trim_offsets",)
    return [tuple(sorted((key, json.dumps(value)) for key, value in pre_tokenizer.items() if key not in silent))]


def known_pretokenizer(tokenizer_file: Path) -> str | None:
    """Return llama.cpp's name of the pre-tokenizer in a tokenizer.json, None where it is none of PRETOKENIZERS."""
    tokenizer = json.loads(tokenizer_file.read_text(encoding="utf-8"))
    if tokenizer["model"]["type"] != "BPE":
        return None
    steps, ignores = _essentials(tokenizer.get("pre_tokenizer")), bool(tokenizer["model"].get("ignore_merges"))
    for name, entry in PRETOKENIZERS.items():
        # OpenAI's own tokenizers take whole words first, llama.cpp's `gpt-4o` merges them: the same for whole words
        # that can be merged.
        if steps == _essentials(entry.as_json()) and (ignores == entry.ignore_merges or name == "gpt-4o"):
            return name
    return None
