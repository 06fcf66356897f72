"""Where unfinished work lies, outside the declared outputs, which Snakemake deletes when a job fails."""

import hashlib
import os
import socket
from pathlib import Path

from tatara.job.errors import InputError


def unfinished(name: str) -> Path:
    """Return where a job keeps what it has so far: results/checkpoints/NAME, or where TATARA_SCRATCH is set a place of
    this study in there.

    Raises:
        InputError: nothing can be written in TATARA_SCRATCH.
    """
    scratch = os.environ.get("TATARA_SCRATCH")
    if not scratch:
        return Path("results/checkpoints", name)
    # Studies that share a disk have runs of the same name: each its own folder, by the working directory.
    folder = Path(scratch, f"tatara-{hashlib.sha256(str(Path.cwd()).encode()).hexdigest()[:16]}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"environment variable TATARA_SCRATCH is {scratch!r}, and on {socket.gethostname()} no folder can be made "
            f"there ({error.strerror}): "
            "name a folder that each node can write, or unset it"
        ) from None
    return folder / name
