"""A digest of the package's own modules, since Snakemake does not see what a script imports."""

import ast
import functools
import hashlib
import subprocess
from pathlib import Path

PACKAGE = Path(__file__).parent
REPOSITORY = PACKAGE.parent.parent
DATA = {".html", ".css", ".md"}  # templates and other data that lie beside modules


def _file(module: str) -> Path | None:
    path = PACKAGE.joinpath(*module.split(".")[1:])
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


@functools.cache
def _imports(file: Path) -> frozenset[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(name for name in found if name.split(".")[0] == "tatara")


@functools.cache
def code_digest(*modules: str) -> str:
    """Return a digest of these modules of the package and of all that they import from it.

    Args:
        modules: names such as `tatara.pairs`.

    Raises:
        ModuleNotFoundError: there is no such module.
    """
    waiting, seen = list(modules), {}
    for module in modules:
        if _file(module) is None:
            raise ModuleNotFoundError(f"no module {module} under {PACKAGE}")
    while waiting:
        file = _file(waiting.pop())
        if file is None or file in seen:
            continue
        # Templates and other data that lie beside a package's modules belong to it.
        data = sorted(path for path in file.parent.glob("*") if path.suffix in DATA) if file.name == "__init__.py" else []
        seen[file] = b"".join(path.read_bytes() for path in [file, *data])
        waiting += _imports(file)
    digest = hashlib.sha256()
    for file in sorted(seen):
        digest.update(str(file.relative_to(PACKAGE)).encode() + b"\0" + seen[file])
    return digest.hexdigest()[:16]


def pipeline_digest() -> str:
    """Return a digest of the whole pipeline as it is delivered: Snakefile, rules, scripts, captions, the paper's values, the judge's prompt."""
    folders = ["rules", "scripts", "report", "resources/paper", "resources/judge"]
    files = [REPOSITORY / "Snakefile", *(path for folder in folders for path in (REPOSITORY / folder).rglob("*") if path.is_file())]
    digest = hashlib.sha256()
    for file in sorted(path for path in files if path.suffix != ".pyc"):
        digest.update(str(file.relative_to(REPOSITORY)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def pipeline_commit(repository: Path = REPOSITORY) -> str:
    """Return the pipeline's commit, with `+` where tracked files were changed; `unknown` where no commit has it.

    A copy of the pipeline that lies in a folder of another repository is not what that repository's commit says.
    """

    def git(*arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(["git", "-C", str(repository), *arguments], capture_output=True, text=True)

    try:
        if git("ls-files", "--error-unmatch", "Snakefile").returncode:
            return "unknown"
        found = git("describe", "--always", "--abbrev=40", "--dirty=+", "--exclude=*")
    except FileNotFoundError:
        return "unknown"  # no git
    return found.stdout.strip() if found.returncode == 0 else "unknown"
