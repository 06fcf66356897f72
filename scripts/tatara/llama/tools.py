"""Runs of llama.cpp's own programs that write a file."""

import errno
import logging
import subprocess
from pathlib import Path

from tatara.job.errors import InputError
from tatara.job.machine import full
from tatara.llama.reader import is_whole

logger = logging.getLogger("tatara")


class ConversionRefused(InputError):
    """llama.cpp's converter refuses a model; the message is its own last line."""


def run_tool(
    command: list, what: str, file: Path, environment: dict[str, str] | None = None, level: int = logging.INFO
) -> None:
    """Run a command that writes a file, with its output in the log.

    Args:
        what: the stage's name, in the log and in errors.
        file: what the command writes.
        environment: of the command, in place of this process's.
        level: of the log lines that its output becomes; DEBUG for a trial, whose refusal is an answer and no failure.

    Raises:
        ConversionRefused: it ended with an error of its own.
        OSError: the disk is full; the tools say so in many ways, and llama-imatrix ends as if all were well.
        MemoryError: the kernel killed it.
    """
    process = subprocess.Popen(
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=environment,
    )
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip())
        logger.log(level, "%s: %s", what, lines[-1])
    status = process.wait()
    if status == 0 and is_whole(file):
        return
    last = next((line for line in reversed(lines) if line.strip()), "no output")
    # The part that was written is still there, so a disk that ran full is still full.
    if full(file.parent) or any("No space left on device" in line for line in lines):
        raise OSError(errno.ENOSPC, f"{what} ended with status {status}: {last}", str(file))
    if status < 0:
        raise MemoryError(f"{what} was killed by signal {-status}, most likely by the kernel")
    if status == 0:
        raise RuntimeError(f"{what} wrote {file.name} and said that all is well, but the file is not whole: {last}")
    raise ConversionRefused(f"{what} ended with status {status}: {last}")
