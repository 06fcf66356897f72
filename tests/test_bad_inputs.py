"""Each bad input is refused with file and line, or the config key, and the remedy, by the functions that the data rules
call.
"""

import re

import bad_inputs
import pytest
from pipeline_copy import REPOSITORY, Copy
from tatara.data.graph_csv import load_graph
from tatara.data.pairs import make_pairs
from tatara.data.questions import select
from tatara.data.schema import read_schema
from tatara.data.subsets import nested_subsets, rebalance
from tatara.data.templates import read_templates
from tatara.data.testset import load_testset
from tatara.data.toc import read_toc
from tatara.files.config import read_config
from tatara.job.errors import InputError
from tatara.llm.ollama import Server

# What only the Snakefile can see; tests/faults runs every case through it.
BY_SNAKEMAKE = {"a file that is not there", "a corpus that matches nothing"}


def read_all(folder):
    """Read all that a user gives, in the order of the data rules."""
    config = read_config([folder / "config/smoke.yaml"], folder)
    graph, qa, subsets = config["graph"], config["qa"], config["subsets"]
    schema, toc = read_schema(folder / graph["schema"]), folder / graph["toc"]
    found = load_graph(
        *([folder / path for path in graph[key]] for key in ("nodes", "relations")),
        schema,
        toc,
        fact_files=[folder / path for path in graph["facts"]],
    )
    templates = read_templates([folder / path for path in qa["templates"]], schema)
    pairs = make_pairs(found, templates, qa["target_counts"], config["seed"])
    nested_subsets(rebalance(pairs, **config["rebalance"], seed=config["seed"]), subsets["sizes"], config["seed"])
    select(load_testset(folder / config["testset"]["file"], schema, read_toc(toc)), config["testset"]["label"])


def test_the_table_is_long_enough_and_touches_every_kind_of_input():
    assert len(bad_inputs.CASES) >= 30
    assert len({case.name for case in bad_inputs.CASES}) == len(bad_inputs.CASES)
    assert any(case.environment for case in bad_inputs.CASES)
    assert {case.file for case in bad_inputs.CASES if case.file} == {
        bad_inputs.NODES,
        bad_inputs.RELATIONS,
        bad_inputs.SCHEMA,
        bad_inputs.TOC,
        bad_inputs.TEMPLATES,
        bad_inputs.TESTSET,
        bad_inputs.CONFIG,
        bad_inputs.DOMAIN,
    }


def test_good_input_is_read():
    read_all(REPOSITORY)


@pytest.mark.parametrize(
    "case",
    [case for case in bad_inputs.CASES if case.name not in BY_SNAKEMAKE and not case.environment],
    ids=lambda case: case.name,
)
def test_each_mistake_is_named(copy: Copy, case: bad_inputs.Case):
    case.make(copy.folder)
    with pytest.raises(InputError) as error:
        read_all(copy.folder)
    for part in case.expected:
        assert re.search(part, str(error.value)), str(error.value)


@pytest.mark.parametrize("case", [case for case in bad_inputs.CASES if not case.file], ids=lambda case: case.name)
def test_each_mistake_of_the_environment_is_named_before_the_first_job(copy: Copy, case: bad_inputs.Case, monkeypatch):
    for name, value in case.environment.items():
        monkeypatch.setenv(name, value)
    done = copy.snakemake("results/provenance.json", "--cores", "1")
    assert done.returncode != 0
    assert "Traceback" not in done.stdout and "rule graph:" not in done.stdout
    for part in case.expected:
        assert re.search(part, done.stdout), done.stdout


@pytest.mark.parametrize("address", ["http://[", "http://127.0.0.1:port", "127.0.0.1:99999", "ftp://127.0.0.1"])
def test_an_address_of_ollama_that_is_none_is_named(address, monkeypatch):
    monkeypatch.setenv("OLLAMA_HOST", address)
    with pytest.raises(InputError, match=r"environment variable OLLAMA_HOST is .* give it as http://HOST:PORT"):
        Server(None, timeout=1)
    with pytest.raises(InputError, match=r"the address of Ollama is .* give it as http://HOST:PORT"):
        Server(address, timeout=1)
