"""One process a job: a job that a killed Snakemake left at work is not done a second time beside it."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from tatara.job.errors import InputError


@contextlib.contextmanager
def only_process_of(log: Path) -> Iterator[None]:
    """Hold the job of a log while the block lasts, at the longest until this process ends in whatever way.

    What is locked is a file beside the log: the log itself is removed by the Snakemake that starts the job again.

    Raises:
        InputError: another process holds it.
    """
    with log.with_name(f".{log.name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"another process still does this job in {Path.cwd()}, left by a run that was killed. Wait for it, or "
                "end it: `make unlock` names it, `make unlock END=1` ends it"
            ) from None
        except OSError:
            pass  # a file system without locks
        yield
