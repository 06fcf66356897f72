"""The configuration: a study file and its domain file, read strictly, whichever way Snakemake was started."""

import copy
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from pipeline_copy import REPOSITORY, Copy
from tatara.files.config import check_config, read_config
from tatara.files.strict_yaml import read_yaml, read_yaml_lines
from tatara.job.errors import InputError

STUDIES = ["config", "gemma", "lab", "paper", "smoke", "smollm2"]
DOMAIN = REPOSITORY / "config/domains/river.yaml"


@pytest.fixture
def smoke_config() -> dict:
    return read_yaml(REPOSITORY / "config/smoke.yaml")


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def refusal(*files: Path, **options) -> str:
    with pytest.raises(InputError) as error:
        read_config(files, REPOSITORY, **options)
    return str(error.value)


def test_defaults_are_the_papers(smoke_config):
    smoke_config.pop("train")
    config = check_config(smoke_config, REPOSITORY)
    assert config["train"]["learning_rate"] == 2e-4
    assert config["train"]["batch_size"] == 8
    assert (config["stage1"]["r"], config["stage1"]["alpha"], config["stage1"]["dropout"]) == (16, 16, 0.0)
    assert (config["stage2"]["r"], config["stage2"]["alpha"], config["stage2"]["dropout"]) == (32, 16, 0.05)


def test_harm_has_all_of_its_files_or_is_not_measured(smoke_config):
    assert check_config(smoke_config | {"harm": None}, REPOSITORY)["harm"] is None
    bees = read_yaml(REPOSITORY / "tests/data/beekeeping/beekeeping.yaml")
    assert check_config(bees, REPOSITORY)["harm"] is None
    with pytest.raises(InputError, match=r"config key harm\.refusals is missing: .*YAML of wordings"):
        check_config(bees | {"harm": {"neutral": "a", "false_premise": "b", "outside": "c"}}, REPOSITORY)


def test_the_configuration_passed_in_is_left_as_it_is(smoke_config):
    before = copy.deepcopy(smoke_config)
    check_config(smoke_config, REPOSITORY)
    assert smoke_config == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(modls={}), "unknown config key modls: did you mean models?"),
        (
            lambda c: c["models"]["llama"].update(fomats=[]),
            "unknown config key models.llama.fomats: did you mean formats?",
        ),
        (
            lambda c: c["models"]["llama"]["source"]["scratch"].update(hidden_size=100),
            "models.llama.source.scratch.hidden_size",
        ),
        (lambda c: c.pop("stage1"), "config key stage1 is missing"),
        (
            lambda c: c.update(testset={"file": "my {old}/set.jsonl"}),
            "config key testset.file is 'my {old}/set.jsonl': it has a brace, which Snakemake takes for a wildcard",
        ),
        (
            lambda c: c["models"]["llama"].update(source={"path": {"file": "models/{a}"}}),
            "config key models.llama.source.path.file is 'models/{a}': it has a brace",
        ),
        (
            lambda c: c.update(harm={"outside": "my {old}/set.jsonl"}),
            "config key harm.outside is 'my {old}/set.jsonl': it has a brace",
        ),
        (
            lambda c: (c["stage1"].update(rule="recall"), c.update(testset=c["testset"] | {"dev": None})),
            "config key stage1.rule is recall, which needs testset.dev",
        ),
        (
            lambda c: c["stage1"].update(model="lama"),
            "config key stage1.model is 'lama': expected one of models, llama, tanuki",
        ),
        (lambda c: c["train"].update(micro_batch_size=3), "must divide train.batch_size, 8"),
        (lambda c: c["models"]["llama"]["source"]["scratch"].update(kv_heads=3), "must divide heads, 8"),
        (
            lambda c: c["qa"].update(answer_chars={"aim": 180, "most": 150}),
            "config key qa.answer_chars.most is 150: expected at least aim, 180",
        ),
        (lambda c: c.update(rebalance={"target_share": {"HAS_CHAPTER": 0.1}}), "both name HAS_CHAPTER"),
        (lambda c: c.update(graph={"nodes": []}), "config key graph.nodes is missing: the source csv needs it"),
        (
            lambda c: c.update(graph={"neo4j": {"uri": "http://localhost:7474"}}),
            "graph.neo4j.uri is 'http://localhost:7474'; expected bolt://host:port",
        ),
        (
            lambda c: c.update(graph={"neo4j": {"password": "x"}}),
            "unknown config key graph.neo4j.password: known keys: uri, user, database",
        ),
        (lambda c: c.update(ollama={"url": "http://me:x@host"}), "config key ollama.url holds a user or password"),
        (
            lambda c: c["models"]["llama"].update(continued={"steps": 1}),
            "a scratch model is pretrained by its own steps",
        ),
        (lambda c: c["study"].update(title=2026), "config key study.title: 2026 is not of type 'string'; write it in"),
        (lambda c: c.update(domain="config/domains/rivr.yaml"), "config key domain is 'config/domains/rivr.yaml': exp"),
    ],
)
def test_each_mistake_is_named(smoke_config, change, message):
    change(smoke_config)
    with pytest.raises(InputError) as error:
        check_config(smoke_config, REPOSITORY)
    assert message in str(error.value)


def test_a_password_in_an_address_is_refused_and_not_repeated(smoke_config):
    smoke_config["graph"] = {"neo4j": {"uri": "bolt://neo4j:hidden-4d@host:7687"}}
    with pytest.raises(InputError, match=r"graph\.neo4j\.uri holds a user or password") as error:
        check_config(smoke_config, REPOSITORY)
    assert "hidden-4d" not in str(error.value)


SERVER = {"url": "http://host/v1", "key_env": "LAB_KEY"}


def named_servers(**changes) -> dict:
    """Return the sections that name an OpenAI-compatible server, as a judge and for rephrasing."""
    judge = {"kind": "openai", "model": "m"} | SERVER | changes
    return {"judge": {"judges": {"lab": judge}}, "qa": {"augment": {"model": "m", "server": SERVER | changes}}}


def test_an_openai_compatible_server_may_judge_and_rephrase(smoke_config):
    config = check_config(smoke_config | named_servers(), REPOSITORY)
    assert config["judge"]["judges"]["lab"]["key_env"] == "LAB_KEY"
    assert config["qa"]["augment"]["server"] == SERVER | {"timeout": 300, "parallel": 1}
    alone = check_config(smoke_config | {"qa": {"augment": {"model": "m"}}}, REPOSITORY)
    assert alone["qa"]["augment"]["server"] is None


@pytest.mark.parametrize(
    ("change", "key", "message"),
    [
        ({"url": "http://me:hidden-4d@host/v1"}, "url", "holds a user or password"),
        ({"url": "http://host/v1?api_key=hidden-4d"}, "url", "holds a query"),
        ({"key_env": "sk-hidden-4d"}, "key_env", "is no name of an environment variable: expected a name in capitals"),
    ],
)
def test_a_key_in_the_configuration_is_refused_and_not_repeated(smoke_config, change, key, message):
    with pytest.raises(InputError) as error:
        check_config(smoke_config | named_servers(**change), REPOSITORY)
    for place in ("judge.judges.lab", "qa.augment.server"):
        assert f"config key {place}.{key} {message}" in str(error.value)
    assert "hidden-4d" not in str(error.value)


def test_every_key_is_described():
    def walk(schema: dict, where: str):
        for key, part in schema.get("properties", {}).items():
            assert part.get("description"), f"{where}{key} has no description"
            walk(part, f"{where}{key}.")
        if isinstance(schema.get("additionalProperties"), dict):
            walk(schema["additionalProperties"], f"{where}*.")
        elif "properties" in schema:
            assert schema["additionalProperties"] is False, where

    walk(read_yaml(REPOSITORY / "config/schema.yaml"), "")


def test_paper_configuration_is_the_papers():
    config = read_config([REPOSITORY / "config/paper.yaml"], REPOSITORY)
    assert config["subsets"]["sizes"] == [1000, 2000, 3000, 4000, 5000]
    assert sum(config["qa"]["target_counts"].values()) == 5578
    assert list(config["models"]) == ["swallow", "elyza", "qwen", "tanuki"]


# The domain file.


@pytest.mark.parametrize("study", STUDIES)
def test_the_shipped_studies_say_nothing_of_the_domain_themselves(study):
    content = read_yaml(REPOSITORY / f"config/{study}.yaml")
    assert not content.keys() & {"graph", "rebalance", "chat"}
    assert content.get("qa", {}).keys() <= {"diversity_sample"}  # how long a measurement takes is the study's
    assert content["domain"] == "config/domains/river.yaml"
    config = read_config([REPOSITORY / f"config/{study}.yaml"], REPOSITORY)
    assert "domain" not in config
    assert config["graph"]["schema"] == "resources/graph/schema.yaml"


def test_one_file_with_everything_gives_the_same_configuration(tmp_path):
    study = read_yaml(REPOSITORY / "config/smoke.yaml")
    study.pop("domain")
    domain = read_yaml(DOMAIN)
    for key in ("testset", "qa"):
        domain[key] |= study.pop(key)
    one = write(tmp_path / "one.yaml", yaml.safe_dump(study | domain, sort_keys=False))
    two = REPOSITORY / "config/smoke.yaml"
    in_order = [yaml.safe_dump(read_config([file], REPOSITORY), sort_keys=False) for file in (one, two)]
    assert in_order[0] == in_order[1]


def test_the_study_file_wins_key_by_key_and_lists_are_replaced(tmp_path):
    text = (REPOSITORY / "config/smoke.yaml").read_text(encoding="utf-8")
    study = write(
        tmp_path / "study.yaml",
        text.replace("qa:\n", "qa:\n  target_counts: {PRECEDES: 7}\n  templates: [resources/templates/generic.yaml]\n"),
    )
    config, plain = read_config([study], REPOSITORY), read_config([REPOSITORY / "config/smoke.yaml"], REPOSITORY)
    assert config["qa"]["target_counts"] == plain["qa"]["target_counts"] | {"PRECEDES": 7}
    assert config["qa"]["templates"] == ["resources/templates/generic.yaml"]
    assert config["testset"] == plain["testset"] and config["testset"]["limit"] == 8
    study = write(tmp_path / "study.yaml", text.replace("qa:\n", "qa:\n  target_counts: null\n"))
    assert read_config([study], REPOSITORY)["qa"]["target_counts"] is None


def test_an_unknown_key_names_the_file_that_has_it(tmp_path):
    domain = write(tmp_path / "domain.yaml", DOMAIN.read_text(encoding="utf-8").replace("  toc:", "  tox: x\n  toc:"))
    text = (
        (REPOSITORY / "config/smoke.yaml").read_text(encoding="utf-8").replace("config/domains/river.yaml", str(domain))
    )
    study = write(tmp_path / "study.yaml", text.replace("stage1:\n", "stage1:\n  alpa: 8\n"))
    message = refusal(study)
    assert f"{domain}:{line_of(domain, 'tox')}: unknown config key graph.tox: did you mean toc?" in message
    assert f"{study}:{line_of(study, 'alpa')}: unknown config key stage1.alpa: did you mean alpha?" in message


def line_of(file: Path, word: str) -> int:
    return next(i for i, line in enumerate(file.read_text(encoding="utf-8").split("\n"), start=1) if word in line)


def test_what_is_missing_names_the_file_that_has_most_of_it(tmp_path):
    domain = write(
        tmp_path / "domain.yaml", DOMAIN.read_text(encoding="utf-8").replace("  toc: resources/graph/toc.csv\n", "")
    )
    text = (
        (REPOSITORY / "config/smoke.yaml").read_text(encoding="utf-8").replace("config/domains/river.yaml", str(domain))
    )
    study = write(tmp_path / "study.yaml", text.replace("stage1:\n  model: llama\n", ""))
    message = refusal(study, overrides={"seed": 1})
    assert f"{domain}:2: config key graph.toc is missing" in message
    assert f"{study}:1: config key stage1 is missing" in message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("domain: x.yaml\n", "a domain file names no other"),
        ("- graph\n", "expected keys such as study: and models:"),
        ("graph:\n  toc: a: b\n", ":2: mapping values are not allowed"),
    ],
)
def test_a_domain_file_that_is_none_is_named(tmp_path, content, message):
    domain = write(tmp_path / "domain.yaml", content)
    study = write(tmp_path / "study.yaml", f"domain: {domain}\n")
    assert f"{domain}:" in refusal(study) and message in refusal(study)


def test_later_files_and_the_command_line_win(tmp_path):
    over = write(tmp_path / "over.yaml", "subsets: {sizes: [8]}\nevaluate: {context: 512}\n")
    config = read_config([REPOSITORY / "config/smoke.yaml", over], REPOSITORY, {"evaluate": {"context": 256}})
    assert config["subsets"]["sizes"] == [8]
    assert config["evaluate"] == {**config["evaluate"], "context": 256, "max_new_tokens": 24}
    message = refusal(REPOSITORY / "config/smoke.yaml", over, overrides={"sed": 1})
    assert "--config: unknown config key sed: did you mean seed?" in message


# The YAML of a configuration.

BROKEN = {
    "a colon in a title": ("title: Smoke run", "title: Smoke: run", ":4: mapping values are not allowed .*in quotes"),
    "a tab": ("  title: Smoke run", "\ttitle: Smoke run", ":4: .*indent with spaces, not with tabs"),
    "a key that stands twice": ("  limit: 8", "  limit: 8\n  limit: 9", ":15: the key limit stands twice; keep one"),
    "no finite number": ("  epochs: 1", "  epochs: .inf", r":2\d: \.inf is no finite number; write a number"),
    "a text that begins with a sign": ("title: Smoke run", "title: '@' x", ":4: .*mend the YAML there"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_yaml_is_named_with_file_line_and_remedy(tmp_path, name):
    old, new, expected = BROKEN[name]
    text = (REPOSITORY / "config/smoke.yaml").read_text(encoding="utf-8")
    assert old in text
    study = write(tmp_path / "study.yaml", text.replace(old, new, 1))
    with pytest.raises(InputError, match=r"study\.yaml" + expected):
        read_config([study], REPOSITORY)


def test_shift_jis_is_named(tmp_path):
    study = tmp_path / "study.yaml"
    study.write_bytes("study:\n  title: 堤防\n".encode("shift_jis"))
    with pytest.raises(InputError, match=r"study\.yaml:2: byte 0x\w\w is not UTF-8; save the file as UTF-8"):
        read_config([study], REPOSITORY)


def test_a_number_without_a_dot_is_a_number(tmp_path):
    file = write(tmp_path / "numbers.yaml", "a: 2e-4\nb: [1E3, -2.5e+3, .5e1, 12e4x, '2e-4']\n")
    assert read_yaml_lines(file) == (
        {"a": 0.0002, "b": [1000.0, -2500.0, 5.0, "12e4x", "2e-4"]},
        {(): 1, ("a",): 1, ("b",): 2, **{("b", i): 2 for i in range(5)}},
    )


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def resolve(copy: Copy, *options: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "snakemake", "results/config.yaml", "--cores", "1", *options]
    return subprocess.run(command, cwd=copy.folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def test_the_default_is_read_strictly_and_so_are_files_on_the_command_line(copy: Copy):
    default, over = (
        copy.folder / "config/config.yaml",
        write(copy.folder / "over.yaml", "train: {learning_rate: 2e-4}\n"),
    )
    options = ["--configfile", str(default), str(over)]
    done = resolve(copy, *options, "--config", "seed=7")
    assert done.returncode == 0, done.stdout
    config = read_yaml(copy.folder / "results/config.yaml")
    assert (config["train"]["learning_rate"], config["seed"]) == (2e-4, 7)
    assert "domain" not in config and config["qa"]["target_counts"]["PRECEDES"] == 109
    edit(default, "  context: 1024", "  context: 1024\n  context: 2048")
    for command in ([], options):
        done = resolve(copy, *command)
        assert done.returncode != 0 and "Traceback" not in done.stdout
        assert f"config/config.yaml:{line_of(default, 'context: 2048')}: the key context stands twice" in done.stdout
    # What Snakemake itself could not say of the default: it is no longer the one that reads it.
    edit(default, "  context: 1024\n  context: 2048", "\tcontext: 1024")
    done = resolve(copy)
    assert done.returncode != 0 and "indent with spaces, not with tabs" in done.stdout


def test_the_tool_says_what_snakemake_cannot_say_of_its_own_option(copy: Copy):
    study = copy.folder / "config/smoke.yaml"
    edit(study, "title: Smoke run", "title: Smoke: run")
    assert "is not valid JSON or YAML" in resolve(copy, "--configfile", str(study)).stdout  # Snakemake's own word
    command = [sys.executable, "tools/check_config.py", "config/smoke.yaml"]
    done = subprocess.run(command, cwd=copy.folder, text=True, capture_output=True)
    assert done.returncode == 1
    assert done.stderr.startswith("ERROR: config/smoke.yaml:4: mapping values are not allowed in this context; put a")
    edit(study, "title: Smoke: run", "title: 'Smoke: run'")
    done = subprocess.run(command, cwd=copy.folder, text=True, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
