"""Whether a GGUF file is the model it was made from: token ids, KL divergence and top-1 agreement with transformers."""

import json
import logging
import tempfile
from pathlib import Path

import numpy
import psutil
import torch

from tatara.data.questions import with_reference
from tatara.evaluate import divergence
from tatara.files.text import write_json
from tatara.job.errors import InputError
from tatara.job.progress import Progress
from tatara.llama import convert, gguf_model, token_ids, tools
from tatara.llama.pretokenizers import known_pretokenizer
from tatara.models import chat, loading
from tatara.models.chat_template import Conversation, prompt_text
from tatara.models.tokenizer import load_tokenizer

logger = logging.getLogger("tatara")


def model_shape(folder: Path) -> dict:
    """Return the attention shape and the tokenizer's kind, read from the model's own files."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config = config.get("text_config", config)
    tokenizer = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    heads = config["num_attention_heads"]
    return {
        "architecture": config["model_type"],
        "layers": config["num_hidden_layers"],
        "hidden_size": config["hidden_size"],
        "heads": heads,
        "kv_heads": config.get("num_key_value_heads", heads),
        "qkv_bias": config["model_type"] == "qwen2" or bool(config.get("attention_bias")),
        "vocabulary": config["vocab_size"],
        "tokenizer": tokenizer["model"]["type"],
        "pre_tokenizer": known_pretokenizer(folder / "tokenizer.json"),
    }


def compare_tokens(tokenizer, loaded, texts: list[str]) -> dict:
    """Compare the token ids of llama.cpp with the tokenizer's on every text; the first that differs is kept, and
    characters are counted that have no token of their own and that llama.cpp reads or writes in another way for it.
    """
    byte_tokens, piece = token_ids.ByteTokens.of(tokenizer), gguf_model.piece_of(loaded)
    as_text = any(piece(token) != bytes([value]) for token, value in byte_tokens.values.items())
    found = token_ids.compare(
        texts,
        lambda text: chat.encode_text(tokenizer, text),
        lambda text: loaded.tokenize(text.encode(), add_bos=False, special=True),
        byte_tokens,
        as_text,
    )
    return {
        "token_ids_equal": found.different == 0,
        "lines": found.lines,
        "different_lines": found.different,
        "tokens": found.tokens,
        "first_difference": found.example,
        "characters": found.characters,
        "characters_without_token": dict(found.without_token.most_common()),
        "right_in": "prompts" if as_text else "answers",
        "lines_with_these": found.lines_with_these,
        "share_without_token": found.share_without_token,
    }


def reference_dtype(folder: Path, place: torch.device) -> torch.dtype:
    """Return float32 where main memory, through which a model is loaded, holds its weights so, else the type that the
    device computes in.

    In bf16 a logit of 16 has a neighbour 0.125 away: tokens tie that F16 tells apart, and the share of equal top tokens
    sinks to 98 %.
    """
    needed = 2 * sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    if place.type == "cpu" or 1.1 * needed < psutil.virtual_memory().available:
        return torch.float32
    logger.warning(
        "parity: main memory does not hold %s in float32 (%.0f GB); its logits are rounded to bf16, and top-1 "
        "agreement is lower for it",
        folder,
        needed / 1e9,
    )
    return loading.compute_dtype(place)


def reference_logits(folder: Path, sequences: list[list[int]], scratch: Path, device: str = "auto") -> list[Path]:
    """Compute the transformers model's logits (tokens, vocabulary) of each sequence and keep them as .npy files."""
    place = loading.device(device)
    model = loading.load_model(folder, place, reference_dtype(folder, place))
    paths = []
    for index, ids in enumerate(Progress(sequences, "parity: logits of the transformers model")):
        with loading.inference():
            logits = model(input_ids=torch.tensor([ids], device=model.device)).logits[0]
        paths.append(scratch / f"{index}.npy")
        numpy.save(paths[-1], logits.float().cpu().numpy())
    return paths


def compare_logits(loaded, sequences: list[list[int]], references: list[Path]) -> dict:
    """Return mean KL(transformers || GGUF) in nats a token, the share of positions with the same top token, and the
    largest difference of two logits. Computed in float64: the KL of an F16 file lies near float32's rounding.
    """
    pieces = gguf_model.pieces_of(loaded)
    kl, same, largest = 0.0, 0, 0.0
    for ids, path in zip(sequences, references, strict=True):
        reference, place = numpy.load(path, mmap_mode="r"), 0
        for piece in pieces(ids, 1):
            rows = slice(place, place + len(piece))
            expected, got = reference[rows].astype(numpy.float64), piece.astype(numpy.float64)
            kl += divergence.kl(divergence.log_softmax(expected), divergence.log_softmax(got))
            same += divergence.same_top(expected, got)
            largest = max(largest, float(numpy.abs(expected - got).max()))
            place = rows.stop
    positions = sum(len(ids) - 1 for ids in sequences)
    return {
        "positions": positions,
        "mean_kl": kl / positions,
        "top1_agreement": same / positions,
        "max_logit_difference": largest,
    }


def _lines(rows: list[dict], descriptions: list[str], tokenizer, conversation: Conversation) -> list[str]:
    """Return the texts whose token ids are compared in every file: prompts as they are sent, references, and the
    graph's own text.
    """
    prompts = [prompt_text(tokenizer, row["question"], conversation) for row in rows]
    return prompts + [row["reference"] for row in with_reference(rows)] + descriptions


def _too_many_unknown(entry: dict, settings: dict) -> bool:
    return entry["right_in"] == "answers" and entry["share_without_token"] > settings["max_share_without_token"]


def _passed(entry: dict, fmt: str, settings: dict) -> bool:
    """Return whether a file may be used. A quantized file is meant to differ in its logits; its tokens may not."""
    exact = entry["mean_kl"] <= settings["max_mean_kl"] and entry["top1_agreement"] >= settings["min_top1"]
    return entry["token_ids_equal"] and not _too_many_unknown(entry, settings) and (exact or fmt != "f16")


def _refusal(model: str, results: dict[str, dict], settings: dict) -> str:
    """Return why files may not be used, with their figures and what to do."""
    failed = {fmt: entry for fmt, entry in results.items() if not entry["passed"]}
    figures = json.dumps(failed, ensure_ascii=False, indent=1)
    reason = (
        f"the GGUF of {model} is not the model it was made from ({', '.join(failed)}; thresholds: config section "
        f"parity): {figures}\n"
    )
    if any(_too_many_unknown(entry, settings) for entry in failed.values()):
        reason += (
            "More characters than config key parity.max_share_without_token allows have no token of their own, and "
            "llama.cpp reads them as unknown. Raise it, or set parity.byte_fallback: prompts. "
        )
    return f"{reason}Or evaluate this model as nf4 instead (config key models.{model}.formats)"


def parity(
    *,
    model: str,
    merged: Path,
    files: dict[str, Path],
    rows: list[dict],
    descriptions: list[str],
    pairs: list[dict],
    output: Path,
    conversation: Conversation,
    settings: dict,
    context: int,
    threads: int,
    device: str = "auto",
) -> None:
    """Compare each GGUF file of a model with its merged transformers model and write the parity file (docs/files.md).

    Args:
        files: format -> GGUF file; `f16` must be among them.
        rows: questions of the test set; logits are compared on those with a reference answer, without any on the pairs.
        descriptions: further Japanese text for the tokens.
        pairs: questions and answers of training, for the tokens of the F16 file; the others have its vocabulary.
        settings: the `parity` section of the config.

    Raises:
        InputError: token ids differ in any file, more characters than allowed have no token, or the F16 file fails a
            threshold; the figures are in the message.
    """
    loading.prepare(0, threads)
    tokenizer = load_tokenizer(merged)
    lines = _lines(rows, descriptions, tokenizer, conversation)
    trained = [text for pair in pairs for text in (pair["question"], pair["answer"])]
    answered = [(row["id"], row["question"], row["reference"]) for row in with_reference(rows)]
    answered = answered or [(pair["id"], pair["question"], pair["answer"]) for pair in pairs]
    sequences = [
        chat.encode(tokenizer, question, answer, conversation, id_).input_ids
        for id_, question, answer in answered[: settings["lines"]]
    ]
    results = {}
    with tempfile.TemporaryDirectory(dir=output.parent) as scratch:
        references = reference_logits(merged, sequences, Path(scratch), device)
        for fmt, file in files.items():
            loaded = gguf_model.load(file, context, threads)
            texts = lines + trained if fmt == "f16" else lines
            entry = compare_tokens(tokenizer, loaded, texts) | compare_logits(loaded, sequences, references)
            results[fmt] = entry | {"passed": _passed(entry, fmt, settings), "bytes": file.stat().st_size}
            loaded.close()
            figures = ("token_ids_equal", "characters_without_token", "mean_kl", "top1_agreement", "passed")
            logger.info("%s %s: %s", model, fmt, {key: results[fmt][key] for key in figures})
    if not all(entry["passed"] for entry in results.values()):
        raise InputError(_refusal(model, results, settings))
    content = {"model": model, "gguf": True, "reason": "", "shape": model_shape(merged), "formats": results}
    write_json(output, content)


def without_gguf(*, model: str, merged: Path, output: Path, byte_fallback: str) -> None:
    """Write the parity file of a model that is evaluated without GGUF: what the official converter says of its
    tokenizer.
    """
    with tempfile.TemporaryDirectory(dir=output.parent) as scratch:
        try:
            convert.convert(merged, Path(scratch) / "vocabulary.gguf", vocab_only=True, byte_fallback=byte_fallback)
            reason = "the converter takes this tokenizer; the configuration asks for no GGUF format"
        except tools.ConversionRefused as error:
            reason = f"llama.cpp's converter refuses the tokenizer: {error}"
    content = {"model": model, "gguf": False, "reason": reason, "shape": model_shape(merged), "formats": {}}
    write_json(output, content)
