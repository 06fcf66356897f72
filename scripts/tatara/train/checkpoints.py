"""Training checkpoints that can be trusted after a kill: each is sealed with the digest of its files once it is whole.

They live outside the declared outputs (Snakemake deletes those of a failed job). A checkpoint is taken up again only
when its seal is there, its files have the sealed digests and it belongs to the same inputs and settings; any other is
removed.
"""

import hashlib
import json
import logging
import shutil
from pathlib import Path

from transformers import TrainerCallback

logger = logging.getLogger("tatara")
SEAL = "seal.json"


def _digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != SEAL)
    return {str(path.relative_to(folder)): hashlib.file_digest(path.open("rb"), "sha256").hexdigest() for path in files}


def seal(folder: Path, mark: str) -> None:
    """Seal a checkpoint folder that is whole."""
    (folder / SEAL).write_text(json.dumps({"fingerprint": mark, "files": _digests(folder)}))


def _sound(folder: Path, mark: str) -> bool:
    try:
        sealed = json.loads((folder / SEAL).read_text())
    except (OSError, ValueError):
        return False
    return sealed == {"fingerprint": mark, "files": _digests(folder)}


def latest(folder: Path, mark: str) -> Path | None:
    """Return the newest sound checkpoint under `folder` and remove every other one there."""
    found = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]), reverse=True)
    kept = next((path for path in found if _sound(path, mark)), None)
    for path in found:
        if path != kept:
            logger.warning("checkpoint %s is incomplete, damaged or of other inputs: removed", path)
            shutil.rmtree(path)
    return kept


class SealCallback(TrainerCallback):
    """Seals each checkpoint that the trainer has written."""

    def __init__(self, mark: str):
        self.mark = mark

    def on_save(self, args, state, control, **keywords):
        seal(Path(args.output_dir) / f"checkpoint-{state.global_step}", self.mark)
