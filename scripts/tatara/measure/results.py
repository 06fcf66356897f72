"""Reading of result files (docs/files.md) for tables, figures and the report; a file's name says model and format."""

import io
import json
import warnings
from collections.abc import Iterable
from pathlib import Path

import pandas

from tatara.files.formats import FORMATS, WITH_GRAPH, format_of, most_bits
from tatara.files.text import read_text
from tatara.job.errors import InputError

LARGEST_SD = 1.5  # of scores from 0 to 3: half of them 0, half of them 3
JUDGE_COLUMNS = ("id", "question", "category", "score", "reason", "judge", "repeat", "valid", "seconds", "characters")


def read_json(path: Path | str) -> dict:
    """Return the object of a JSON file.

    Raises:
        InputError: not JSON (file, line and column), or no object.
    """
    try:
        content = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise InputError(
            f"{path}:{error.lineno}: not JSON at column {error.colno} ({error.msg}); delete the file and run again"
        ) from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON that can be read ({error}); delete the file and run again") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: holds a {type(content).__name__}, expected an object; delete the file and run again")
    return content


def model_and_format(path: Path | str) -> tuple[str, str]:
    """Return model and format of a judge, seconds, answers or NLL file; `f16_graph` is F16 with the graph at hand.

    Args:
        path: judge_{model}_{fmt}.csv, {model}_{fmt}_seconds.csv, {model}_{fmt}.jsonl or {model}_{fmt}.json.

    Raises:
        InputError: a name that is none of these.
    """
    # An id of a model has no underscore.
    model, _, fmt = Path(path).stem.removeprefix("judge_").removesuffix("_seconds").partition("_")
    if not model or fmt.removesuffix(WITH_GRAPH) not in FORMATS:
        raise InputError(
            f"{path}: expected a file name that ends in model and format ({', '.join(FORMATS)}, or one of these and "
            f"{WITH_GRAPH}), such as judge_swallow_f16.csv"
        )
    return model, fmt


def by_model_and_format(paths: Iterable[Path | str], names: dict[str, str]) -> dict[tuple[str, str], Path]:
    """Return `(model, format) -> path`, models in the order of `names`.

    Of a model the untuned comes first, then its formats from the most bits to the fewest; with the graph at hand each
    stands behind the one without.
    """
    files = {model_and_format(path): Path(path) for path in paths}
    unknown = sorted({model for model, _ in files} - names.keys())
    if unknown:
        path = next(path for (model, _), path in files.items() if model == unknown[0])
        raise InputError(f"{path}: no display name for the model {unknown[0]}; name it in the config under models")
    models = list(names)

    def place(key: tuple[str, str]) -> tuple:
        model, fmt = key
        return models.index(model), not format_of(fmt).untuned, -format_of(fmt).bits, fmt.endswith(WITH_GRAPH)

    return {key: files[key] for key in sorted(files, key=place)}


def full_precision(keys: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return for each model its tuned format of the most bits: F16, or NF4 where there is no GGUF."""
    formats: dict[str, list[str]] = {}
    for model, fmt in keys:
        formats.setdefault(model, []).append(fmt)
    return {model: most_bits(fmt for fmt in own if fmt in FORMATS) for model, own in formats.items()}


def read_scores(path: Path | str) -> pandas.DataFrame:
    """Return a judge file with all judges and repeats; an invalid score and a missing time are NaN.

    Raises:
        InputError: a missing column, or a valid score that is not 0 to 3.
    """
    # A whole number may have 400 digits: what is no number for certain is read as text.
    columns = dict.fromkeys(("id", "question", "category", "reason", "judge", "score", "seconds"), str)
    try:
        # A row with too many fields is a warning to pandas.
        with warnings.catch_warnings(action="error", category=pandas.errors.ParserWarning):
            rows = pandas.read_csv(io.StringIO(read_text(path)), dtype=columns, keep_default_na=False, index_col=False)
    except (pandas.errors.ParserError, pandas.errors.ParserWarning, pandas.errors.EmptyDataError) as error:
        raise InputError(f"{path}: {error}; delete the file and run again") from None
    missing = [column for column in JUDGE_COLUMNS if column not in rows.columns]
    if missing or rows.empty:
        problem = f"missing column {missing[0]}" if missing else "no rows"
        raise InputError(f"{path}:1: {problem}; delete the file and run again")
    valid = rows["valid"].astype(str).str.lower() == "true"
    rows["score"] = pandas.to_numeric(rows["score"], errors="coerce").where(valid)
    bad = rows[rows["score"].notna() & ~rows["score"].isin(range(4))]
    if len(bad):
        line, score = bad.index[0] + 2, bad["score"].iloc[0]
        raise InputError(f"{path}:{line}: the score {score} is not 0, 1, 2 or 3; delete the file and run again")
    # Of answers that were written in one batch only a sample has a time.
    rows["seconds"] = pandas.to_numeric(rows["seconds"], errors="coerce")
    return rows


def read_judge(path: Path | str) -> pandas.DataFrame:
    """Return a judge file with one row a question, by its first judge; a score is the mean over the valid repeats.

    Columns: id, question, category, score (NaN where no repeat is valid), reason, seconds, characters.

    Raises:
        InputError: as `read_scores`.
    """
    rows = read_scores(path)
    rows = rows[rows["judge"] == rows["judge"].iloc[0]]
    columns = ("question", "category", "score", "reason", "seconds", "characters")
    summary = {column: "mean" if column == "score" else "first" for column in columns}
    return rows.groupby("id", sort=False, as_index=False).agg(summary)


def read_questions(paths: dict, part: str | None = None) -> dict:
    """Return `key -> {question id: (nats, tokens, bytes)}` of NLL files, all over the same questions in the same order.

    Questions without a reference answer are not among them; there may be none that has one.

    Args:
        part: `development`, for the questions on which the size is selected.

    Raises:
        InputError: files over different questions.
    """
    measured = {}
    first: Path | None = None
    for key, path in paths.items():
        content = read_json(path)
        try:
            content = content[part] if part else content
            measured[key] = {row["id"]: (row["nats"], row["tokens"], row["bytes"]) for row in content["questions"]}
        except (KeyError, TypeError):
            raise InputError(
                f"{path}: expected questions with id, nats, tokens and bytes; delete the file and run again"
            ) from None
        if first is None:
            first, ids = path, list(measured[key])
        if set(measured[key]) != set(ids):
            raise InputError(f"{path}: not the questions of {first}; delete the one that is out of date and run again")
        measured[key] = {question: measured[key][question] for question in ids}
    return measured
