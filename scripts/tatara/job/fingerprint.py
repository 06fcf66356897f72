"""A digest of what decides the outcome of long work: what is unfinished is taken up by work of the same digest alone."""

import hashlib
import json
from pathlib import Path


def fingerprint(material: object, files: list[Path]) -> str:
    """Return a digest of settings (anything JSON can hold) and of the contents of files or folders."""
    digest = hashlib.sha256(json.dumps(material, sort_keys=True, ensure_ascii=False).encode())
    for path in files:
        for part in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if part.is_file():
                digest.update(part.name.encode() + hashlib.file_digest(part.open("rb"), "sha256").digest())
    return digest.hexdigest()
