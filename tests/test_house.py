"""The house: which sub-package may import which, what a rule's digest holds, and what the left-out sub-package may be
asked for.
"""

import ast
from pathlib import Path

import pytest
from pipeline_copy import REPOSITORY

PACKAGE = REPOSITORY / "scripts" / "tatara"
ORDER = ["job", "files", "ollama", "data", "llama", "models", "train", "evaluate", "measure", "report"]  # bottom to top
MODULES = sorted(PACKAGE.rglob("*.py"))


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
    upwards = {
        str(file.relative_to(PACKAGE)): bad
        for file in (PACKAGE / folder).rglob("*.py")
        if (bad := imported(file) - allowed)
    }
    assert not upwards


def test_every_module_has_a_room():
    assert {file.relative_to(PACKAGE).parts[0] for file in MODULES} == {"__init__.py", *ORDER}
