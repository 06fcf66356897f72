"""The house: which sub-package may import which, what a rule's digest holds, and what `job` may be asked for."""

import ast
import re
from collections import defaultdict
from modulefinder import ModuleFinder
from pathlib import Path

import pytest
from pipeline_copy import REPOSITORY
from tatara.job import digests

SCRIPTS = REPOSITORY / "scripts"
PACKAGE = SCRIPTS / "tatara"
# Bottom to top.
ORDER = ["job", "files", "llm", "data", "draft", "llama", "models", "train", "evaluate", "measure", "report"]
MODULES = sorted(PACKAGE.rglob("*.py"))
STAGES = sorted((REPOSITORY / "rules").glob("*.smk"))
# The rules of the figures stand in a loop that names them: one rule without a name.
RULE = re.compile(r"^ *(?:rule|checkpoint)(?: (\w+))?:\n(.*?)(?=^\S|\Z)", re.MULTILINE | re.DOTALL)
SCRIPT = re.compile(r'script:\s+"\.\./scripts/(\w+)\.py"')
RULES = {name: body for file in STAGES for name, body in RULE.findall(file.read_text(encoding="utf-8"))}
SCRIPT_OF = {name: found[1] for name, body in RULES.items() if (found := SCRIPT.search(body))}

# What may be taken from `job`, and why no result depends on it.
TAKEN_FROM_JOB = {
    "InputError": "ends the job",
    "raise_problems": "ends the job, or does nothing",
    "Problem": "a message of raise_problems",
    "job": "surrounds the whole work",
    "Progress": "gives back the items that it is given",
    "whole_file": "a path to write to",
    "unfinished": "a path outside the results",
    "FinishedRows": "rows that the same code made of the same inputs before it was killed",
    "fingerprint": "is compared with itself, and written nowhere but beside unfinished work",
    "file_digest": "is compared with the configuration's, and written nowhere",
    "seals": "compares files with what was written",
    "llama_home": "where llama.cpp's programs lie",
    "gpu_layers": "where a layer is computed",
    "ALL": "where a layer is computed",
    "MEMORY_LIMIT": "how much of a GPU is used",
    "machine_remedy": "a message",
    "full": "which message",
    "REPOSITORY": "where the pipeline lies",
}
# How some of them may be used: the syntax around the name.
USES = {
    "InputError": {"raise", "except", "base"},
    "raise_problems": {"statement"},
    "job": {"with"},
    "whole_file": {"with"},
}
USES["Progress"] = {"for", "IfExp"}  # where only long work says how far it is


def imported(file: Path) -> set[str]:
    """Return the sub-packages that a file imports from, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "tatara":
            found |= {alias.name for alias in node.names} if node.module == "tatara" else {node.module.split(".")[1]}
    return found


@pytest.mark.parametrize("folder", ORDER)
def test_imports_point_downwards(folder):
    allowed = set(ORDER[: ORDER.index(folder) + 1])
    upwards = {file.name: bad for file in (PACKAGE / folder).rglob("*.py") if (bad := imported(file) - allowed)}
    assert not upwards


def test_every_module_has_a_room():
    assert {file.relative_to(PACKAGE).parts[0] for file in MODULES} == {"__init__.py", *ORDER}


def test_files_are_read_at_a_sitting():
    lines = {
        str(file.relative_to(REPOSITORY)): file.read_text(encoding="utf-8").count("\n") for file in MODULES + STAGES
    }
    assert not {name: count for name, count in lines.items() if count > (160 if name.endswith(".smk") else 250)}


def test_no_six_lines_stand_twice():
    places = defaultdict(list)
    for file in MODULES:
        lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
        numbered = [
            (number, line) for number, line in enumerate(lines, 1) if line and not line.startswith(("import ", "from "))
        ]
        for start in range(len(numbered) - 5):
            window = numbered[start : start + 6]
            if sum(len(line) for _, line in window) > 100:  # brackets that close one after another are no idea
                places["\n".join(line for _, line in window)].append(f"{file.relative_to(PACKAGE)}:{window[0][0]}")
    assert not {text: found for text, found in places.items() if len(found) > 1}


# ---- digests ----


def test_every_rule_with_a_script_has_that_script_s_digest():
    wrong = [name for name, script in SCRIPT_OF.items() if f'code=code_of("{script}")' not in RULES[name]]
    assert not wrong
    assert {file.stem for file in SCRIPTS.glob("*.py")} == set(SCRIPT_OF.values())


@pytest.mark.parametrize("script", sorted(set(SCRIPT_OF.values())))
def test_what_a_script_can_reach_is_in_its_digest(script):
    """Python's own finder of modules reads bytecode, the digest reads syntax; other packages are not looked for."""
    finder = ModuleFinder(path=[str(SCRIPTS)])
    finder.run_script(str(SCRIPTS / f"{script}.py"))
    reached = {Path(module.__file__) for module in finder.modules.values() if module.__file__}
    counted = {file for file in reached if not file.is_relative_to(PACKAGE / "job")}
    assert counted <= set(digests.reached(script))
    assert not any(file.is_relative_to(PACKAGE / "job") for file in digests.reached(script))


def test_templates_and_programs_beside_a_module_are_in_its_digest():
    reached = {file.name for file in digests.reached("report")}
    assert {"report.html", "page.html", "macros.html"} <= reached
    assert "card.md" not in reached
    assert "card.md" in {file.name for file in digests.reached("model_card")}
    assert "converter.py" in {file.name for file in digests.reached("convert")}


SOURCE = b'''"""A module."""
import logging

from tatara.job.errors import InputError
from tatara.job.progress import Progress

LIMIT = 5  # of something
TEMPLATE = """a # b

  c"""


def work(rows, problems):
    """Work."""
    for row in Progress(rows, f"working on {len(rows)} rows"):
        if row > LIMIT:
            raise InputError(f"{row} is more than {LIMIT}")
        if row < 0:
            problems.append(f"{row} is negative")
        logger.info("row %d", row)
    return rows
'''


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"# of something", b"# of something else"),
        (b'"""Work."""', b'"""Do the work.\n\n    At length.\n    """'),
        (b"working on", b"busy with"),
        (b"is more than {LIMIT}", b"is too much, at most {LIMIT}"),
        (b"row %d", b"line %d"),
        (b"is negative", b"is less than 0: correct it"),
        (b'"""A module."""', b'"""Another one."""'),
    ],
)
def test_words_change_no_digest(before, after):
    assert before in SOURCE
    assert digests.essence(SOURCE.replace(before, after)) == digests.essence(SOURCE)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"LIMIT = 5", b"LIMIT = 6"),
        (b"row > LIMIT", b"row >= LIMIT"),
        (b"row < 0", b"row <= 0"),
        (b"problems.append(", b"rows.append("),
        (b"a # b", b"a # c"),
        (b"Progress(rows", b"Progress(rows[1:]"),
    ],
)
def test_work_changes_the_digest(before, after):
    assert before in SOURCE
    assert digests.essence(SOURCE.replace(before, after)) != digests.essence(SOURCE)


# ---- what the left-out sub-package may be asked for ----


def use_of(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> str:
    """Return how a name is used: the syntax around it."""
    parent = parents[node]
    if isinstance(parent, ast.Call) and parent.func is node:
        node, parent = parent, parents[parent]
    if isinstance(parent, ast.Call) and getattr(parent.func, "id", "") in ("zip", "enumerate"):
        node, parent = parent, parents[parent]
    if isinstance(parent, ast.ExceptHandler) or (
        isinstance(parent, ast.Tuple) and isinstance(parents[parent], ast.ExceptHandler)
    ):
        return "except"
    kinds = {ast.Raise: "raise", ast.withitem: "with", ast.Expr: "statement", ast.ClassDef: "base"}
    if isinstance(parent, ast.For | ast.comprehension) and parent.iter is node:
        return "for"
    return kinds.get(type(parent), type(parent).__name__)


@pytest.mark.parametrize(
    "file", [file for file in MODULES if not file.is_relative_to(PACKAGE / "job")], ids=lambda file: file.stem
)
def test_nothing_of_job_is_a_value_in_a_result(file):
    tree = ast.parse(file.read_text(encoding="utf-8"))
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    taken = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tatara.job"):
            taken |= {alias.asname or alias.name for alias in node.names}
    assert taken <= set(TAKEN_FROM_JOB), "say in TAKEN_FROM_JOB why no result depends on it, or move it out of job"
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in taken & USES.keys():
            assert use_of(node, parents) in USES[node.id], f"line {node.lineno}"
