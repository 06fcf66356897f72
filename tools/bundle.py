"""Pack what is needed to check a study without its weights.

Usage: python tools/bundle.py FOLDER/results BUNDLE.tar.gz   (`make bundle`)
"""

import argparse
import gzip
import hashlib
import io
import sys
import tarfile
from pathlib import Path

import tatara_path  # noqa: F401
from tatara.job.errors import InputError

NEEDED = ("config.yaml", "provenance.json", "report.html")
# Results by what they are; weights, importance matrices and tokenizers are none of these, or lie in folders that stay
# behind.
KINDS = {".csv", ".json", ".jsonl", ".md", ".yaml", ".html", ".png", ".svg", ".txt", ".tsv"}
STAY = {"base", "merged", "checkpoints", "logs", "seals"}
MANIFEST = "bundle.sha256"


def packed(results: Path) -> list[Path]:
    """Return the files of a results folder that a bundle holds, sorted."""
    found = []
    for path in sorted(results.rglob("*")):
        inside = path.relative_to(results)
        if path.is_file() and inside.parts[0] not in STAY and path.suffix in KINDS and not path.name.startswith("."):
            found.append(path)
    return found


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)  # owner 0, time 0
    entry.size, entry.mode = len(content), 0o644
    archive.addfile(entry, io.BytesIO(content))


def make_bundle(results: Path, output: Path) -> int:
    """Pack a study's results, with a manifest of SHA-256 digests in the form that `sha256sum --check` reads.

    Args:
        results: the study's results folder; the archive unpacks into a folder `results`.
        output: the .tar.gz to write; it is whole or not there.

    Returns:
        The number of files, the manifest not counted.

    Raises:
        InputError: the study is not finished.
    """
    absent = [name for name in NEEDED if not (results / name).is_file()]
    if absent:
        raise InputError(
            f"{results}/{absent[0]} is not there: a bundle is packed of a finished study; run `make run` first"
        )
    files = {f"results/{path.relative_to(results).as_posix()}": path for path in packed(results)}
    part = output.with_name(f".{output.name}.part")
    digests = []
    try:
        # No name and no time in the header of the compressed file either.
        with (
            part.open("wb") as raw,
            gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as zipped,
            tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as archive,
        ):
            for name, path in files.items():
                content = path.read_bytes()
                digests.append(f"{hashlib.sha256(content).hexdigest()}  {name}\n")
                _add(archive, name, content)
            _add(archive, f"results/{MANIFEST}", "".join(digests).encode())
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)
    return len(files)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("results", type=Path, help="the study's results folder")
    parser.add_argument("bundle", type=Path, help="the archive to write")
    arguments = parser.parse_args()
    try:
        files = make_bundle(arguments.results, arguments.bundle)
    except InputError as error:
        print(f"bundle: {error}", file=sys.stderr)
        return 1
    print(
        f"{arguments.bundle}: {files} files, {arguments.bundle.stat().st_size / 1e6:.1f} MB; check with: sha256sum "
        "--check results/bundle.sha256"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
