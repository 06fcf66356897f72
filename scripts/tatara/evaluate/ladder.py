"""The quantization ladder of one model: what each format, with and without an importance matrix, does to every answer
token.

The reference answers are given (teacher forcing) on the prompts of `nll`, and F16 and the variants say how probable
each next token is. A variant is quantized, measured and removed before the next one, so that a ladder of an 8B model
needs the disk of one file. What F16 said lies on the disk question by question: of a vocabulary of 128,000, a question
takes about 100 MB.
"""

import shutil
import time
from pathlib import Path

import numpy

from tatara.evaluate import divergence
from tatara.files.formats import WITH_MATRIX, format_of
from tatara.files.text import write_csv, write_json
from tatara.job.fingerprint import fingerprint
from tatara.job.progress import Progress
from tatara.job.resume import FinishedRows
from tatara.llama import gguf_model, quantize
from tatara.llama.reader import share_in_other_types
from tatara.models import chat, loading


def measure(
    file: Path, items: list[chat.Encoded], references: list[Path], context: int, threads: int, first: bool = False
) -> dict:
    """Return a file's size and, question by question, its nats, KL from F16 in nats and tokens with the same top token;
    and the seconds it took.

    Args:
        references: where the log probabilities of F16 lie, one file a question; written when `first`, else read.
    """
    import llama_cpp

    loaded = gguf_model.load(file, context, threads, logits_all=True)
    logits = gguf_model.logits_of(loaded)
    logits(items[0].input_ids)  # what is done once, such as reading the file from the disk, is not counted
    found = {
        "bytes": file.stat().st_size,
        "bits_per_weight": 8 * llama_cpp.llama_model_size(loaded.model) / llama_cpp.llama_model_n_params(loaded.model),
        "nats": [],
        "kl": [],
        "top1": [],
        "seconds": 0.0,
    }
    for item, path in zip(Progress(items, f"ladder {file.stem}"), references, strict=True):
        began = time.perf_counter()
        scores = logits(item.input_ids)
        found["seconds"] += time.perf_counter() - began
        said = divergence.log_softmax(numpy.asarray(scores[item.prompt_tokens - 1 : -1], dtype=numpy.float32))
        if first:
            numpy.save(path, said)
        reference = said if first else numpy.load(path)
        found["nats"].append(divergence.nats(said, item.input_ids[item.prompt_tokens :]))
        found["kl"].append(divergence.kl(reference, said))
        found["top1"].append(divergence.same_top(reference, said))
    loaded.close()
    return found


def ladder(
    *,
    model: str,
    f16: Path,
    made: dict[str, Path],
    imatrix: Path | None,
    variants: list[str],
    base: Path,
    rows: list[dict],
    output: Path,
    times: Path,
    finished: Path,
    system: str,
    context: int,
    threads: int,
) -> None:
    """Measure the variants of a model and write results/quant/{model}.json and its times (docs/files.md).

    Args:
        made: variant -> its file, of those that were made already; the others are made here and removed again.
        imatrix: the importance matrix, None where no variant asks for one.
        variants: from `formats.variants`.
        rows: questions of the test set.
        finished: file that keeps measured variants until all are there; a killed run goes on with the first that is
            missing.
    """
    tokenizer = loading.load_tokenizer(base)
    items = [chat.encode(tokenizer, row["question"], row["reference"], system) for row in rows]
    mark = fingerprint([rows, system, context, threads], [f16] + ([imatrix] if imatrix else []))
    scratch = output.with_name(f".{model}.parts")
    shutil.rmtree(scratch, ignore_errors=True)  # what a killed run left
    scratch.mkdir(parents=True)
    try:
        references = [scratch / f"{index}.npy" for index in range(len(items))]
        full = measure(f16, items, references, context, threads, first=True)
        with FinishedRows(finished, mark, key="variant") as kept:
            for variant in (name for name in variants if name not in kept.rows):
                file = made.get(variant) or scratch / f"{model}-{variant}.gguf"
                if variant not in made:
                    quantize.quantize(
                        f16, file, format_of(variant).name, threads, imatrix if variant.endswith(WITH_MATRIX) else None
                    )
                kept.add({"variant": variant, **measure(file, items, references, context, threads)})
                if variant not in made:
                    file.unlink()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    done = {name: {key: value for key, value in row.items() if key != "variant"} for name, row in kept.rows.items()}
    entries = {"f16": full, **{variant: done[variant] for variant in variants}}
    other = share_in_other_types(f16)
    for name, entry in entries.items():
        entry["other_types"] = other if format_of(name).k_quant else 0.0
    tokens = sum(len(item.input_ids) for item in items)
    write_csv(
        times,
        ["variant", "tokens", "seconds"],
        [[name, tokens, f"{entry.pop('seconds'):.4f}"] for name, entry in entries.items()],
    )
    questions = [
        {
            "id": row["id"],
            "category": row["category"],
            "tokens": len(item.input_ids) - item.prompt_tokens,
            "bytes": len(row["reference"].encode()),
        }
        for row, item in zip(rows, items, strict=True)
    ]
    write_json(output, {"model": model, "questions": questions, "variants": entries})
    kept.remove()
