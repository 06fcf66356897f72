"""What to say about a job that was ended from outside."""

import re
from collections.abc import Iterable
from pathlib import Path

KILLED = re.compile(r"SIGKILL|\bexit (?:code|status) (?:-9|137)\b|returned non-zero exit status (?:-9|137)\b")


def killed_hint(logs: Iterable[Path | str]) -> str:
    """Return what a killed job means, or nothing where Snakemake's logs tell of none.

    Args:
        logs: Snakemake's own logs of a run that failed.
    """
    if not any(KILLED.search(Path(log).read_text(encoding="utf-8", errors="replace")) for log in logs):
        return ""
    return (
        "\nERROR: a job was killed from outside, most likely by the kernel because the machine is out of memory (`dmesg | grep -i oom` tells): "
        "run fewer jobs at once (--cores, --resources gpu=1), or lower train.micro_batch_size; finished work is kept\n"
    )
