"""Every question with the answers, scores and reasons of all models and formats, for the report."""

from pathlib import Path

from tatara.files.formats import label_of
from tatara.files.jsonl import read_jsonl
from tatara.measure.results import by_model_and_format, read_judge, read_scores
from tatara.measure.taught import Taught
from tatara.report.numbers import number


def _score(value: float) -> str:
    return f"{value:g}" if value == value else "invalid"


def _other_scores(path: Path | str) -> dict[str, list[str]]:
    """Return question id -> score and reason of every further judge and repeat, such as `qwen14b (repeat 2) 3: …`."""
    rows = read_scores(path)
    first = rows["judge"] == rows["judge"].iloc[0]
    scores: dict[str, list[str]] = {}
    for row in rows[~(first & (rows["repeat"] == 1))].itertuples():
        repeat = f" (repeat {row.repeat})" if row.repeat > 1 else ""
        scores.setdefault(row.id, []).append(f"{row.judge}{repeat} {_score(row.score)}: {row.reason}")
    return scores


def _entry(key: tuple[str, str], names: dict[str, str], score: dict, answer: dict, others: list[str]) -> dict:
    """Return one answer as the report shows it, from its row of the judge file and its row of the answers."""
    model, fmt = key
    valid = score["score"] == score["score"]
    return {
        "id": f"{model}_{fmt}",
        "model": names[model],
        "format": label_of(fmt),
        "score": _score(score["score"]),
        "level": int(score["score"] + 0.5) if valid else "invalid",
        "reason": score["reason"],
        "answer": answer["answer"],
        "others": others,
        "seconds": number(score["seconds"]),
        "cut": answer["stop"] == "length",
    }


def questions_by_category(
    judge: list[str], answers: list[str], testset: Path | str, names: dict[str, str], taught: dict[str, Taught]
) -> dict[str, list[dict]]:
    """Return category -> its questions in the order of the test set, each with all its answers, scores and reasons.

    Args:
        taught: question id -> what the selected training pairs teach of it.
    """
    judged = by_model_and_format(judge, names)
    scores = {key: read_judge(path).set_index("id").to_dict("index") for key, path in judged.items()}
    others = {key: _other_scores(path) for key, path in judged.items()}
    written = {
        key: {row["id"]: row for row in read_jsonl(path)} for key, path in by_model_and_format(answers, names).items()
    }
    asked = {question for rows in scores.values() for question in rows}
    categories: dict[str, list[dict]] = {}
    for row in read_jsonl(testset):
        id_ = row["id"]
        if id_ not in asked:
            continue
        entries = [
            _entry(key, names, rows[id_], written[key][id_], others[key].get(id_, []))
            for key, rows in scores.items()
            if id_ in rows
        ]
        question = {key: row[key] for key in ("id", "difficulty", "question", "reference")}
        held = f"{len(taught[id_].facts)} of {len(row['facts'])} facts stand in the training answers"
        known = {"taught": taught[id_].group, "facts": held if row["facts"] else "it requires no fact"}
        categories.setdefault(row["category"], []).append({**question, **known, "entries": entries})
    return categories
