"""A GPU of its own for each job of a machine with several.

A scheduler such as Slurm hands GPUs out by CUDA_VISIBLE_DEVICES. On one machine Snakemake only counts them
(`--resources gpu=4`), so each job takes a free one here: a lock on a file that the kernel lets go of when the process
ends, however it ends.
"""

import contextlib
import fcntl
import itertools
import logging
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from tatara.job.errors import InputError

logger = logging.getLogger("tatara")
# GiB of GPU memory that a process may take. Each job sets it from Snakemake's resource gpu_memory_gib: an environment
# variable and no param, since another card is no reason to train again.
MEMORY_LIMIT = "TATARA_GPU_MEMORY_GIB"
# How many jobs may share one of several GPUs, 1 where it is not set: small models leave most of a GPU idle.
JOBS_PER_GPU = "TATARA_JOBS_PER_GPU"


def visible() -> list[str]:
    """Return the GPUs to choose from: those that CUDA_VISIBLE_DEVICES names, else all that nvidia-smi lists."""
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    if given is not None:
        return [part.strip() for part in given.split(",") if part.strip()]
    if not shutil.which("nvidia-smi"):
        return []
    said = subprocess.run(["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"], capture_output=True, text=True)
    return said.stdout.split() if said.returncode == 0 else []


def lock_folder() -> Path:
    """Return the folder of the locks: one a machine and user; inside a Slurm job its own, since Slurm may number its
    GPUs from 0 again.
    """
    allocation = os.environ.get("SLURM_JOB_ID")
    return Path(tempfile.gettempdir(), f"tatara-gpus-{os.getuid()}" + (f"-{allocation}" if allocation else ""))


def jobs_per_gpu() -> int:
    """Return how many jobs may share a GPU.

    Raises:
        InputError: the environment variable is no whole number of at least 1.
    """
    given = os.environ.get(JOBS_PER_GPU, "1")
    if not (given.isascii() and given.isdigit() and int(given)):
        raise InputError(f"environment variable {JOBS_PER_GPU} is {given!r}: expected a whole number of at least 1")
    return int(given)


def _take(devices: list[str], count: int, folder: Path) -> dict[str, IO]:
    """Return device -> its locked file for `count` devices with room for a job, those with the fewest jobs first, or
    nothing where fewer have room.
    """
    held: dict[str, IO] = {}
    for place, device in itertools.product(range(jobs_per_gpu()), devices):
        if device in held:
            continue
        file = (folder / f"{device.replace('/', '_')}{f'.{place}' if place else ''}.lock").open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            continue
        held[device] = file
        if len(held) == count:
            return held
    for file in held.values():
        file.close()
    return {}


@contextlib.contextmanager
def own(count: int) -> Iterator[list[str]]:
    """Show this process `count` GPUs that no other job of Tatara on this machine has (or as many others as
    TATARA_JOBS_PER_GPU allows), and no GPU where `count` is 0.

    Where there is one GPU or none there is nothing to choose, and nothing is locked.

    Yields:
        The GPUs as CUDA_VISIBLE_DEVICES then names them; nothing where there was no choice.
    """
    if count == 0:
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
        yield []
        return
    devices = visible()
    if len(devices) < 2:
        yield []
        return
    folder = lock_folder()
    folder.mkdir(mode=0o700, exist_ok=True)
    count = min(count, len(devices))
    held = _take(devices, count, folder)
    if not held:
        logger.info("the %d GPUs of this machine are taken by other jobs; waiting (locks in %s)", len(devices), folder)
    while not held:
        time.sleep(1)
        held = _take(devices, count, folder)
    try:
        os.environ["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"  # numbers mean what nvidia-smi means by them
        os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(held)
        logger.info("GPU %s of %s", ",".join(held), ",".join(devices))
        yield list(held)
    finally:
        for file in held.values():
            file.close()
