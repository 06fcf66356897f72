"""A GGUF file as the source of a base model: its weights dequantized, its tokenizer rebuilt from its own tokens and
merges.
"""

import json
import logging
from pathlib import Path

import gguf
import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

from tatara.files.sample import evenly_spaced
from tatara.files.text import write_json
from tatara.job.errors import InputError
from tatara.llama import gguf_model
from tatara.llama.pretokenizers import LLAMA3_SPLIT, QWEN2_SPLIT
from tatara.llama.reader import field
from tatara.models import chat

logger = logging.getLogger("tatara")
MOST_TEXTS = 5000  # that the ids are compared on, evenly spaced; a whole corpus would take minutes
CONTROL = (3, 4)  # llama.cpp's token types: control and user-defined


def _byte_level(first) -> pre_tokenizers.PreTokenizer:
    """Return a pre-tokenizer that splits by `first`, then maps bytes to characters without a split of its own."""
    return pre_tokenizers.Sequence([first, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


# llama.cpp's name of a pre-tokenizer -> (pre-tokenizer, normalizer, whole words before merges).
PRETOKENIZERS = {
    "smollm": (
        pre_tokenizers.Sequence(
            [
                pre_tokenizers.Digits(individual_digits=True),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
            ]
        ),
        None,
        False,
    ),
    "llama-bpe": (_byte_level(pre_tokenizers.Split(Regex(LLAMA3_SPLIT), behavior="isolated")), None, True),
    "qwen2": (_byte_level(pre_tokenizers.Split(Regex(QWEN2_SPLIT), behavior="isolated")), normalizers.NFC(), False),
}


def read_tokenizer(file: Path) -> PreTrainedTokenizerFast:
    """Rebuild the tokenizer of a GGUF file (transformers' own reading loses the pre-tokenizer and the special tokens).

    Raises:
        InputError: the file's vocabulary is no byte-level BPE, or its pre-tokenizer is not one of PRETOKENIZERS.
    """
    reader = gguf.GGUFReader(file)
    kind, pre = field(reader, "tokenizer.ggml.model"), field(reader, "tokenizer.ggml.pre")
    if kind != "gpt2" or pre not in PRETOKENIZERS:
        raise InputError(
            f"{file}: its tokenizer is {kind!r} with pre-tokenizer {pre!r}; expected 'gpt2' with one of "
            f"{', '.join(PRETOKENIZERS)}. "
            "Take the model's folder of safetensors instead (config key models.NAME.source.path.file)"
        )
    tokens = field(reader, "tokenizer.ggml.tokens")
    merges = [tuple(merge.split(" ")) for merge in field(reader, "tokenizer.ggml.merges")]
    splitter, normalizer, whole_words = PRETOKENIZERS[pre]
    tokenizer = Tokenizer(
        models.BPE(vocab={token: index for index, token in enumerate(tokens)}, merges=merges, ignore_merges=whole_words)
    )
    tokenizer.pre_tokenizer, tokenizer.decoder = splitter, decoders.ByteLevel()
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.add_special_tokens(
        [
            token
            for token, kind in zip(tokens, field(reader, "tokenizer.ggml.token_type"), strict=True)
            if kind in CONTROL
        ]
    )
    named = {
        role: field(reader, f"tokenizer.ggml.{key}_token_id")
        for role, key in (("bos_token", "bos"), ("eos_token", "eos"), ("pad_token", "padding"))
    }
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        clean_up_tokenization_spaces=False,
        **{role: tokens[index] for role, index in named.items() if index is not None},
    )
    if fast.pad_token is None or fast.pad_token == fast.eos_token:
        # A padding token that is also the end would teach a model never to stop (unsloth issue 416).
        spare = fast.unk_token or next(
            (t for t in fast.all_special_tokens if t not in (fast.eos_token, fast.bos_token)), tokens[0]
        )
        fast.pad_token = spare
    fast.chat_template = field(reader, "tokenizer.chat_template")
    return fast


def check_tokenizer(file: Path, tokenizer, texts: list[str]) -> int:
    """Compare the rebuilt tokenizer with the source file's own ids on each text; return the number of texts.

    Raises:
        InputError: the ids of a text differ.
    """
    source = gguf_model.load(file, 512, 1, vocab_only=True)
    for text in texts:
        expected, got = source.tokenize(text.encode(), add_bos=False, special=True), chat.encode_text(tokenizer, text)
        if expected != got:
            raise InputError(
                f"{file}: the tokenizer rebuilt from it gives other ids for {text!r}: {got}, the file's own are "
                f"{expected}"
            )
    return len(texts)


def load(file: Path, texts: list[str]):
    """Return model (bf16, on the CPU) and tokenizer of a GGUF file; the tokenizer is checked against the file's own ids
    on `texts`.
    """
    tokenizer = read_tokenizer(file)
    count = check_tokenizer(file, tokenizer, evenly_spaced(texts, MOST_TEXTS))
    logger.info("%s: the rebuilt tokenizer gives the file's own ids on all of %d texts", file.name, count)
    model = AutoModelForCausalLM.from_pretrained(
        file.parent, gguf_file=file.name, dtype=torch.bfloat16, local_files_only=True
    )
    # The weights are plain now; what says otherwise would stop save_pretrained and the converter.
    model.hf_quantizer = None
    model.is_quantized = False
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    for role in ("bos_token_id", "eos_token_id", "pad_token_id"):
        setattr(model.config, role, getattr(tokenizer, role))
        setattr(model.generation_config, role, getattr(tokenizer, role))
    return model, tokenizer


def drop_quantization(config_file: Path) -> None:
    """Remove `quantization_config` from a saved config.json."""
    config = json.loads(config_file.read_text())
    config.pop("quantization_config", None)
    write_json(config_file, config)
