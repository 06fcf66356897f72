"""Digests: of a file, and of all that decides the outcome of long work, whose unfinished parts are taken up by work of
the same digest alone.
"""

import hashlib
import json
from pathlib import Path


def file_digest(path: Path) -> str:
    """Return the SHA-256 digest of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def files_of(path: Path) -> list[Path]:
    """Return a file as it is, or all files below a folder, sorted by path."""
    return sorted(part for part in path.rglob("*") if part.is_file()) if path.is_dir() else [path]


def fingerprint(material: object, files: list[Path]) -> str:
    """Return a digest of settings (anything JSON can hold) and of the contents of files or folders."""
    digest = hashlib.sha256(json.dumps(material, sort_keys=True, ensure_ascii=False).encode())
    for path in files:
        for part in files_of(path):
            digest.update(part.name.encode() + file_digest(part).encode())
    return digest.hexdigest()
