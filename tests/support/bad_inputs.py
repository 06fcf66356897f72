"""Bad inputs, each with what the error must hold: a table for the quick tests and for the campaign in tests/faults."""
# ruff: noqa: E501 (a table reads better in long lines)

import dataclasses
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

NODES, RELATIONS = "resources/graph/nodes_domain.csv", "resources/graph/relations_domain.csv"
SCHEMA, TOC = "resources/graph/schema.yaml", "resources/graph/toc.csv"
TEMPLATES, TESTSET = "resources/templates/v2.yaml", "resources/testset/test_set_200.jsonl"
CONFIG, DOMAIN = "config/smoke.yaml", "config/domains/river.yaml"


@dataclass(frozen=True)
class Case:
    """One mistake: the file that it is made in, how, what the error must hold (regular expressions), and the
    environment variables that belong to it.

    A mistake of the environment alone has no file.
    """

    name: str
    file: str
    change: Callable[[str], str] | bytes
    expected: tuple[str, ...]
    environment: dict[str, str] = dataclasses.field(default_factory=dict)

    def make(self, folder: Path) -> None:
        """Make the mistake in a copy of the repository."""
        if not self.file:
            return
        path = folder / self.file
        if isinstance(self.change, bytes):
            path.write_bytes(self.change)
            return
        before = path.read_text(encoding="utf-8")
        after = self.change(before)
        assert after != before, f"{self.name}: nothing was changed"
        path.write_text(after, encoding="utf-8")


def swap(old: str, new: str) -> Callable[[str], str]:
    """Return a change of the first `old`."""

    def change(text: str) -> str:
        assert old in text, old
        return text.replace(old, new, 1)

    return change


def line(number: int, change: Callable[[str], str]) -> Callable[[str], str]:
    """Return a change of one line, counted from 1."""

    def whole(text: str) -> str:
        lines = text.split("\n")
        lines[number - 1] = change(lines[number - 1])
        return "\n".join(lines)

    return whole


def field(number: int, index: int, value: str) -> Callable[[str], str]:
    """Return a change of one comma-separated field (counted from 0) of a line."""
    return line(number, lambda text: ",".join(value if i == index else part for i, part in enumerate(text.split(","))))


CASES = [
    # The graph
    Case("a node without a name", NODES, field(2, 1, ""), (r"nodes_domain\.csv:2: node fac-levee has an empty name",)),
    Case(
        "an unknown label",
        NODES,
        field(3, 2, "FacilityTyp"),
        (r"nodes_domain\.csv:3: unknown label FacilityTyp; did you mean FacilityType\?",),
    ),
    Case(
        "an id that stands twice",
        NODES,
        field(3, 0, "fac-levee"),
        (r"nodes_domain\.csv:3: duplicate id fac-levee, first at .*nodes_domain\.csv:2",),
    ),
    Case(
        "a missing column",
        NODES,
        swap("name,:LABEL", "title,:LABEL"),
        (r"nodes_domain\.csv:1: missing column name; the header is id:ID,title",),
    ),
    Case(
        "an open quote",
        NODES,
        field(4, 1, '"堤防'),
        (r"nodes_domain\.csv:4: ", r"quotes inside a quoted field are doubled"),
    ),
    Case(
        "a field too many",
        NODES,
        line(5, lambda text: text + ",余分"),
        (r"nodes_domain\.csv:5: 6 fields, the header has 5",),
    ),
    Case(
        "Shift_JIS",
        NODES,
        "id:ID,name,:LABEL,number,description\nfac-a,堤防,FacilityType,,土の構造物\n".encode("shift_jis"),
        (r"nodes_domain\.csv:2: byte 0x\w\w is not UTF-8; save the file as UTF-8",),
    ),
    Case(
        "an empty file", NODES, b"", (r"nodes_domain\.csv:1: the file is empty; expected the header id:ID,name,:LABEL",)
    ),
    Case(
        "a relation to nowhere",
        RELATIONS,
        field(2, 0, "fac-leve"),
        (r"relations_domain\.csv:2: dangling relation: .*'fac-leve'; did you mean fac-levee\?",),
    ),
    Case(
        "an unknown relation type",
        RELATIONS,
        field(2, 2, "DESCRIBED_BY"),
        (r"relations_domain\.csv:2: unknown relation type DESCRIBED_BY; did you mean DESCRIBED_IN\?",),
    ),
    Case(
        "a relation the wrong way round",
        RELATIONS,
        line(2, lambda text: re.sub(r"^([^,]*),([^,]*)", r"\2,\1", text)),
        (r"relations_domain\.csv:2: .*the direction is wrong, exchange :START_ID and :END_ID",),
    ),
    Case(
        "a chapter that does not exist",
        RELATIONS,
        field(2, 5, "第99章 河川構造物の設計"),
        (r"relations_domain\.csv:2: chapter '第99章 河川構造物の設計' is not in the table of contents of 設計編",),
    ),
    Case(
        "a relation without a reason",
        RELATIONS,
        field(2, 3, ""),
        (r"relations_domain\.csv:2: DESCRIBED_IN from fac-levee to ch-design-01 has no reason",),
    ),
    Case(
        "a relation that stands twice",
        RELATIONS,
        lambda text: text + text.split("\n")[1] + "\n",
        (r"relations_domain\.csv:\d+: duplicate relation fac-levee -DESCRIBED_IN-> ch-design-01",),
    ),
    Case(
        "an unknown key of the schema",
        SCHEMA,
        swap("labels:", "lables:"),
        (r"schema\.yaml:\d+: unknown key lables: did you mean labels\?",),
    ),
    Case(
        "a table of contents without a volume",
        TOC,
        field(2, 0, ""),
        (r"toc\.csv:2: volume and chapter must not be empty",),
    ),
    Case(
        "a control token in a description",
        NODES,
        field(2, 4, "土の構造物である<|eot_id|>。"),
        (r"nodes_domain\.csv:2: description holds <\|eot_id\|>, a control token of chat templates",),
    ),
    Case(
        "full-width commas",
        NODES,
        line(4, lambda text: text.replace(",", "，")),
        (r"nodes_domain\.csv:4: the row is separated by full-width signs; write , instead of ，",),
    ),
    Case(
        "an id with an open quote",
        RELATIONS,
        line(3, lambda text: '"' + text.split(",")[0] + '\nx",' + text.partition(",")[2]),
        (r"relations_domain\.csv:3: start holds a line break: a quote is open",),
    ),
    Case(
        "an open quote in the table of contents",
        TOC,
        line(3, lambda text: text.replace(",", ',"', 1)),
        (r"toc\.csv:3: .*quotes inside a quoted field are doubled",),
    ),
    # Templates
    Case(
        "a control token in a template",
        TEMPLATES,
        swap("{start.name}", "<start_of_turn>{start.name}"),
        (r"v2\.yaml:\d+: template .* holds <start_of_turn>, a control token of chat templates",),
    ),
    Case(
        "an unknown slot",
        TEMPLATES,
        swap("{start.name}", "{start.nam}"),
        (r"v2\.yaml:\d+: template .*unknown slot \{start\.nam\}",),
    ),
    Case("broken YAML", TEMPLATES, swap("version: v2", "version: [v2"), (r"v2\.yaml:\d+: .*mend the YAML there",)),
    Case(
        "a template of an unknown relation type",
        TEMPLATES,
        swap("relation: HAS_CHAPTER", "relation: HAS_CHAPTERS"),
        (r"v2\.yaml:\d+: template .*unknown relation type HAS_CHAPTERS; did you mean HAS_CHAPTER\?",),
    ),
    # The test set
    Case(
        "a line that is cut",
        TESTSET,
        line(7, lambda text: text[:-40]),
        (r"test_set_200\.jsonl:7: not JSON at column \d+",),
    ),
    Case(
        "an unknown category",
        TESTSET,
        swap('"category": "設計"', '"category": "設計編"'),
        (r"test_set_200\.jsonl:\d+: unknown category 設計編; did you mean 設計\?",),
    ),
    Case(
        "a fact that the reference lacks",
        TESTSET,
        line(1, lambda text: re.sub(r'"facts": \[\[', '"facts": [["どこにもない語"], [', text)),
        (r"test_set_200\.jsonl:1: fact 1 \(どこにもない語\) is not in the reference; add one of its wordings there",),
    ),
    Case(
        "a control token in a question",
        TESTSET,
        line(3, lambda text: text.replace('"question": "', '"question": "[INST] ', 1)),
        (r"test_set_200\.jsonl:3: question holds \[INST\], a control token of chat templates",),
    ),
    Case(
        "a number where a text is expected",
        TESTSET,
        line(5, lambda text: re.sub(r'"id": "([^"]*)"', r'"id": 5', text)),
        (r"test_set_200\.jsonl:5: id: expected text, found 5; write it in quotes",),
    ),
    Case(
        "a key that stands twice in a line",
        TESTSET,
        line(6, lambda text: text.replace("{", '{"id": "q", ', 1)),
        (r"test_set_200\.jsonl:6: the key id stands twice in one object",),
    ),
    # The configuration, section by section
    Case(
        "a control token in the system prompt",
        DOMAIN,
        swap("system: ", "system: </s>"),
        (r"river\.yaml:\d+: config key chat\.system holds </s>, a control token of chat templates",),
    ),
    Case(
        "a number without a dot, out of range",
        CONFIG,
        swap("train:\n", "train:\n  learning_rate: -2e-4\n"),
        (r"smoke\.yaml:\d+: config key train\.learning_rate: -0\.0002 is less than or equal to the minimum of 0",),
    ),
    Case(
        "an unknown key",
        CONFIG,
        swap("stage1:\n", "stage1:\n  alpa: 8\n"),
        (r"smoke\.yaml:\d+: unknown config key stage1\.alpa: did you mean alpha\?",),
    ),
    Case(
        "an unknown key of the domain file",
        DOMAIN,
        swap("testset:\n", "testset:\n  labl: curated\n"),
        (r"river\.yaml:\d+: unknown config key testset\.labl: did you mean label\?",),
    ),
    Case(
        "a domain file that is not there",
        CONFIG,
        swap("domains/river.yaml", "domains/rivr.yaml"),
        (r"smoke\.yaml:2: config key domain is 'config/domains/rivr\.yaml': expected a file such as",),
    ),
    Case(
        "a configuration key that stands twice",
        CONFIG,
        swap("  context: 1024", "  context: 1024\n  context: 2048"),
        (r"smoke\.yaml:\d+: the key context stands twice; keep one of them",),
    ),
    Case(
        "a target that the graph cannot fill",
        DOMAIN,
        swap("PRECEDES: 109", "PRECEDES: 10900"),
        (r"PRECEDES: \d+ different questions, the target is 10900.*or lower qa\.target_counts\.PRECEDES",),
    ),
    Case(
        "a share above 1",
        DOMAIN,
        swap("HAS_CHAPTER: 0.7", "HAS_CHAPTER: 7"),
        (r"config key rebalance\.retain\.HAS_CHAPTER: ",),
    ),
    Case(
        "a subset larger than the pool",
        CONFIG,
        swap("sizes: [16, 24]", "sizes: [16, 6000]"),
        (r"6000.*5169|5169.*6000", r"subsets\.sizes"),
    ),
    Case(
        "a label that no question has",
        DOMAIN,
        swap("label: curated", "label: curted"),
        (
            r"config key testset\.label: no question is labelled 'curted'; the test set has curated \(100\), generated \(100\)",
        ),
    ),
    Case(
        "a model with two sources",
        CONFIG,
        swap("    source:\n", "    source:\n      hub: {repo: a/b, revision: main}\n"),
        (r"config key models\.llama\.source names 2 \(hub, scratch\): give exactly one of",),
    ),
    Case(
        "a format that does not exist",
        CONFIG,
        swap("formats: [f16, q4]", "formats: [f16, q2]"),
        (r"config key models\.llama\.formats\.1: expected one of .*q4.*, found q2",),
    ),
    Case(
        "a micro-batch that does not divide",
        CONFIG,
        swap("train:\n", "train:\n  micro_batch_size: 3\n"),
        (r"config key train\.micro_batch_size is 3: it must divide train\.batch_size, 8",),
    ),
    Case(
        "a judge without its model",
        CONFIG,
        lambda text: text + "judge:\n  judges:\n    b: {kind: ollama}\n",
        (r"config key judge\.judges\.b\.model is missing: a judge of the kind ollama needs it",),
    ),
    Case(
        "a judge without the address of its server",
        CONFIG,
        lambda text: text + "judge:\n  judges:\n    b: {kind: openai, model: m}\n",
        (r"config key judge\.judges\.b\.url is missing: a judge of the kind openai needs it",),
    ),
    Case(
        "a key in place of its variable's name",
        CONFIG,
        lambda text: text + "judge:\n  judges:\n    b: {kind: openai, model: m, url: 'http://h/v1', key_env: sk-1}\n",
        (r"config key judge\.judges\.b\.key_env is no name of an environment variable: expected a name in capitals",),
    ),
    Case(
        "a negative temperature",
        CONFIG,
        lambda text: text + "judge:\n  judges:\n    b: {kind: ollama, model: m, temperature: -1}\n",
        (r"config key judge\.judges\.b\.temperature: -1 is less than the minimum of 0",),
    ),
    Case(
        "a confidence level of 95",
        CONFIG,
        swap("statistics:\n", "statistics:\n  level: 95\n"),
        (r"config key statistics\.level: 95 ",),
    ),
    Case(
        "a context that holds no answer",
        CONFIG,
        swap("context: 1024", "context: 12"),
        (r"config key evaluate\.context: 12 is less than the minimum of 128",),
    ),
    Case(
        "a file that is not there",
        DOMAIN,
        swap("schema: resources/graph/schema.yaml", "schema: resources/graph/schem.yaml"),
        (r"graph\.schema|schem\.yaml",),
    ),
    Case(
        "a corpus that matches nothing",
        CONFIG,
        lambda text: text + "corpus:\n  glob: nowhere/*.md\n",
        (r"config key corpus\.glob is 'nowhere/\*\.md', and no file matches it",),
    ),
    # Environment variables
    Case(
        "no password of Neo4j",
        DOMAIN,
        swap("graph:\n", "graph:\n  source: neo4j\n"),
        (r"the environment variable NEO4J_PASSWORD is not set: it holds the password",),
        {"NEO4J_PASSWORD": ""},
    ),
    Case(
        "an address of Ollama that is none",
        CONFIG,
        lambda text: text + "judge:\n  judges:\n    b: {kind: ollama, model: m}\n",
        (r"environment variable OLLAMA_HOST is 'http://\[', no address of a server .*: give it as http://HOST:PORT",),
        {"OLLAMA_HOST": "http://["},
    ),
    Case(
        "an Ollama server that is not there",
        CONFIG,
        lambda text: text + "judge:\n  judges:\n    b: {kind: ollama, model: m}\n",
        (r"no Ollama server at http://127\.0\.0\.1:9 .*or in OLLAMA_HOST",),
        {"OLLAMA_HOST": "http://127.0.0.1:9"},
    ),
    Case(
        "no key of an OpenAI-compatible server",
        CONFIG,
        lambda text: (
            text + "judge:\n  judges:\n    b: {kind: openai, model: m, url: 'http://h/v1', key_env: LAB_KEY}\n"
        ),
        (r"the environment variable LAB_KEY is not set: it holds the key of the server",),
        {"LAB_KEY": ""},
    ),
    Case(
        "llama.cpp in a folder that is not there",
        "",
        b"",
        (
            r"no llama\.cpp in /nowhere: run `make setup`, or name its folder in the environment variable TATARA_LLAMA_CPP",
        ),
        {"TATARA_LLAMA_CPP": "/nowhere"},
    ),
    Case(
        "scratch that is no folder",
        "",
        b"",
        (r"environment variable TATARA_SCRATCH is '/dev/null'.*: name a folder",),
        {"TATARA_SCRATCH": "/dev/null"},
    ),
]
