"""The quantization ladder of one model: what each format, with and without an importance matrix, does to every token.

The reference answers are given (teacher forcing) on the prompts of `nll`, and F16 and the variants say how probable
each next token is; then each answers the probe. A variant is quantized, measured and removed before the next one, so
that a ladder of an 8B model needs the disk of one file. The log probabilities of F16 lie on the disk question by
question: of a vocabulary of 128,000, a question takes about 100 MB.
"""

import contextlib
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy

from tatara.data.questions import with_reference
from tatara.evaluate import divergence
from tatara.evaluate.probe import Probe
from tatara.evaluate.probe_gguf import cells_of, llama_score
from tatara.files.formats import WITH_MATRIX, format_of
from tatara.files.probe_file import write_probe
from tatara.files.text import write_csv, write_json
from tatara.job.fingerprint import fingerprint
from tatara.job.progress import Progress
from tatara.job.resume import FinishedRows
from tatara.llama import gguf_model, quantize
from tatara.llama.reader import share_in_other_types
from tatara.models import chat
from tatara.models.chat_template import Conversation
from tatara.models.tokenizer import load_tokenizer

PER_QUESTION = ("nats", "kl", "top1")


def _timed(pieces: Iterator[numpy.ndarray]) -> Iterator[tuple[float, int, numpy.ndarray]]:
    """Yield the pieces of a text's logits, each with the seconds that it took and the place of its first row."""
    place, start = 0, time.perf_counter()
    for piece in pieces:
        yield time.perf_counter() - start, place, piece
        place, start = place + len(piece), time.perf_counter()


def _compare(
    logits: numpy.ndarray, reference: numpy.ndarray, targets: list[int], first: bool
) -> tuple[float, float, int]:
    """Return nats of some tokens, KL from F16 in nats, and how many most likely tokens are F16's.

    Args:
        logits: (tokens, vocabulary).
        reference: log probabilities of F16, written when `first`.
    """
    log_probabilities = divergence.log_softmax(logits)
    if first:
        reference[:] = log_probabilities
    return (
        divergence.nats(log_probabilities, targets),
        divergence.kl(reference, log_probabilities),
        divergence.same_top(reference, log_probabilities),
    )


def measure(
    file: Path,
    name: str,
    items: list[chat.Encoded],
    probe: Probe,
    references: list[Path],
    context: int,
    threads: int,
    first: bool = False,
) -> dict:
    """Return a file's bytes, its bits a weight, figures of each question's answer tokens, and the rows of its probe.

    Figures, one a question: nats, KL from F16 in nats, tokens whose most likely token is that of F16. And the seconds
    that reading all questions took.

    Args:
        name: of model and variant.
        items: prompts with their reference answers.
        references: where the log probabilities of F16 lie, one file a question; written when `first`, else read.
    """
    import llama_cpp

    loaded = gguf_model.load(file, context, threads, more=cells_of(probe))
    pieces = gguf_model.pieces_of(loaded)
    for item in items[:1]:
        for _ in pieces(item.input_ids, 1):  # what is done once, such as reading the file from the disk, is not counted
            pass
    entry = {
        "bytes": file.stat().st_size,
        "bits_per_weight": 8 * llama_cpp.llama_model_size(loaded.model) / llama_cpp.llama_model_n_params(loaded.model),
        "nats": [],
        "kl": [],
        "top1": [],
        "seconds": 0.0,
    }
    pool = ThreadPoolExecutor(threads)  # numpy computes in all of them at once
    for item, path in zip(Progress(items, f"ladder {file.stem}"), references, strict=True):
        figures = dict.fromkeys(PER_QUESTION, 0)
        targets = item.input_ids[item.prompt_tokens :]
        shape = (len(targets), loaded.n_vocab())
        mode, kind = ("w+", numpy.float32) if first else ("r", None)
        reference = numpy.lib.format.open_memmap(path, mode, kind, shape if first else None)
        for seconds, place, piece in _timed(pieces(item.input_ids, item.prompt_tokens)):
            entry["seconds"] += seconds
            rows = slice(place, place + len(piece))
            cut = [divergence.in_parts(whole) for whole in (piece, reference[rows], targets[rows])]
            for found in pool.map(partial(_compare, first=first), *cut):
                for key, figure in zip(PER_QUESTION, found, strict=True):
                    figures[key] += figure
        for key, figure in figures.items():
            entry[key].append(figure)
    pool.shutdown()
    entry["probe"] = probe.rows(name, llama_score(loaded, probe.longest))
    loaded.close()
    return entry


@contextlib.contextmanager
def _empty_folder(path: Path) -> Iterator[Path]:
    """Make a folder for as long as the block lasts; what a killed run left in it goes first."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def ladder(
    *,
    model: str,
    f16: Path,
    quantized: dict[str, Path],
    imatrix: Path | None,
    variants: list[str],
    base: Path,
    rows: list[dict],
    development: list[dict],
    probe_items: list[dict],
    output: Path,
    times: Path,
    probe: Path,
    finished: Path,
    conversation: Conversation,
    context: int,
    threads: int,
) -> None:
    """Measure the variants of a model and write results/quant/{model}.json, its times and its probe (docs/files.md).

    Args:
        quantized: variant -> its file, of those that the study has; the others are made here and removed again.
        imatrix: the importance matrix, None where no variant asks for one.
        variants: from `formats.variants`.
        rows, development: questions of the test set, and those on which a format is selected; those without a reference
            answer are passed over.
        finished: keeps measured variants until all are there; a killed run goes on with the first that is missing.
    """
    tokenizer = load_tokenizer(base)
    rows, development = with_reference(rows), with_reference(development)
    asked = [*rows, *development]
    items = [chat.encode(tokenizer, row["question"], row["reference"], conversation, row["id"]) for row in asked]
    encoded = Probe(tokenizer, probe_items, conversation)
    decided = [rows, development, probe_items, asdict(conversation), context, threads]
    mark = fingerprint(decided, [f16] + ([imatrix] if imatrix else []))

    def measured_file(file: Path, variant: str, first: bool = False) -> dict:
        return measure(file, f"{model}_{variant}", items, encoded, references, context, threads, first)

    with _empty_folder(output.with_name(f".{model}.parts")) as folder:
        references = [folder / f"{index}.npy" for index in range(len(items))]
        entries = {"f16": measured_file(f16, "f16", first=True)}
        with FinishedRows(finished, mark, key="variant") as measured:
            for variant in (name for name in variants if name not in measured.rows):
                file = quantized.get(variant) or folder / f"{model}-{variant}.gguf"
                if variant not in quantized:
                    matrix = imatrix if variant.endswith(WITH_MATRIX) else None
                    quantize.quantize(f16, file, format_of(variant).name, threads, matrix)
                measured.add({"variant": variant, **measured_file(file, variant)})
                if variant not in quantized:
                    file.unlink()
    for variant in variants:
        entries[variant] = {key: value for key, value in measured.rows[variant].items() if key != "variant"}
    write_probe(probe, [row for entry in entries.values() for row in entry.pop("probe")])
    _write(model, f16, entries, asked, items, len(rows), output, times)
    measured.remove()


def _write(
    model: str,
    f16: Path,
    entries: dict[str, dict],
    rows: list[dict],
    items: list[chat.Encoded],
    reported: int,
    output: Path,
    times: Path,
) -> None:
    """Write what was measured of each variant, and apart from it the seconds, which no seed decides.

    Args:
        reported: how many of the rows, the first ones, are of the test set; the others are for selecting.
    """
    other_types = share_in_other_types(f16)
    tokens = sum(len(item.input_ids) for item in items)
    seconds = [[variant, tokens, f"{entry['seconds']:.4f}"] for variant, entry in entries.items()]
    write_csv(times, ["variant", "tokens", "seconds"], seconds)
    for variant, entry in entries.items():
        del entry["seconds"]
        entry["other_types"] = other_types if format_of(variant).k_quant else 0.0
        entry["development"] = {key: entry[key][reported:] for key in PER_QUESTION}
        entry |= {key: entry[key][:reported] for key in PER_QUESTION}
    questions = [
        {
            "id": row["id"],
            "category": row["category"],
            "tokens": len(item.input_ids) - item.prompt_tokens,
            "bytes": len(row["reference"].encode()),
        }
        for row, item in zip(rows, items, strict=True)
    ]
    content = {"model": model, "questions": questions[:reported], "development": questions[reported:]}
    write_json(output, content | {"variants": entries})
