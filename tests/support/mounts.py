"""Mounts for tests of full and of read-only disks."""

import contextlib
import functools
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

TMPFS = ("-t", "tmpfs", "-o", "size=1m", "tatara-fault")


@functools.cache
def missing() -> str:
    """Return why this process may not mount, nothing where it may."""
    with tempfile.TemporaryDirectory() as place:
        done = subprocess.run(["mount", *TMPFS, place], capture_output=True, text=True)
        if done.returncode:
            return (
                f"no right to mount ({done.stderr.strip()}): run as root, or in a user namespace (unshare -rm make …)"
            )
        subprocess.run(["umount", place], check=True)
    return ""


@contextlib.contextmanager
def mounted(place: Path, *how: str) -> Iterator[None]:
    """Mount something at a place (`mount` is told how) for as long as the block lasts."""
    subprocess.run(["mount", *how, place], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", place], check=True)
