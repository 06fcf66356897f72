"""Whether a result is still what its rule wrote. A seal keeps the sizes and digests of an output's files; what a job
takes in is held against it.

Snakemake knows when a file is stale, not when it is damaged: a file that a full disk, a copy or a crash cut short is as
good as any other to it. Seals lie beside the results (`results/seals/`) and travel with them.
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from tatara.job.errors import raise_problems
from tatara.job.whole_file import whole_file

RESULTS = "results"
SEALS = Path(RESULTS, "seals")
# Of a larger file its size and its two ends are kept: a cut shows in both, and to read 16 GB before every job would
# take a minute.
WHOLE = 64 * 2**20
END = 2**20


def quick_digest(path: Path, size: int) -> str:
    """Return the SHA-256 digest of a file, or of its two ends where it is larger than WHOLE."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        if size <= WHOLE:
            digest = hashlib.file_digest(file, "sha256")
        else:
            for start in (0, size - END):
                file.seek(start)
                digest.update(file.read(END))
    return digest.hexdigest()


def _files(output: Path) -> list[Path]:
    return sorted(path for path in output.rglob("*") if path.is_file()) if output.is_dir() else [output]


def seal_of(output: Path) -> Path:
    """Return where the seal of an output lies."""
    return SEALS / f"{output.relative_to(RESULTS)}.json"


def sealed() -> list[Path]:
    """Return the outputs that have a seal and are there."""
    found = (Path(RESULTS, file.relative_to(SEALS)).with_suffix("") for file in sorted(SEALS.rglob("*.json")))
    return [output for output in found if output.exists()]


def _own(paths: Iterable[str | Path]) -> list[Path]:
    """Return those of the paths that are results; what the user brought has no seal."""
    return [path for path in map(Path, paths) if path.parts[:1] == (RESULTS,)]


def seal(outputs: Iterable[str | Path]) -> None:
    """Seal outputs, files or folders, that are whole."""
    for output in _own(outputs):
        content = {}
        for file in _files(output):
            size = file.stat().st_size
            content[str(file.relative_to(output)) if output.is_dir() else ""] = [size, quick_digest(file, size)]
        with whole_file(seal_of(output)) as part:
            part.write_text(json.dumps(content, ensure_ascii=False) + "\n", encoding="utf-8")


def _problem(output: Path, seal_file: Path) -> str | None:
    """Return what is wrong with an output, None where it is as it was sealed."""
    try:
        content = json.loads(seal_file.read_text(encoding="utf-8"))
        for name, (size, digest) in content.items():
            file = output / name if name else output
            if not file.is_file():
                return f"{file}: it is gone; its rule had written {size:,} bytes"
            if (found := file.stat().st_size) != size:
                return f"{file}: it has {found:,} bytes, its rule had written {size:,}"
            if quick_digest(file, size) != digest:
                return f"{file}: its content is not what its rule had written"
    except (ValueError, TypeError, AttributeError, RecursionError):
        return f"{seal_file}: this seal is damaged"
    return None


def check(inputs: Iterable[str | Path]) -> None:
    """Hold inputs against their seals; an input without a seal is taken as it is.

    Raises:
        InputError: names each file that is damaged, or was changed by hand, and what to remove.
    """
    problems = []
    for path in _own(inputs):
        seal_file = seal_of(path)
        if seal_file.is_file() and (problem := _problem(path, seal_file)):
            problems.append(
                f"{problem}. Remove {path} and run again: it is made anew, and what depends on it. "
                f"(To use a file that you changed by hand, remove its seal {seal_file})"
            )
    raise_problems(problems)
