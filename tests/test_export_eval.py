"""`make export-eval`: lm-evaluation-harness itself, on the exported tasks, finds what plain transformers find."""

import copy
import dataclasses
import json
import math
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import lm_eval_harness
import offline
import pytest
import torch
import yaml
from export_eval import export
from model_classes import CASES, CHATML, MISTRAL, Case, make_source
from pipeline_copy import REPOSITORY
from tatara.data.probe import KINDS
from tatara.data.questions import has_fact
from tatara.evaluate.probe import Probe
from tatara.evaluate.probe_transformers import transformers_score
from tatara.files.config import read_config
from tatara.files.jsonl import read_jsonl, write_jsonl
from tatara.job.errors import InputError
from tatara.measure.probe import likeliest
from tatara.models import chat, loading
from tatara.models.chat_template import Conversation, prompt_text
from tatara.models.families import INSTRUCTION_CHAT
from tatara.models.tokenizer import load_tokenizer

CPU = torch.device("cpu")
SYSTEM = 'あなたは"技術者"です。{{ 7 * 7 }} %s {0}'
# What a template, a format string, a shell, YAML, JSON or a reader of literals would take for something else.
ODD = [
    "{{ 7 * 7 }}",
    "{% raw %}堤防",
    "{start.__class__}",
    "100 %s、5%以上",
    "引用\"符'と「かぎ」",
    "逆斜線\\n と \\u3042",
    "改行\nを含む名",
    "行区切り\u2028と段落",
    "['a', 'b']",
    "2026",
    "$(touch made) `touch made`",
    "# 注釈: はい",
    "!function utils.rows",
    "null",
    "question",
    "鱻🌊 é 10 m³/s",
]
TEMPLATE_WITH_OPTION = CHATML.replace(
    "assistant\n{% endif %}", "assistant\n{% if not thinking %}<think>\n\n</think>\n\n{% endif %}{% endif %}"
)


def probe_item(number: int) -> dict:
    """Return an item whose question and options are odd texts, four different ones."""
    options = [ODD[(number + 5 * place) % len(ODD)] for place in range(4)]
    return {
        "id": f"p-{number:012x}",
        "kind": KINDS[number % 3],
        "type": "REQUIRES",
        "taught": number % 4 > 0,
        "node": f"n{number % 7}",
        "question": ODD[-1 - number % len(ODD)] + ("" if number % 5 else "はどれですか。"),
        "options": options,
        "answer": number * 7 % 4,
    }


def test_question(number: int, facts: list[list[str]]) -> dict:
    return {
        "id": f"q{number:03}",
        "label": "curated",
        "category": "設計",
        "difficulty": "basic",
        "question": f"{ODD[number]}とは何ですか。",
        "reference": f"{ODD[-1 - number]}です。堤防の高さを{number}メートルとします。",
        "facts": facts,
        "citations": [],
    }


test_question.__test__ = False


def write_results(folder: Path, items: list[dict], questions: list[dict]) -> None:
    for name, rows in (("probe/items.jsonl", items), ("testset/test_set_200.jsonl", questions)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_jsonl(folder / name, rows)


def study(conversation: Conversation, *models: str) -> dict:
    """Return the smoke study's configuration with these models and this conversation."""
    config = copy.deepcopy(read_config([REPOSITORY / "config/smoke.yaml"], REPOSITORY))
    config["chat"] |= {"system": conversation.system, "template_options": conversation.template_options}
    config["models"] = {name: config["models"]["llama"] for name in models}
    config["evaluate"]["max_new_tokens"] = 16
    return config


# ---- what plain transformers find ----


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """These models are so small that a second thread only waits, above all beside other tests."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@dataclass
class Asked:
    """A model that is asked by plain transformers, one text at a time."""

    folder: Path
    conversation: Conversation

    def __post_init__(self):
        self.tokenizer = load_tokenizer(self.folder)
        self.model = loading.load_model(self.folder, CPU)

    def prompt(self, question: str) -> list[int]:
        return chat.encode_prompt(self.tokenizer, question, self.conversation)

    def _token_scores(self, ids: list[int]) -> list[float]:
        """Return the log-probability of each token after the first."""
        with torch.inference_mode():
            scores = self.model(torch.tensor([ids])).logits[0, :-1].log_softmax(-1)
        return scores.gather(1, torch.tensor(ids[1:])[:, None])[:, 0].tolist()

    def score(self, question: str, text: str) -> float:
        """Return the sum of the log-probabilities of a text's own tokens after the prompt of a question."""
        prompt = self.prompt(question)
        ids = chat.encode_text(self.tokenizer, prompt_text(self.tokenizer, question, self.conversation) + text)
        if ids[: len(prompt)] != prompt:
            ids = prompt + chat.encode_text(self.tokenizer, text)
        return sum(self._token_scores(ids)[len(prompt) - 1 :])

    def space_score(self, question: str) -> float:
        """Return the same of the white space that ends the prompt, which the harness takes for a text's beginning."""
        prompt = self.prompt(question)
        before = prompt_text(self.tokenizer, question, self.conversation).rstrip()
        return sum(self._token_scores(prompt)[len(chat.encode_text(self.tokenizer, before)) - 1 :])

    def continuation(self, question: str, tokens: int) -> list[int]:
        prompt, stops = torch.tensor([self.prompt(question)]), chat.stop_tokens(self.tokenizer, self.conversation)
        with torch.inference_mode():
            ids = self.model.generate(prompt, do_sample=False, max_new_tokens=tokens, eos_token_id=stops)
        return ids[0, prompt.shape[1] :].tolist()

    def answer(self, question: str, tokens: int) -> str:
        return chat.decode_answer(self.tokenizer, self.continuation(question, tokens))

    def end_early(self, question: str, tokens: int) -> None:
        """Make the model end its turn where it would have written its sixth token, and save it so."""
        sixth, end = self.continuation(question, 6)[-1], chat.end_of_turn(self.tokenizer, self.conversation)
        assert end != self.tokenizer.eos_token_id and end != self.model.generation_config.eos_token_id
        with torch.no_grad():
            rows = self.model.lm_head.weight
            rows[[sixth, end]] = rows[[end, sixth]]
        self.model.save_pretrained(self.folder)
        assert len(self.continuation(question, tokens)) <= 6 < tokens


def chosen_option(asked: Asked, item: dict) -> tuple[int, list[float]]:
    """Return the option that a model takes in the probe, and the score of each."""
    # Of white space that a template writes before an answer (Mistral's) the harness knows nothing.
    with mock.patch.object(chat, "leading_space", return_value=""):
        encoded = Probe(asked.tokenizer, [{"without": "名前を一つ答えてください。", **item}], asked.conversation)
    (row,) = encoded.rows("a", transformers_score(asked.model))
    return likeliest(row["nats"]), [-nats for nats in row["nats"]]


# ---- what the harness finds ----


@dataclass
class Harness:
    """What a run of the harness left: its results by task, and its samples by task and id."""

    results: dict[str, dict]
    samples: dict[str, dict[str, dict]] = field(default_factory=dict)

    def of(self, beginning: str) -> Iterator[tuple[str, dict]]:
        for task, samples in self.samples.items():
            if task.startswith(beginning):
                yield from samples.items()


def commands(folder: Path) -> list[str]:
    """Return the commands of an export's README."""
    text = (folder / "lm_eval/README.md").read_text(encoding="utf-8")
    return re.findall(r"^lm_eval (?:.*\\\n)*.*", text, re.MULTILINE)


def run_harness(folder: Path, command: str, tmp_path: Path, *further: str) -> Harness:
    """Run a command of the README as it stands, with all samples kept."""
    program, *arguments = shlex.split(command.replace("\\\n", " "))
    assert program == "lm_eval"
    output = tmp_path / "output"
    kept = ("--device", "cpu", "--output_path", str(output), "--log_samples")
    done = lm_eval_harness.run(folder, tmp_path / "counters", *arguments, *kept, *further)
    assert done.returncode == 0, done.stdout[-4000:]
    if offline.prefix():
        assert offline.tried(tmp_path / "counters") == 0
    assert "system role" not in done.stdout, done.stdout[-4000:]
    (results,) = output.rglob("results_*.json")
    content = json.loads(results.read_text(encoding="utf-8"))
    found = Harness(content["results"] | content["groups"])
    for file in output.rglob("samples_*.jsonl"):
        task = re.fullmatch(r"samples_(\w+)_\d{4}-.*", file.stem)[1]
        rows = [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line]
        found.samples[task] = {row["doc"]["id"]: row for row in rows}
    return found


def compare_probe(harness: Harness, asked: Asked, items: list[dict]) -> None:
    """Assert that the harness asked what the study asks and found the same of each item, and of all together."""
    samples = dict(harness.of("tatara_probe"))
    assert sorted(samples) == sorted(item["id"] for item in items)
    right = {}
    for item in items:
        sample = samples[item["id"]]
        prompt = prompt_text(asked.tokenizer, item["question"], asked.conversation)
        arguments = [tuple(sample["arguments"][f"gen_args_{place}"].values()) for place in range(4)]
        assert arguments == [(prompt, option) for option in item["options"]]
        scores = [float(response[0]) for response in sample["filtered_resps"]]
        ours, own_scores = chosen_option(asked, item)
        space = asked.space_score(item["question"])
        assert scores == pytest.approx([score + space for score in own_scores], abs=1e-3)
        assert scores.index(max(scores)) == ours
        right[item["id"]] = ours == item["answer"]
        assert sample["acc"] == right[item["id"]]
    assert 0 < sum(right.values()) < len(right)
    groups = {"tatara_probe": items}
    for item in items:
        for name in (
            f"tatara_probe_{item['kind']}",
            f"tatara_probe_{item['kind']}_{'' if item['taught'] else 'un'}taught",
        ):
            groups.setdefault(name, []).append(item)
    for name, own in groups.items():
        assert harness.results[name]["acc,none"] == pytest.approx(sum(right[item["id"]] for item in own) / len(own))


def compare_test(harness: Harness, asked: Asked, questions: list[dict], tokens: int) -> None:
    """Assert the same of the answers' facts, and of the likelihood of the reference answers."""
    held, size, nats = [], 0, 0.0
    for row in questions:
        answer = asked.answer(row["question"], tokens)
        assert harness.samples["tatara_test"][row["id"]]["filtered_resps"][0].strip() == answer
        held += [has_fact(answer, wordings) for wordings in row["facts"]]
        score = asked.score(row["question"], row["reference"]) + asked.space_score(row["question"])
        sample = harness.samples["tatara_reference"][row["id"]]
        assert float(sample["filtered_resps"][0][0]) == pytest.approx(score, abs=1e-3)
        nats, size = nats - score, size + len(row["reference"].encode())
    assert harness.results["tatara_test"]["fact_recall,none"] == pytest.approx(sum(held) / len(held))
    assert harness.results["tatara_reference"]["bits_per_byte,none"] == pytest.approx(nats / size / math.log(2))
    assert harness.results["tatara_reference"]["byte_perplexity,none"] == pytest.approx(math.exp(nats / size))


@dataclass(frozen=True)
class Export:
    """A model class and how its tasks are written: how many items, where the system prompt stands, and whether the
    model ends its turn by a token that neither EOS nor its generation settings name, which asks for batches of one.
    """

    case: Case
    items: int
    in_question: bool = False
    ends_early: bool = False


OPTIONS = Conversation(SYSTEM, {"thinking": False})
REFUSING = "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}" + MISTRAL
EXPORTS = {
    "llama3, whose template writes BOS": Export(CASES["llama"], 16, ends_early=True),
    "llm-jp, Unigram, no BOS, which puts EOS after every text": Export(
        dataclasses.replace(CASES["llama llm-jp"], chat=INSTRUCTION_CHAT.removeprefix("{{ bos_token }}")), 16
    ),
    "a template that refuses the system role": Export(
        dataclasses.replace(CASES["mistral"], chat=REFUSING), 60, in_question=True
    ),
    "a template with options, no BOS": Export(
        Case("qwen2", "small-qwen2", "<|im_end|>", chat=TEMPLATE_WITH_OPTION, conversation=OPTIONS), 60
    ),
}


@pytest.mark.models
@pytest.mark.parametrize("name", EXPORTS)
def test_the_harness_finds_what_the_study_finds(name, tmp_path):
    asked_for = EXPORTS[name]
    case = dataclasses.replace(asked_for.case, config={**asked_for.case.config, "num_hidden_layers": 1})
    conversation = case.conversation.with_system(SYSTEM)
    asked = Asked(make_source(case, tmp_path / "results/merged/tiny"), conversation)
    config = study(conversation, "tiny")
    tokens = config["evaluate"]["max_new_tokens"]
    items = [probe_item(number) for number in range(asked_for.items)]
    if asked_for.ends_early:
        asked.end_early(test_question(0, [])["question"], tokens)
    # One fact that stands in the model's own answer, in other widths and with spaces, and one that stands nowhere.
    answers = [asked.answer(test_question(number, [])["question"], tokens) for number in range(4)]
    questions = [
        test_question(number, [["なし", " ".join(answer[:6])], ["どこにもない語"]])
        for number, answer in enumerate(answers)
    ]
    write_results(tmp_path / "results", items, questions)
    export(config, tmp_path / "results", tmp_path / "lm_eval", asked_for.in_question)
    further = ("--batch_size", "1") if asked_for.ends_early else ()
    harness = run_harness(tmp_path, commands(tmp_path)[0], tmp_path, *further)
    compare_probe(harness, asked, items)
    compare_test(harness, asked, questions, tokens)
    assert harness.results["tatara_test"]["fact_recall,none"] == 0.5
    assert not list(tmp_path.rglob("made"))


# ---- the export ----


def test_the_smoke_study_is_exported_and_asked(smoke, tmp_path):
    """Each command of the README runs, and a model of the study chooses as the study's own scoring says."""
    (tmp_path / "results").symlink_to(smoke.folder / "results")
    command = [sys.executable, "tools/export_eval.py", "config/smoke.yaml", tmp_path]
    done = subprocess.run(command, cwd=smoke.folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    items = read_jsonl(smoke.folder / "results/probe/items.jsonl")
    assert json.loads(done.stdout.split(" -> ")[0]) == {"items": len(items), "questions": 8}
    system = read_config([REPOSITORY / "config/smoke.yaml"], REPOSITORY)["chat"]["system"]
    assert read_jsonl(tmp_path / "lm_eval/probe.jsonl") == [item | {"system": system} for item in items]
    kinds = {item["kind"] for item in items}
    assert {f"tatara_probe_{kind}.yaml" for kind in kinds} <= {file.name for file in (tmp_path / "lm_eval").iterdir()}
    tuned = [line for line in commands(tmp_path) if "merged" in line]
    assert [re.search(r"merged/([\w-]+)", line)[1] for line in tuned] == ["llama", "tanuki"]
    others = [line for line in commands(tmp_path) if "merged" not in line]
    assert ["peft=" in line for line in others] == [False, True]
    harness = run_harness(tmp_path, tuned[1], tmp_path, "--limit", "6")
    samples = dict(harness.of("tatara_probe"))
    asked = Asked(tmp_path / "results/merged/tanuki", Conversation(system))
    compare_probe(harness, asked, [item for item in items if item["id"] in samples])
    adapted = run_harness(tmp_path, others[1], tmp_path / "adapted", "--limit", "2")
    assert set(adapted.results) <= set(harness.results) and len(dict(adapted.of("tatara_probe"))) > 0


def test_make_has_the_probe_and_the_test_set_made_and_no_model(copy):
    command = ["make", "export-eval", "CONFIG=config/smoke.yaml", f"VENV={sys.prefix}", "PYTHON=true", "CORES=2"]
    done = subprocess.run([*command, "SYSTEM_IN=question"], cwd=copy.folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    study_folder = copy.folder / "runs/smoke"
    assert not (study_folder / "results/base").exists()
    system = read_config([copy.folder / "config/smoke.yaml"], copy.folder)["chat"]["system"]
    items = read_jsonl(study_folder / "results/probe/items.jsonl")
    rows = read_jsonl(study_folder / "lm_eval/probe.jsonl")
    assert [row["question"] for row in rows] == [f"{system}\n\n{item['question']}" for item in items]
    assert not any("system" in row for row in rows)


def test_only_rows_hold_texts_of_the_study(tmp_path):
    """A text in YAML would be taken for a template of Jinja."""
    config = study(Conversation(SYSTEM), "tiny")
    write_results(tmp_path / "results", [probe_item(n) for n in range(20)], [test_question(1, [["堤防"]])])
    export(config, tmp_path / "results", tmp_path / "lm_eval")
    files = [file for file in (tmp_path / "lm_eval").iterdir() if file.name.endswith("yaml")]
    assert len(files) > 8
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert text.isascii() and "{" not in text, file
    rows = read_jsonl(tmp_path / "lm_eval/probe.jsonl")
    assert [row["options"] for row in rows] == [probe_item(n)["options"] for n in range(20)]
    assert {row["system"] for row in rows} == {SYSTEM}


def test_an_export_replaces_the_one_before_it(tmp_path):
    config = study(Conversation(""), "tiny")
    write_results(tmp_path / "results", [probe_item(n) for n in range(8)], [test_question(1, [["堤防"]])])
    export(config, tmp_path / "results", tmp_path / "lm_eval")
    assert (tmp_path / "lm_eval/tatara_probe.yaml").is_file()
    assert "description" not in (tmp_path / "lm_eval/tatara_test.yaml").read_text(encoding="utf-8")
    write_results(tmp_path / "results", [], [test_question(1, [["堤防"]])])  # probe.items: 0
    export(config, tmp_path / "results", tmp_path / "lm_eval")
    left = {file.name for file in (tmp_path / "lm_eval").glob("*yaml")}
    assert left == {"tatara_test.yaml", "tatara_reference.yaml"}
    assert not any("tatara_probe" in command for command in commands(tmp_path))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "Forward"}, "kind is 'Forward', expected one of forward, backward"),
        ({"taught": "yes"}, "taught is 'yes', expected true or false"),
        ({"question": ""}, "question is '', expected a text"),
        ({"options": ["堤防", ""]}, "expected a list of two texts or more"),
        ({"answer": 4}, "answer is 4, expected the place of the right option, 0 to 3"),
        ({"answer": True}, "answer is True, expected the place"),
    ],
)
def test_a_row_that_is_no_item_is_named(change, message, tmp_path):
    write_results(tmp_path / "results", [probe_item(0), probe_item(1) | change], [test_question(1, [["堤防"]])])
    with pytest.raises(InputError, match=rf"items\.jsonl:2: .*{re.escape(message)}.*docs/files\.md"):
        export(study(Conversation(SYSTEM), "tiny"), tmp_path / "results", tmp_path / "lm_eval")
    assert not (tmp_path / "lm_eval").exists()


def test_a_study_without_results_is_told_what_to_do(tmp_path):
    command = [sys.executable, REPOSITORY / "tools/export_eval.py", REPOSITORY / "config/smoke.yaml", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1 and not (tmp_path / "lm_eval").exists()
    assert re.search(r"export-eval: .*items\.jsonl.*make export-eval", done.stderr)


def test_fact_recall_is_the_study_s(tmp_path):
    """utils.py stands alone, so that its rule is written down twice; the study's own is `has_fact`."""
    config = study(Conversation(SYSTEM), "tiny")
    write_results(tmp_path / "results", [probe_item(0)], [test_question(1, [["堤防"]])])
    export(config, tmp_path / "results", tmp_path / "lm_eval")
    namespace = {"__file__": str(tmp_path / "lm_eval/utils.py")}
    exec((tmp_path / "lm_eval/utils.py").read_text(encoding="utf-8"), namespace)
    facts = [["年 2 回", "年二回"], ["１００㎥"], ["除\u200b草"], ["台風期"], ["ﾊｲﾄﾞﾛ"]]
    for answer in ("年２回、100m3の除草です。", "台\n風\u3000期にハイドロ年\t二回", "", "年3回"):
        held = sum(has_fact(answer, wordings) for wordings in facts)
        assert namespace["fact_recall"]({"facts": facts}, [answer]) == {"fact_recall": (held, 5)}
    assert namespace["share"]([(3, 5), (0, 1)]) == 0.5


def test_the_lock_has_only_what_the_environment_lacks():
    text = lm_eval_harness.LOCK.read_text(encoding="utf-8")
    names = re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE)
    needed = re.findall(r"^([a-z0-9-]+)==", (REPOSITORY / "envs/cpu.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert "lm-eval" in names and not set(names) & set(needed)
    assert f"lm_eval {re.search('lm-eval==([0-9.]+)', text)[1]}" in (
        REPOSITORY / "tools/lm_eval_files/README.md"
    ).read_text(encoding="utf-8")


def test_tasks_are_of_the_names_that_the_documentation_has(tmp_path):
    config = study(Conversation(SYSTEM), "tiny")
    write_results(tmp_path / "results", [probe_item(n) for n in range(60)], [test_question(1, [["堤防"]])])
    export(config, tmp_path / "results", tmp_path / "lm_eval")
    documented = (REPOSITORY / "docs/probe.md").read_text(encoding="utf-8")
    for file in (tmp_path / "lm_eval").glob("tatara_*.yaml"):
        content = yaml.load(file.read_text(encoding="utf-8").replace("!function ", ""), yaml.SafeLoader)
        name = content.get("task") if isinstance(content.get("task"), str) else content["group"]
        general = re.sub("|".join(KINDS), "KIND", name)
        assert f"`{general}`" in documented, name
        assert file.stem == name
