"""A small, complete set of result files in the schemas of docs/files.md, made of numbers without any model."""

import csv
import json
import math
import random
from dataclasses import dataclass, field
from pathlib import Path

from tatara.files.probe_file import write_probe

CATEGORIES = ["維持管理_河川", "維持管理_ダム", "維持管理_砂防", "設計", "比較・横断", "ハザード", "計画", "調査"]
SHARES = {
    "HAS_CHAPTER": 0.185,
    "DESCRIBED_IN": 0.131,
    "HAS_SECTION": 0.125,
    "HAS_ITEM": 0.097,
    "DEFINED_IN": 0.087,
    "SUBJECT_TO": 0.084,
    "USED_IN": 0.079,
    "REQUIRES": 0.078,
    "AFFECTS": 0.058,
    "MITIGATES": 0.054,
    "PRECEDES": 0.022,
}
NAMES = {
    "swallow": "Swallow stand-in",
    "elyza": "ELYZA stand-in",
    "qwen": "Qwen2.5 stand-in",
    "tanuki": "Tanuki stand-in",
}
FORMATS = {"swallow": ["f16", "q4"], "elyza": ["f16", "q4"], "qwen": ["f16", "q4"], "tanuki": ["nf4"]}
# Chances of the scores 3, 2, 1, 0.
CHANCES = {
    ("swallow", "f16"): (84, 15, 0, 1),
    ("swallow", "q4"): (86, 12, 1, 1),
    ("elyza", "f16"): (73, 24, 3, 0),
    ("elyza", "q4"): (78, 18, 3, 1),
    ("qwen", "f16"): (49, 45, 5, 1),
    ("qwen", "q4"): (20, 45, 25, 10),
    ("tanuki", "nf4"): (65, 32, 3, 0),
}
SCHEMA = Path(__file__).parents[2] / "resources" / "graph" / "schema.yaml"


@dataclass
class Study:
    """Paths of the files written, as the rules of the pipeline would name them."""

    folder: Path
    sizes: list[int]
    names: dict[str, str]
    train: list[str] = field(default_factory=list)
    nll_runs: list[str] = field(default_factory=list)
    judge: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    times: list[str] = field(default_factory=list)
    nll: list[str] = field(default_factory=list)
    parity: list[str] = field(default_factory=list)
    adapters: list[str] = field(default_factory=list)
    merges: list[str] = field(default_factory=list)
    ladders: list[str] = field(default_factory=list)
    ladder_times: list[str] = field(default_factory=list)
    probe: list[str] = field(default_factory=list)  # of models and formats
    probe_runs: list[str] = field(default_factory=list)
    probe_ladders: list[str] = field(default_factory=list)
    probe_merges: list[str] = field(default_factory=list)
    frequencies: str = ""
    untuned: list[str] = field(default_factory=list)  # the NLL file of n = 0
    four: dict[str, list[str]] = field(
        default_factory=lambda: {name: [] for name in ("judge", "times", "answers", "nll", "prompts")}
    )  # of the two-by-two
    harm: dict[str, list[str]] = field(default_factory=lambda: {"before": [], "after": [], "answers": []})

    def path(self, name: str) -> str:
        return str(self.folder / name)


def _write(path: Path, content: object) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return str(path)


def _write_csv(path: Path, rows: list[dict]) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


def nll_content(name: str, model: str, questions: list[dict]) -> dict:
    nats, tokens, size = (sum(row[key] for row in questions) for key in ("nats", "tokens", "bytes"))
    return {
        "name": name,
        "model": model,
        "nll": nats / tokens if tokens else None,
        "ppl": math.exp(nats / tokens) if tokens else None,
        "bits_per_byte": nats / (math.log(2) * size) if tokens else None,
        "nats": nats,
        "tokens": tokens,
        "bytes": size,
        "questions": questions,
    }


def test_rows(count: int, references: int | None = None) -> list[dict]:
    """Return questions of the test set, all or the first `references` with reference answer, facts and citations."""
    without = {"reference": "", "facts": [], "citations": []}
    return [
        {
            "id": f"q{i + 1:03}",
            "label": "curated",
            "category": CATEGORIES[i % len(CATEGORIES)],
            "difficulty": "standard",
            "question": f"堤防の点検で確認する変状は何か（問{i + 1}）。<b>強調</b>は本文か。",
            "reference": f"出水期前に亀裂・漏水・沈下を確認する。根拠は維持管理編（河川編）第{i % 6 + 1}章である。",
            "facts": [["亀裂"], ["漏水", "漏えい"]],
            "citations": [{"volume": "維持管理編（河川編）", "chapter": "第6章 堤防", "section": ""}],
        }
        | (without if references is not None and i >= references else {})
        for i in range(count)
    ]


def _nll_questions(
    rows: list[dict], level: float, noise: float, rng: random.Random, hardness: list[float]
) -> list[dict]:
    return [
        {
            "id": row["id"],
            "category": row["category"],
            "nats": tokens * (level * hard + rng.gauss(0, noise)),
            "tokens": tokens,
            "bytes": tokens * 4,
        }
        for row, hard in zip(rows, hardness, strict=True)
        if row["reference"]
        for tokens in [30 + int(row["id"][1:]) % 17]
    ]


def _train(study: Study, run: str, model: str, n: int, seed: int, rank: int, rng: random.Random) -> str:
    steps_of_epoch = math.ceil(n / 8)
    steps = []
    for step in range(1, 3 * steps_of_epoch + 1):
        epoch = step / steps_of_epoch
        loss = (
            0.8 + 1.1 * math.exp(-2.0 * epoch) - 0.00002 * n - 0.1 * (epoch > 2.2) * (epoch - 2.2) + rng.gauss(0, 0.06)
        )
        steps.append({"step": step, "epoch": epoch, "loss": loss, "learning_rate": 2e-4})
    epoch_loss = [
        sum(s["loss"] for s in steps[i : i + steps_of_epoch]) / steps_of_epoch
        for i in range(0, len(steps), steps_of_epoch)
    ]
    return _write(
        study.folder / "adapters" / run / "train.json",
        {
            "run": run,
            "model": model,
            "backend": "trl",
            "device": "cpu",
            "seed": seed,
            "n": n,
            "r": rank,
            "alpha": 16,
            "dropout": 0.0,
            "epochs": 3,
            "effective_batch_size": 8,
            "steps": steps,
            "epoch_loss": epoch_loss,
            "final_loss": steps[-1]["loss"],
            "mean_loss": sum(epoch_loss) / 3,
            "seconds": 2.2 * n,
            "samples_per_second": 3 / 2.2,
            "tokens_per_second": 900.0,
            "tokens": 300 * n,
            "answer_tokens": 200 * n,
            "peak_memory_bytes": 6_400_000_000,
            "trainable_parameters": 123_456,
            "resumed_from": None,
            "first_batch": [],
            "versions": {"torch": "2.13.0"},
        },
    )


def _quality(study: Study) -> None:
    rows = []
    for n in study.sizes:
        for position, (type_, share) in enumerate(SHARES.items()):
            rows.append(
                {
                    "n": n,
                    "metric": "relation_share",
                    "key": type_,
                    "value": round(share * n + (position % 3 - 1) * 0.4) / n,
                }
            )
        for category, share in (
            ("維持管理_河川", 0.21),
            ("維持管理_ダム", 0.15),
            ("維持管理_砂防", 0.12),
            ("設計", 0.24),
            ("計画", 0.19),
            ("調査", 0.09),
        ):
            rows.append({"n": n, "metric": "category_share", "key": category, "value": round(share * n) / n})
        for metric, value in (
            ("answer_chars_mean", 372.0 + n % 7),
            ("answer_chars_sd", 61.5),
            ("question_chars_mean", 41.2),
        ):
            rows.append({"n": n, "metric": metric, "key": "", "value": value})
    _write_csv(study.folder / "subsets" / "quality.csv", rows)


def _pairs(study: Study) -> None:
    """Write qa_pairs.jsonl and pool.jsonl; three in ten pairs of the first relation type are left out of the pool."""
    pairs = [
        {
            "id": f"{number:016x}",
            "question": "問" * (20 + number % 9),
            "answer": "答" * (350 + 3 * (number % 13)),
            "relation_type": type_,
            "version": f"v{1 + number % 4}",
            "intent": "what",
            "template": "t",
            "start": "a",
            "end": "b",
            "category": "設計",
        }
        for number, type_ in enumerate(type_ for type_, share in SHARES.items() for _ in range(round(1000 * share)))
    ]
    first = next(iter(SHARES))
    pool = [pair for number, pair in enumerate(pairs) if pair["relation_type"] != first or number % 10 >= 3]
    (study.folder / "qa").mkdir(parents=True, exist_ok=True)
    for name, rows in (("qa_pairs", pairs), ("pool", pool)):
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (study.folder / f"qa/{name}.jsonl").write_text(text, encoding="utf-8")


LADDER = (("q8", 8.5, 0.0002), ("q6", 6.6, 0.001), ("q5", 5.7, 0.003), ("q4", 4.9, 0.012), ("q3", 3.9, 0.08))


def _variants(model: str, merged: list[dict], rng: random.Random) -> dict[str, dict]:
    """Return what each format of a model does: the fewer bits the more is lost, half with a matrix, in qwen tenfold."""
    tokens = [question["tokens"] for question in merged]
    full = {"bytes": 8_400_000, "bits_per_weight": 16.0, "other_types": 0.0, "nats": [q["nats"] for q in merged]}
    variants = {"f16": full | {"kl": [0.0] * len(merged), "top1": tokens}}
    for fmt, bits, loss in LADDER:
        for end, share in (("", 1.0), ("-imatrix", 0.5)):
            lost = loss * share * (10 if model == "qwen" else 1)
            variants[fmt + end] = {
                "bytes": round(8_400_000 * bits / 16),
                "bits_per_weight": bits,
                "other_types": 0.8 if model == "qwen" and fmt != "q8" else 0.0,
                "nats": [q["nats"] + q["tokens"] * (lost + rng.gauss(0, lost / 2)) for q in merged],
                "kl": [count * lost * 1.5 for count in tokens],
                "top1": [round(count * (1 - min(0.5, 2 * lost))) for count in tokens],
            }
    return variants


def _quantize(study: Study, rows: list[dict], rng: random.Random) -> None:
    """Write the ladders and the merges."""
    hardness = [rng.uniform(0.8, 1.2) for _ in rows]
    quant = study.folder / "quant"
    for model, formats in FORMATS.items():
        if model not in study.names:
            continue
        trained = _nll_questions(rows, 1.2, 0.01, rng, hardness)
        adapter = nll_content(f"{model}_nf4", model, trained)
        study.adapters.append(_write(study.folder / "nll" / f"{model}_nf4.json", adapter))
        merged = [{**question, "nats": question["nats"] * (1.004 + rng.gauss(0, 0.001))} for question in trained]
        both = {"merged_16bit": nll_content("a", model, merged), "merged_dequantized": nll_content("b", model, trained)}
        study.merges.append(_write(quant / f"{model}-merge.json", {"model": model, **both}))
        if "f16" not in formats:
            continue
        variants = _variants(model, merged, rng)
        questions = [{key: question[key] for key in ("id", "category", "tokens", "bytes")} for question in trained]
        for entry in variants.values():  # what is selected on is here what is reported
            entry["development"] = {key: entry[key] for key in ("nats", "kl", "top1")}
        content = {"model": model, "questions": questions, "development": questions, "variants": variants}
        study.ladders.append(_write(quant / f"{model}.json", content))
        times = [{"variant": name, "tokens": 4000, "seconds": 0.5} for name in variants]
        study.ladder_times.append(_write_csv(quant / f"{model}_seconds.csv", times))


KINDS = {"forward": "REQUIRES", "backward": "REQUIRES", "chained": "AFFECTS", "number": "value", "term": "reason"}
KNOWS = {"f16": 0.6, "nf4": 0.58, "q8": 0.6, "q6": 0.6, "q5": 0.6, "q4": 0.58, "q3": 0.58, "base": 0.3}


def probe_rows(name: str, share: float, count: int = 200) -> list[dict]:
    """Return rows of a probe file in which this share of the items is answered right, the first items of each kind.

    One relation in ten is held out, and of these every fourth item is right whatever the share.
    """
    rows = []
    for number in range(count):
        (kind, type_), place = list(KINDS.items())[number % len(KINDS)], number // len(KINDS)
        taught = kind in ("number", "term") or place % 10 != 9
        right = place < share * count / len(KINDS) if taught else place % 4 == 1
        nats = [2.0, 3.0, 2.5, 4.0]
        nats[number % 4] = 1.0 if right else 5.0
        without = [2.0, 2.0, 2.0, 2.0]
        without[number // 4 % 4] = 1.9
        item = {"id": f"p{number:03}", "kind": kind, "type": type_, "taught": taught, "node": f"n{number % 23}"}
        rows.append({"name": name, **item, "answer": number % 4, "nats": nats, "nats_without": without})
    return rows


def _probe(path: Path, **shares: float) -> str:
    """Write a probe file of these names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_probe(path, [row for name, share in shares.items() for row in probe_rows(name, share)])
    return str(path)


def _probes(study: Study, seeds: tuple[int, ...]) -> None:
    """Write the probe files: what a model knows rises with the size and falls with the bits."""
    folder, first = study.folder / "probe", next(iter(study.names))
    study.frequencies = _probe(folder / "frequencies.csv", frequencies=0.25)
    for seed in seeds:
        for place, n in enumerate(study.sizes):
            run = f"{first}_n{n}_r16_s{seed}"
            study.probe_runs.append(_probe(folder / f"{run}.csv", **{run: 0.3 + 0.07 * place}))
    for model in study.names:
        for fmt in FORMATS[model]:
            study.probe.append(_probe(folder / f"{model}_{fmt}.csv", **{f"{model}_{fmt}": KNOWS[fmt]}))
        if f"{model}_nf4" not in {Path(path).stem for path in study.probe}:
            _probe(folder / f"{model}_nf4.csv", **{f"{model}_nf4": KNOWS["nf4"]})
        merges = {f"{model}_merged_16bit": 0.6, f"{model}_merged_dequantized": 0.58}
        study.probe_merges.append(_probe(folder / f"{model}-merge.csv", **merges))
        if "f16" in FORMATS[model]:
            variants = ["f16", *(fmt + end for fmt, *_ in LADDER for end in ("", "-imatrix"))]
            shares = {f"{model}_{variant}": KNOWS[variant.removesuffix("-imatrix")] for variant in variants}
            study.probe_ladders.append(_probe(folder / f"{model}-ladder.csv", **shares))


def _answers(study: Study, model: str, fmt: str, rows: list[dict], rng: random.Random) -> list[dict]:
    """Write the answers of a model in a format with their times, and return them with the times."""
    answers = [
        {
            "id": row["id"],
            "category": row["category"],
            "question": row["question"],
            "answer": f"{study.names[model]}の答え：" + "堤防の変状を確認する。" * rng.randint(5, 30),
            "tokens": rng.randint(40, 250),
            "stop": rng.choice(["eos", "eos", "length"]),
        }
        for row in rows
    ]
    path = study.folder / "answers" / f"{model}_{fmt}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(answer, ensure_ascii=False) + "\n" for answer in answers), encoding="utf-8")
    study.answers.append(str(path))
    pace = {"f16": 0.02, "q4": 0.008, "nf4": 0.05}[fmt]
    times = [
        {
            "id": answer["id"],
            "seconds": round(0.05 + pace * answer["tokens"], 4),
            "tokens": answer["tokens"],
            "prompt_tokens": 40,
        }
        for answer in answers
    ]
    study.times.append(_write_csv(path.with_name(f"{model}_{fmt}_seconds.csv"), times))
    return [{**answer, "seconds": time["seconds"]} for answer, time in zip(answers, times, strict=True)]


def _judge(study: Study, name: str, rows: list[dict], answers: list[dict], scores: list[int], second: bool) -> None:
    """Write a judge file; a second judge takes a point off now and then, and once gives no score."""
    reasons = {3: "all 2 required facts; cites 維持管理編（河川編）"}
    judges = {"rubric": [(score, reasons.get(score, f"{score} of 2 required facts")) for score in scores]}
    if second:
        judges["llm"] = [(max(0, score - (number % 4 == 0)), "理由") for number, score in enumerate(scores)]
        judges["llm"][5] = ("", "not a score, 3 times; the last: …")
    lines = [
        {
            "id": row["id"],
            "question": row["question"],
            "category": row["category"],
            "score": score,
            "reason": reason,
            "judge": judge,
            "repeat": 1,
            "valid": score != "",
            "seconds": answer["seconds"],
            "characters": len(answer["answer"]),
            "prompt_digest": "0" * 16,
        }
        for judge, scored in judges.items()
        for row, (score, reason), answer in zip(rows, scored, answers, strict=True)
    ]
    study.judge.append(_write_csv(study.folder / "judge" / f"judge_{name}.csv", lines))


SHAPE = {
    "architecture": "llama",
    "layers": 3,
    "hidden_size": 256,
    "heads": 8,
    "kv_heads": 2,
    "qkv_bias": False,
    "vocabulary": 4096,
    "tokenizer": "BPE",
    "pre_tokenizer": "llama-bpe",
}


def _parity(study: Study, model: str, formats: list[str]) -> None:
    """Write the parity file of a model."""
    files = {
        fmt: {
            "token_ids_equal": True,
            "lines": 400,
            "tokens": 52000,
            "characters": 61000,
            "characters_without_token": {"閘": 5, "汀": 2} if model == "elyza" else {},
            "right_in": "answers",
            "mean_kl": {"f16": 2.1e-7, "q4": 0.0123}[fmt],
            "top1_agreement": {"f16": 1.0, "q4": 0.953}[fmt],
            "max_logit_difference": 0.0012,
            "passed": True,
            "bytes": {"f16": 8_400_000, "q4": 3_100_000}[fmt],
        }
        for fmt in formats
        if fmt != "nf4"
    }
    reason = "" if files else "llama.cpp's converter refuses the tokenizer"
    content = {"model": model, "gguf": bool(files), "reason": reason, "shape": SHAPE, "formats": files}
    study.parity.append(_write(study.folder / "gguf" / f"{model}-parity.json", content))


def _evaluate(study: Study, rows: list[dict], rng: random.Random, second_judge: bool) -> None:
    """Write answers, times, scores, likelihoods and parity of all models and formats."""
    hardness = [rng.uniform(0.8, 1.2) for _ in rows]
    for model, formats in FORMATS.items():
        if model not in study.names:
            continue
        for fmt in formats:
            name, loss = f"{model}_{fmt}", 1.15 + 0.1 * list(FORMATS).index(model) + 0.02 * (fmt == "q4")
            scores = rng.choices((3, 2, 1, 0), CHANCES[model, fmt], k=len(rows))
            answers = _answers(study, model, fmt, rows, rng)
            _judge(study, name, rows, answers, scores, second_judge)
            questions = _nll_questions(rows, loss, 0.01, rng, hardness)
            study.nll.append(_write(study.folder / "nll" / f"{name}.json", nll_content(name, model, questions)))
        _parity(study, model, formats)


def _overlap(study: Study, rows: list[dict]) -> None:
    """Write the test set and how near its questions come to training."""
    path = study.folder / "testset" / "test_set_200.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    nearest = {"nearest_id": "0" * 16, "nearest_question": "堤防とは何か。", "containment": 0.61}
    questions = [{"id": row["id"], **nearest} for row in rows]
    content = {"threshold": 0.8, "label": "curated", "max_containment": 0.61, "questions": questions}
    _write(study.folder / "testset" / "overlap.json", content)


def _coverage(study: Study, rows: list[dict]) -> None:
    """Write which facts are taught: at every size both facts of one question in three, the first of the next, none."""
    held = (("taught", "0;1"), ("partly", "0"), ("untaught", ""))
    table = [
        {
            "id": row["id"],
            "label": row["label"],
            "category": row["category"],
            "n": n,
            "facts": len(row["facts"]),
            "taught": 2 - place % 3 if row["facts"] else 0,
            "taught_facts": held[place % 3][1] if row["facts"] else "",
            "pairs": ("3;12", "60;0", "0;0")[place % 3] if row["facts"] else "",
            "question": held[place % 3][0] if row["facts"] else "unknown",
        }
        for n in study.sizes
        for place, row in enumerate(rows)
    ]
    _write_csv(study.folder / "testset" / "coverage.csv", table)


def _scale(study: Study, rows: list[dict], seeds: tuple[int, ...], rng: random.Random) -> None:
    """Write the runs of stage 1, their comparison and the selection."""
    from tatara.measure.selection import select
    from tatara.measure.sizes import scale_rows, write_scale
    from tatara.measure.stats import Resampling

    folder, model = study.folder, next(iter(study.names))
    hardness = [rng.uniform(0.8, 1.2) for _ in rows]
    levels = [1.342, 1.276, 1.274, 1.127, 1.319][-len(study.sizes) :]
    for seed in seeds:
        for n, level in zip(study.sizes, levels, strict=True):
            run = f"{model}_n{n}_r16_s{seed}"
            study.train.append(_train(study, run, model, n, seed, 16, rng))
            measured = _nll_questions(rows, level, 0.03, rng, hardness)
            study.nll_runs.append(_write(folder / "nll" / f"{run}.json", nll_content(run, model, measured)))
    scale = scale_rows(study.train, study.nll_runs, Resampling(42, 500))
    (folder / "scale").mkdir(parents=True, exist_ok=True)
    write_scale(scale, folder / "scale" / "scale.csv")
    _write(folder / "scale" / "selected.json", select(scale, study.nll_runs, "min"))


def _harm_file(study: Study, model: str, fmt: str, loss: float, held_back: int) -> str:
    """Write a harm file of ten sentences, and of four questions of each set: the first ones are held back from."""
    sentences = [{"id": f"n{n}", "nats": loss * (30 + n), "tokens": 30 + n, "bytes": 90 + 3 * n} for n in range(10)]
    answers = [
        {
            "id": f"{name}{n}",
            "set": name,
            "question": "何か。",
            "answer": "前提は誤りです。" if n < held_back else "はい。",
        }
        for name in ("false_premise", "outside")
        for n in range(4)
    ]
    content = {"model": model, "format": fmt, "neutral": sentences, "answers": answers}
    return _write(study.folder / "harm" / f"{model}_{fmt}.json", content)


def _harm(study: Study) -> None:
    """Write what harm is measured by: a model before and after training, of which the answers after it are there."""
    for place, model in enumerate(study.names):
        fmt = FORMATS[model][0]
        study.harm["before"].append(_harm_file(study, model, "base", 2.0 + 0.1 * place, 2))
        study.harm["after"].append(_harm_file(study, model, fmt, 2.2 + 0.1 * place, 1))
        untuned = study.folder / "answers" / f"{model}_base.jsonl"
        line = {"id": "q001", "category": CATEGORIES[0], "question": "何か。", "answer": "設計編 第99章にあります。"}
        untuned.write_text(json.dumps(line, ensure_ascii=False) + "\n", encoding="utf-8")
        study.harm["answers"] += [str(untuned), study.path(f"answers/{model}_{fmt}.jsonl")]
    asked = [
        {"id": f"{name}{n}", "set": name, "question": "何か。", "correct": []}
        for name in ("false_premise", "outside")
        for n in range(4)
    ]
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in asked)
    (study.folder / "harm" / "questions.jsonl").write_text(lines, encoding="utf-8")
    _write(study.folder / "harm" / "refusals.json", {"ja": ["誤りです"]})


def write_study(
    folder: Path,
    *,
    sizes: tuple[int, ...] = (60, 120, 180, 240, 300),
    seeds: tuple[int, ...] = (42,),
    questions: int = 40,
    second_judge: bool = False,
    names: dict[str, str] = NAMES,
    references: int | None = None,
) -> Study:
    """Write the result files of a study; where `references` is given, only so many questions have a reference answer
    and facts.

    Its NLL falls to the second-largest size and rises at the largest, as in the paper's Table 2.
    """
    rng, rows = random.Random(1), test_rows(questions, references)
    study = Study(folder, list(sizes), dict(names))
    _quality(study)
    _pairs(study)
    _overlap(study, rows)
    _coverage(study, rows)
    _scale(study, rows, seeds, rng)
    _evaluate(study, rows, rng, second_judge)
    _quantize(study, rows, rng)
    _probes(study, seeds)
    _harm(study)
    provenance = {
        "commit": "0123456789abcdef0123456789abcdef01234567+",
        "config_sha256": "ab" * 32,
        "seeds": {"seed": 42, "stage1": list(seeds), "stage2": 42},
        "python": "3.11.9",
        "platform": "Linux-x86_64",
        "machine": "x86_64",
        "cpus": 2,
        "versions": {"torch": "2.13.0", "unsloth": "not installed"},
        "inputs": {"resources/graph/schema.yaml": "cd" * 32},
        "base_models": {next(iter(names)): {"source": "scratch", "seed": 1}},
    }
    _write(folder / "provenance.json", provenance)
    return study
