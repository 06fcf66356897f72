"""Take memory away from training, give it back, run again, and compare with an undisturbed run. Needs root (control groups).

Usage: python tests/faults/memory.py [--undisturbed FOLDER] [--output memory.csv]

Snakemake and its jobs run in a control group whose memory is less than one training takes: the kernel ends the training, as it would on a
machine that is too small. The run has to say so.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from campaign import Table, again, command, needs_root, parser, undisturbed

MISSING = ["adapters/llama_n24_r16_s42/*"]
LIMITS = (600, 800)  # MiB; a training of the smoke run takes about 1,100, Snakemake itself about 200


def group(name: str) -> tuple[Path, str]:
    """Make a control group for memory; return it and the name of its limit."""
    old, new = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")
    parent, limit = (old, "memory.limit_in_bytes") if old.is_dir() else (new, "memory.max")
    folder = parent / name
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        sys.exit(f"no control group can be made here ({error}): run on a machine whose memory controller is yours to use")
    if not (folder / limit).exists():
        folder.rmdir()
        sys.exit(f"{folder} has no {limit}: the memory controller is not switched on for this group (cgroup.subtree_control of {parent})")
    return folder, limit


def main() -> int:
    arguments = parser(__doc__, "memory.csv").parse_args()
    needs_root("a control group")
    table = Table(arguments.output, "limit_mib", "status", "said", "second_run", "different_files")
    with undisturbed(arguments.undisturbed) as made, tempfile.TemporaryDirectory() as scratch:
        for mib in LIMITS:
            folder, log = made.copy(Path(scratch, f"study-{mib}")), Path(scratch, "log")
            made.remove(folder, MISSING)
            place, limit = group(f"tatara-fault-{os.getpid()}")
            try:
                (place / limit).write_text(str(mib * 2**20))
                script = f'echo $$ > {place}/cgroup.procs && exec "$@"'
                with log.open("w") as output:
                    status = subprocess.run(["sh", "-c", script, "sh", *command()], cwd=folder, stdout=output, stderr=subprocess.STDOUT).returncode
                said = log.read_text(errors="replace")
            finally:
                place.rmdir()
            told = "out of memory" in said
            good, second, different, said_again = again(made, folder, log)
            word = "out of memory" if told else "nothing"
            table.add(bool(status) and told and good, mib, status, word, second, " ".join(different), said=said[-6000:] + said_again[-500:])
    return table.end()


if __name__ == "__main__":
    sys.exit(main())
