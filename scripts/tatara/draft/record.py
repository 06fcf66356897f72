"""What a draft wrote, so that what a person has changed since is never written over."""

import hashlib
import json
import re
from pathlib import Path

from tatara.draft.table import COLUMNS, draft_file, review_file
from tatara.files.text import read_text, write_json

SIZES = re.compile(r"^( *sizes: )\[[^\]]*\](.*# set by make accept)", re.MULTILINE)


def _files(folder: Path) -> list[Path]:
    """Return the files that people edit. What `make accept` writes from them is no work of theirs."""
    return [*(draft_file(folder, table) for table in COLUMNS), *(folder / name for name in _others(folder))]


def _others(folder: Path) -> tuple[str, ...]:
    return ("toc.csv", "schema.yaml", f"{folder.name}.yaml")


def _record(folder: Path) -> Path:
    return folder / "draft" / "made.json"


def _digest(path: Path) -> str:
    text = SIZES.sub(r"\g<1>[]\g<2>", read_text(path))
    return hashlib.sha256(text.encode()).hexdigest()


def write_record(folder: Path) -> None:
    """Write draft/made.json: file -> SHA-256 of its text."""
    write_json(_record(folder), {str(path.relative_to(folder)): _digest(path) for path in _files(folder)})


def is_draft(folder: Path) -> bool:
    """Return whether a folder holds a draft."""
    return _record(folder).is_file()


def edited(folder: Path) -> list[str]:
    """Return the files of a draft that were changed since it was made, its review among them."""
    made, review = json.loads(read_text(_record(folder))), review_file(folder)
    changed = [name for name, digest in made.items() if (folder / name).is_file() and _digest(folder / name) != digest]
    return [*changed, *([str(review.relative_to(folder))] if review.is_file() else [])]
