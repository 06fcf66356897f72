"""Training checkpoints that can be trusted after a kill: each is sealed with the digests of its files once it is whole.

They live outside the declared outputs (Snakemake deletes those of a failed job). Training goes on from a checkpoint
only if it has its seal, its files are those that were sealed, and it belongs to the same inputs and settings. Any other
checkpoint is removed.
"""

import json
import logging
import shutil
from pathlib import Path

from transformers import TrainerCallback

from tatara.job import seals

logger = logging.getLogger("tatara")
SEAL = "seal.json"


def _content(folder: Path, fingerprint: str) -> dict:
    files = seals.contents(folder, whole=True)
    files.pop(SEAL, None)
    return {"fingerprint": fingerprint, "files": files}


def seal(folder: Path, fingerprint: str) -> None:
    """Seal a checkpoint folder that is whole."""
    (folder / SEAL).write_text(json.dumps(_content(folder, fingerprint)))


def _sound(folder: Path, fingerprint: str) -> bool:
    try:
        sealed = json.loads((folder / SEAL).read_text())
    except (OSError, ValueError, RecursionError):
        return False
    return sealed == _content(folder, fingerprint)


def latest(folder: Path, fingerprint: str) -> Path | None:
    """Return the newest sound checkpoint under `folder` and remove every other one there."""
    checkpoints = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]), reverse=True)
    kept = next((path for path in checkpoints if _sound(path, fingerprint)), None)
    for path in checkpoints:
        if path != kept:
            logger.warning("checkpoint %s is incomplete, damaged or of other inputs: removed", path)
            shutil.rmtree(path)
    return kept


class SealCallback(TrainerCallback):
    """Seals each checkpoint that the trainer has written."""

    def __init__(self, fingerprint: str):
        self.fingerprint = fingerprint

    def on_save(self, args, state, control, **keywords):
        seal(Path(args.output_dir) / f"checkpoint-{state.global_step}", self.fingerprint)
