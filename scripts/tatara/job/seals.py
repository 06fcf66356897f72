"""Whether files are still what was written: a seal keeps the sizes and digests of an output's files.

Snakemake knows when a file is stale, not when it is damaged: to Snakemake, a file that a full disk, a copy or a crash
cut short is as good as any other. Each job compares its inputs with their seals. These lie beside the results
(`results/seals/`) and travel with them; a training checkpoint has its seal inside (train/checkpoints.py).
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from tatara.job.errors import raise_problems
from tatara.job.fingerprint import file_digest, files_of
from tatara.job.whole_file import whole_file

RESULTS = "results"
SEALS = Path(RESULTS, "seals")
# Of a larger file the size and both ends are kept: a cut shows in both, and reading 16 GB before every job would take a
# minute.
WHOLE = 64 * 2**20
END = 2**20


def quick_digest(path: Path, size: int) -> str:
    """Return the SHA-256 digest of a file, or of its two ends where it is larger than WHOLE."""
    if size <= WHOLE:
        return file_digest(path)
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for start in (0, size - END):
            file.seek(start)
            digest.update(file.read(END))
    return digest.hexdigest()


def _entry(file: Path, whole: bool = False) -> list:
    size = file.stat().st_size
    return [size, file_digest(file) if whole else quick_digest(file, size)]


def contents(output: Path, whole: bool = False) -> dict[str, list]:
    """Return `[bytes, digest]` of each file of an output, by its name inside the output.

    Args:
        output: a folder, or a file, whose name is then empty.
        whole: read large files from beginning to end as well, not their ends alone.
    """
    return {str(file.relative_to(output)) if output.is_dir() else "": _entry(file, whole) for file in files_of(output)}


def seal_of(output: Path) -> Path:
    """Return where the seal of an output lies."""
    return SEALS / f"{output.relative_to(RESULTS)}.json"


def sealed() -> list[Path]:
    """Return the outputs that have a seal and exist."""
    outputs = (Path(RESULTS, file.relative_to(SEALS)).with_suffix("") for file in sorted(SEALS.rglob("*.json")))
    return [output for output in outputs if output.exists()]


def _own(paths: Iterable[str | Path]) -> list[Path]:
    """Return those of the paths that are results; what the user brought has no seal."""
    return [path for path in map(Path, paths) if path.parts[:1] == (RESULTS,)]


def seal(outputs: Iterable[str | Path]) -> None:
    """Seal outputs, files or folders, that are whole."""
    for output in _own(outputs):
        text = json.dumps(contents(output), ensure_ascii=False) + "\n"
        with whole_file(seal_of(output)) as part:
            part.write_text(text, encoding="utf-8")


def problem(output: Path, seal_file: Path) -> str | None:
    """Return what is wrong with an output, None where it is as it was sealed."""
    try:
        content = json.loads(seal_file.read_text(encoding="utf-8"))
        for name, (size, digest) in content.items():
            file = output / name if name else output
            if not file.is_file():
                return f"{file}: it is gone; its rule had written {size:,} bytes"
            if (present := file.stat().st_size) != size:
                return f"{file}: it has {present:,} bytes, its rule had written {size:,}"
            if _entry(file) != [size, digest]:
                return f"{file}: its content is not what its rule had written"
    except (ValueError, TypeError, AttributeError, RecursionError):
        return f"{seal_file}: this seal is damaged"
    return None


def check(inputs: Iterable[str | Path]) -> list[Path]:
    """Compare inputs with their seals; an input without a seal is taken as it is.

    Returns:
        The inputs that have no seal.

    Raises:
        InputError: names each file that is damaged, or was changed by hand, and what to remove.
    """
    problems, without = [], []
    for path in _own(inputs):
        seal_file = seal_of(path)
        if not seal_file.is_file():
            without.append(path)
        elif message := problem(path, seal_file):
            problems.append(
                f"{message}. Remove {path} and run again: it is made anew, and what depends on it. "
                f"(To use a file that you changed by hand, remove its seal {seal_file})"
            )
    raise_problems(problems)
    return without


def remedy(without: list[Path]) -> str | None:
    """Return what to try where a job failed whose inputs lie without a seal, None where none does."""
    if not without:
        return None
    names = ", ".join(map(str, without))
    return (
        f"no seal says that {names} {'is' if len(without) == 1 else 'are'} whole: where the error above comes of a "
        "file that was cut, emptied or changed by hand, remove it and run again, and it is made anew"
    )
