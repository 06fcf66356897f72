"""A GGUF file as the source of a base model: its weights dequantized, its tokenizer rebuilt from its own vocabulary."""

import json
import logging
from pathlib import Path

import gguf
import torch
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

from tatara.files.sample import evenly_spaced
from tatara.files.text import write_json
from tatara.job.errors import InputError
from tatara.llama import gguf_model, token_ids
from tatara.llama.pretokenizers import by_name, names
from tatara.llama.reader import PlainReader, field, plain_reader
from tatara.models import chat, fast_tokenizer

logger = logging.getLogger("tatara")
MOST_TEXTS = 5000  # that the ids are compared on, evenly spaced; a whole corpus would take minutes
REMEDY = "Take the model's folder of safetensors instead (config key models.NAME.source.path.file)"


def _tokenizer(file: Path, reader: gguf.GGUFReader) -> Tokenizer:
    """Return the tokenizer of a file's vocabulary, normalized as llama.cpp does it.

    Raises:
        InputError: llama.cpp has the vocabulary or the pre-tokenizer, but it is none that is known here.
    """
    kind, name = field(reader, "tokenizer.ggml.model"), field(reader, "tokenizer.ggml.pre")
    tokens, kinds = field(reader, "tokenizer.ggml.tokens"), field(reader, "tokenizer.ggml.token_type")
    if kind == "gpt2":
        if by_name(name) is None:
            raise InputError(f"{file}: its pre-tokenizer is {name!r}; expected one of {', '.join(names())}. {REMEDY}")
        merges = [tuple(merge.split(" ")) for merge in field(reader, "tokenizer.ggml.merges")]
        return fast_tokenizer.byte_level_bpe(tokens, kinds, merges, by_name(name))
    if kind not in ("llama", "t5"):
        raise InputError(
            f"{file}: its vocabulary is {kind!r}; expected 'gpt2' (byte-level BPE), 'llama' (SentencePiece BPE) or "
            f"'t5' (Unigram). {REMEDY}"
        )
    pieces = fast_tokenizer.Pieces(
        unigram=kind == "t5",
        texts=tokens,
        scores=field(reader, "tokenizer.ggml.scores"),
        kinds=kinds,
        unknown=field(reader, "tokenizer.ggml.unknown_token_id", 0 if kind == "llama" else 2),  # llama.cpp's defaults
        prefix=field(reader, "tokenizer.ggml.add_space_prefix", kind == "llama"),
        merge_spaces=field(reader, "tokenizer.ggml.remove_extra_whitespaces", False),
        charsmap=bytes(field(reader, "tokenizer.ggml.precompiled_charsmap", [])),
    )
    return fast_tokenizer.of_pieces(pieces)


def read_tokenizer(file: Path) -> PreTrainedTokenizerFast:
    """Rebuild the tokenizer of a GGUF file (transformers' own reading loses the pre-tokenizer and the special tokens).

    Raises:
        InputError: the file's vocabulary or its pre-tokenizer is none that is known here.
    """
    reader = PlainReader(file)
    tokens = field(reader, "tokenizer.ggml.tokens")
    roles = {"bos_token": "bos", "eos_token": "eos", "pad_token": "padding", "unk_token": "unknown"}
    named = {role: field(reader, f"tokenizer.ggml.{key}_token_id") for role, key in roles.items()}
    fast = PreTrainedTokenizerFast(
        tokenizer_object=_tokenizer(file, reader),
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


def check_tokenizer(file: Path, tokenizer, texts: list[str]) -> token_ids.Comparison:
    """Compare the rebuilt tokenizer with the source file's own ids on each text.

    Raises:
        InputError: the ids of a text differ in more than characters that llama.cpp has no token for.
    """
    source = gguf_model.load(file, 512, 1, vocab_only=True)
    found = token_ids.compare(
        texts,
        lambda text: chat.encode_text(tokenizer, text),
        lambda text: source.tokenize(text.encode(), add_bos=False, special=True),
        token_ids.ByteTokens.of(tokenizer),
    )
    if found.example:
        raise InputError(
            f"{file}: the tokenizer rebuilt from it gives other ids for {found.example['text']!r}: "
            f"{found.example['tokenizer']}, the file's own are {found.example['gguf']}. {REMEDY}"
        )
    return found


def load(file: Path, texts: list[str]):
    """Return model (bf16, on the CPU) and tokenizer of a GGUF file; the tokenizer is checked against the file's own ids
    on `texts`.
    """
    tokenizer = read_tokenizer(file)
    found = check_tokenizer(file, tokenizer, evenly_spaced(texts, MOST_TEXTS))
    logger.info(
        "%s: the rebuilt tokenizer gives the file's own ids on all of %d texts; characters that llama.cpp has no token "
        "for: %s",
        file.name,
        found.lines,
        dict(found.without_token) or "none",
    )
    with plain_reader():
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
