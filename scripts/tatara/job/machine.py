"""What to do about an error of the machine and not of the input: no disk, no memory, no right to write, a job that was
killed.
"""

import errno
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

# How libraries say that a file could not be written to its end: safetensors, numpy, torch.
FULL = re.compile(r"no space left|\d+ requested and \d+ written|pytorchstreamwriter failed writing")
# Bytes that are left free on a disk that counts as full, since the part that did not fit is often removed again.
ROOM = 2**20
MEMORY = ("out of memory", "can't allocate memory", "cannot allocate memory", "bad_alloc")
KILLED = re.compile(r"SIGKILL|\bexit (?:code|status) (?:-9|137)\b|returned non-zero exit status (?:-9|137)\b")


def full(place: Path) -> bool:
    """Return whether the disk of a path has no room left."""
    return shutil.disk_usage(place).free < ROOM


def machine_remedy(error: BaseException, place: Path | str) -> str | None:
    """Return what to do about an error of the machine; None for another error.

    Args:
        place: a path on the disk that the job writes to.
    """
    chain = [error]
    while chain[-1].__cause__ or chain[-1].__context__:
        chain.append(chain[-1].__cause__ or chain[-1].__context__)
    numbers = {link.errno for link in chain if isinstance(link, OSError)}
    said = " ".join(map(str, chain)).lower()
    disk = Path(place).resolve().parent
    if numbers & {errno.ENOSPC, errno.EDQUOT} or FULL.search(said) or full(disk):
        return (
            f"the disk of {disk} is full: free some space and run again; what is finished stays, and the work goes on "
            "from there"
        )
    if numbers & {errno.EROFS, errno.EACCES, errno.EPERM}:
        where = next((link.filename for link in chain if isinstance(link, OSError) and link.filename), disk)
        return (
            f"{where} cannot be written: make it writable for this user (ls -ld shows whose it is, mount whether the "
            "disk is read-only) and run again"
        )
    if (
        errno.ENOMEM in numbers
        or any(isinstance(link, MemoryError) for link in chain)
        or any(word in said for word in MEMORY)
    ):
        return (
            "out of memory: run fewer jobs at once (--cores, --resources gpu=1), or lower train.micro_batch_size; "
            "finished steps are kept"
        )
    return None


def killed_hint(logs: Iterable[Path | str]) -> str:
    """Return what a killed job means, or nothing where Snakemake's logs tell of none.

    Args:
        logs: Snakemake's own logs of a run that failed.
    """
    if not any(KILLED.search(Path(log).read_text(encoding="utf-8", errors="replace")) for log in logs):
        return ""
    return (
        "\nERROR: a job was killed from outside, most likely by the kernel because the machine is out of memory "
        "(`dmesg | grep -i oom` tells): "
        "run fewer jobs at once (--cores, --resources gpu=1), or lower train.micro_batch_size; finished work is kept\n"
    )
