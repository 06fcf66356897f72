"""Whether a GGUF file is the model it was made from: token ids, KL divergence and top-1 agreement with transformers."""

import json
import logging
import tempfile
from pathlib import Path

import numpy
import psutil
import torch

from tatara.evaluate import divergence
from tatara.files.text import write_json
from tatara.job.errors import InputError
from tatara.job.progress import Progress
from tatara.llama import convert, gguf_model, tools
from tatara.llama.converter import known_pretokenizer
from tatara.models import chat, loading
from tatara.models.chat_template import Conversation, prompt_text

logger = logging.getLogger("tatara")


def model_shape(folder: Path) -> dict:
    """Return the attention shape and the tokenizer's kind, read from the model's own files."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
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
    """Compare the token ids of llama.cpp with the tokenizer's on every text; the first that differs is kept."""
    different, tokens, example = 0, 0, None
    for text in texts:
        expected = chat.encode_text(tokenizer, text)
        got = loaded.tokenize(text.encode(), add_bos=False, special=True)
        tokens += len(expected)
        if got != expected:
            different += 1
            example = example or {"text": text, "tokenizer": expected, "gguf": got}
    return {
        "token_ids_equal": different == 0,
        "lines": len(texts),
        "different_lines": different,
        "tokens": tokens,
        "first_difference": example,
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
    logits = gguf_model.logits_of(loaded)
    kl, same, largest = 0.0, 0, 0.0
    for ids, path in zip(sequences, references, strict=True):
        expected, got = (values.astype(numpy.float64) for values in (numpy.load(path), logits(ids)))
        kl += divergence.kl(divergence.log_softmax(expected), divergence.log_softmax(got))
        same += divergence.same_top(expected, got)
        largest = max(largest, float(numpy.abs(expected - got).max()))
    positions = sum(map(len, sequences))
    return {
        "positions": positions,
        "mean_kl": kl / positions,
        "top1_agreement": same / positions,
        "max_logit_difference": largest,
    }


def _lines(rows: list[dict], descriptions: list[str], tokenizer, conversation: Conversation) -> list[str]:
    """Return the texts whose token ids are compared: prompts as they are sent, references, and the graph's own text."""
    prompts = [prompt_text(tokenizer, row["question"], conversation) for row in rows]
    return prompts + [row["reference"] for row in rows] + descriptions


def parity(
    *,
    model: str,
    merged: Path,
    files: dict[str, Path],
    rows: list[dict],
    descriptions: list[str],
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
        rows: questions of the test set.
        descriptions: further Japanese text for the tokens.
        settings: the `parity` section of the config.

    Raises:
        InputError: token ids differ in any file, or the F16 file fails a threshold; the figures are in the message.
    """
    loading.prepare(0, threads)
    tokenizer = loading.load_tokenizer(merged)
    lines = _lines(rows, descriptions, tokenizer, conversation)
    chosen = rows[: settings["lines"]]
    sequences = [
        chat.encode(tokenizer, row["question"], row["reference"], conversation, row["id"]).input_ids for row in chosen
    ]
    results = {}
    with tempfile.TemporaryDirectory(dir=output.parent) as scratch:
        references = reference_logits(merged, sequences, Path(scratch), device)
        for fmt, file in files.items():
            loaded = gguf_model.load(file, context, threads, logits_all=True)
            entry = compare_tokens(tokenizer, loaded, lines) | compare_logits(loaded, sequences, references)
            exact = entry["mean_kl"] <= settings["max_mean_kl"] and entry["top1_agreement"] >= settings["min_top1"]
            # A quantized file is meant to differ in its logits; its tokens may not.
            entry["passed"] = entry["token_ids_equal"] and (exact or fmt != "f16")
            results[fmt] = entry | {"bytes": file.stat().st_size}
            logger.info(
                "%s %s: %s",
                model,
                fmt,
                {key: entry[key] for key in ("token_ids_equal", "mean_kl", "top1_agreement", "passed")},
            )
            loaded.close()
    content = {"model": model, "gguf": True, "reason": "", "shape": model_shape(merged), "formats": results}
    failed = [fmt for fmt, entry in results.items() if not entry["passed"]]
    if failed:
        figures = json.dumps({fmt: results[fmt] for fmt in failed}, ensure_ascii=False, indent=1)
        raise InputError(
            f"the GGUF of {model} is not the model it was made from ({', '.join(failed)}; thresholds: config section "
            f"parity): {figures}\n"
            "Evaluate this model as nf4 instead (config key models." + model + ".formats)"
        )
    write_json(output, content)


def without_gguf(*, model: str, merged: Path, output: Path) -> None:
    """Write the parity file of a model that is evaluated without GGUF: what the official converter says of its
    tokenizer.
    """
    with tempfile.TemporaryDirectory(dir=output.parent) as scratch:
        try:
            convert.convert(merged, Path(scratch) / "vocabulary.gguf", vocab_only=True)
            reason = "the converter takes this tokenizer; the configuration asks for no GGUF format"
        except tools.ConversionRefused as error:
            reason = f"llama.cpp's converter refuses the tokenizer: {error}"
    content = {"model": model, "gguf": False, "reason": reason, "shape": model_shape(merged), "formats": {}}
    write_json(output, content)
