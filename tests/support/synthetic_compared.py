"""What training is compared with, beside a synthetic study: untuned models, and the two-by-two of the first model."""

import json
import random
from pathlib import Path

from synthetic import FORMATS, KNOWS, Study, _judge, _nll_questions, _probe, _write, _write_csv, nll_content, test_rows

# What an answer holds of the two facts of a question (亀裂; 漏水 or 漏えい).
HOLDS = {"base": "何もしない。", "base_graph": "亀裂を確認する。", "f16_graph": "亀裂と漏水を確認する。"}
PROMPT_TOKENS = {"base": 40, "base_graph": 400, "f16": 40, "f16_graph": 400}
LINES = ["堤防では亀裂を確認する。 [設計編]", "点検は年1回行う。 [設計編]"]


def scores_of(fmt: str, count: int) -> list[int]:
    """Return the scores of an untuned model (0 and 1 in turn), with the graph (1 and 2), and tuned with it (3)."""
    return [{"base": place % 2, "base_graph": 1 + place % 2, "f16_graph": 3}[fmt] for place in range(count)]


def _answered(study: Study, model: str, fmt: str, rows: list[dict], second_judge: bool) -> dict[str, str]:
    """Write answers, times and scores of one model; return their paths."""
    answers = [
        {**{key: row[key] for key in ("id", "category", "question")}, "answer": f"の答え：{HOLDS[fmt]}", "tokens": 9}
        | {"stop": "eos"}
        for row in rows
    ]
    path = study.folder / "answers" / f"{model}_{fmt}.jsonl"
    path.write_text("".join(json.dumps(answer, ensure_ascii=False) + "\n" for answer in answers), encoding="utf-8")
    seconds = 0.1 if fmt == "base" else 0.3
    prompt = PROMPT_TOKENS[fmt]
    times = [{"id": row["id"], "seconds": seconds, "tokens": 9, "prompt_tokens": prompt} for row in rows]
    written = _write_csv(path.with_name(f"{model}_{fmt}_seconds.csv"), times)
    timed = [{**answer, "seconds": seconds} for answer in answers]
    _judge(study, f"{model}_{fmt}", rows, timed, scores_of(fmt, len(rows)), second_judge)
    return {"judge": study.judge.pop(), "times": written, "answers": str(path)}


def add_compared(
    study: Study, *, questions: int = 40, second_judge: bool = False, references: int | None = None
) -> Study:
    """Add to a study of so many questions its untuned models, the row n = 0, and the two-by-two of its first model."""
    rng, rows = random.Random(7), test_rows(questions, references)
    hardness = [rng.uniform(0.8, 1.2) for _ in rows]
    first = next(iter(study.names))
    for model in study.names:
        files = _answered(study, model, "base", rows, second_judge)
        measured = nll_content(f"{model}_base", model, _nll_questions(rows, 2.5, 0.01, rng, hardness))
        study.nll.append(_write(study.folder / "nll" / f"{model}_base.json", measured))
        for name, path in files.items():
            getattr(study, name).append(path)
        study.probe.append(_probe(study.folder / "probe" / f"{model}_base.csv", **{f"{model}_base": KNOWS["base"]}))
    study.probe_runs.append(_probe(study.folder / "probe" / f"{first}_n0.csv", **{f"{first}_n0": KNOWS["base"]}))
    measured = nll_content(f"{first}_n0", first, _nll_questions(rows, 2.4, 0.03, rng, hardness))
    study.untuned.append(_write(study.folder / "nll" / f"{first}_n0.json", measured))
    if "f16" not in FORMATS[first]:
        return study
    for fmt in ("base_graph", "f16_graph"):
        for name, path in _answered(study, first, fmt, rows, second_judge).items():
            study.four[name].append(path)
    for fmt, size in (("base", 1000), ("f16", 1000)):
        for name in ("judge", "times", "answers"):
            own = next(
                path
                for path in getattr(study, name)
                if Path(path).stem.endswith(f"{first}_{fmt}{'_seconds' * (name == 'times')}")
            )
            study.four[name].append(own)
        path = study.folder / "nll" / f"{first}_{fmt}.json"
        content = json.loads(path.read_text(encoding="utf-8"))
        study.four["nll"].append(_write(path, content | {"file_bytes": size}))
    prompts = study.folder / "testset" / "at_hand.jsonl"
    at_hand = [{"id": row["id"], "question": row["question"], "lines": LINES, "prompt": "…"} for row in rows]
    prompts.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in at_hand), encoding="utf-8")
    study.four["prompts"].append(str(prompts))
    return study
