"""Digests of the pipeline's own code. Snakemake does not see what a script imports: a rule takes the digest of its
script as a param.

`code_of` finds the modules by following the imports, so nothing is listed by hand. What cannot change a result is left
out: the sub-package `job`, comments, docstrings, and the words of errors, log lines and progress.
"""

import ast
import functools
import hashlib
import io
import re
import subprocess
import tokenize
from collections.abc import Iterator
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[2]
REPOSITORY = SCRIPTS.parent
LEFT_OUT = SCRIPTS / "tatara" / "job"
# Files that a module names and that lie beside it belong to it: templates, and programs that are run instead of
# imported.
BESIDE = re.compile(r"[\w.-]+\.(?:html|md|css|py)")


def _without_words(node: ast.AST) -> list[tuple[ast.AST, ast.AST]]:
    """Return the first and last node of each stretch of words below a node: docstrings, log lines, messages of errors
    and of progress.
    """
    if (
        isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and ast.get_docstring(node, clean=False) is not None
    ):
        return [(node.body[0], node.body[0])]
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        function = node.value.func
        if (
            isinstance(function, ast.Attribute)
            and isinstance(function.value, ast.Name)
            and function.value.id == "logger"
        ):
            return [(node, node)]
    if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-2:] == ["problems", "append"] and node.args:
        return [(node.args[0], node.args[-1])]  # what is found wrong is raised
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        words = (
            node.args
            if node.func.id in ("InputError", "Problem")
            else node.args[1:]
            if node.func.id == "Progress"
            else []
        )
        return [(words[0], words[-1])] if words else []
    return []


@functools.cache
def essence(source: bytes) -> bytes:
    """Return Python source without what cannot change a result: comments, docstrings, words of errors, log lines and
    progress, empty lines.
    """
    lines = source.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    cuts = []
    for node in ast.walk(ast.parse(source)):
        for first, last in _without_words(node):
            cuts.append(
                (starts[first.lineno - 1] + first.col_offset, starts[last.end_lineno - 1] + last.end_col_offset)
            )
    for token in tokenize.tokenize(io.BytesIO(source).readline):
        if token.type == tokenize.COMMENT:
            begin = starts[token.start[0] - 1] + len(token.line[: token.start[1]].encode())
            cuts.append((begin, begin + len(token.string.encode())))
    kept, position = [], 0
    for begin, end in sorted(cuts):
        if begin >= position:
            kept.append(source[position:begin])
        position = max(position, end)
    text = b"".join([*kept, source[position:]])
    return b"\n".join(line.rstrip() for line in text.splitlines() if line.strip())


def _modules(name: str) -> Iterator[Path]:
    """Yield the files of a module of the package and of the packages around it."""
    path = SCRIPTS
    for part in name.split("."):
        path = path / part
        yield from (file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file())


@functools.cache
def needs(file: Path) -> frozenset[Path]:
    """Return the files that a file needs directly: modules of the package that it imports anywhere, and files beside it
    that it names.
    """
    text = file.read_text(encoding="utf-8")
    if file.suffix != ".py":
        return frozenset(
            file.parent / name for name in BESIDE.findall(text) if (file.parent / name).is_file() and name != file.name
        )
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and BESIDE.fullmatch(node.value):
            found |= {file.parent / node.value} if (file.parent / node.value).is_file() else set()
            continue
        else:
            continue
        for name in names:
            if name.split(".")[0] == "tatara":
                found |= set(_modules(name))
    return frozenset(found)


def reached(script: str) -> list[Path]:
    """Return the script of a rule and every file of the package that it can reach, those that cannot change a result
    left out.

    Raises:
        FileNotFoundError: there is no such script.
    """
    waiting, seen = [SCRIPTS / f"{script}.py"], set()
    while waiting:
        file = waiting.pop()
        if file in seen or file.is_relative_to(LEFT_OUT):
            continue
        seen.add(file)
        waiting += needs(file)
    return sorted(seen)


def _digest(files: list[Path], folder: Path) -> str:
    digest = hashlib.sha256()
    for file in files:
        content = file.read_bytes()
        counted = essence(content) if file.suffix == ".py" else content
        digest.update(str(file.relative_to(folder)).encode() + b"\0" + counted + b"\0")
    return digest.hexdigest()[:16]


@functools.cache
def code_of(script: str) -> str:
    """Return a digest of the code behind a rule: script and imports, without what cannot change a result.

    Args:
        script: name of the file in scripts/, without `.py`.
    """
    return _digest(reached(script), SCRIPTS)


def pipeline_digest() -> str:
    """Return a digest of the whole pipeline, without what cannot change a result: Snakefile, rules, scripts, captions,
    the paper's values, the judge's prompt.
    """
    folders = ["rules", "scripts", "report", "resources/paper", "resources/judge"]
    inside = (path for folder in folders for path in (REPOSITORY / folder).rglob("*") if path.is_file())
    files = [path for path in inside if path.suffix != ".pyc" and not path.is_relative_to(LEFT_OUT)]
    return _digest(sorted([REPOSITORY / "Snakefile", *files]), REPOSITORY)


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
