"""One process a job: a job that a killed Snakemake left at work is not done a second time beside it."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from tatara.job.errors import InputError


@contextlib.contextmanager
def only_process_of(log: Path) -> Iterator[None]:
    """Empty the log of a job and hold it while the block lasts, at the longest until this process ends in whatever way.

    Raises:
        InputError: another process holds it.
    """
    with log.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"another process still does this job in {Path.cwd()}, left by a run that was killed; its log is "
                f"{log}. Wait for it, or end it: `make unlock` names it, `make unlock END=1` ends it"
            ) from None
        except OSError:
            pass  # a file system without locks
        file.truncate(0)
        yield
