"""Make results read-only, see that the run says so, make them writable, run again, and compare with an undisturbed run.
Needs root (mounts).

Usage: python tests/faults/readonly.py [--undisturbed FOLDER] [--output readonly.csv] [FOLDER …]
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from campaign import Table, again, chosen, needs_mounts, parser, run, undisturbed
from mounts import mounted

# folder below results/ that cannot be written -> what is missing, in it or for a job that writes there
FOLDERS = {
    "subsets": ["subsets/subset_merged_*.jsonl"],
    "checkpoints": ["adapters/llama_n24_r16_s42/*"],
    "gguf": ["gguf/llama-q4.gguf"],
    "quant": ["quant/llama-imatrix.*"],
    "answers": ["answers/llama_q4*"],
    "judge": ["judge/judge_llama_q4.csv"],
    "tables": ["tables/table2.*"],
    "figures": ["figures/fig06_scale_nll.*"],
    "seals": ["tables/table2.*"],
    "logs": ["tables/table2.*"],
    ".": ["report.html"],
}
TOLD = "cannot be written|Read-only file system|Write-protected output files"


def main() -> int:
    arguments = parser(__doc__, "readonly.csv", FOLDERS).parse_args()
    needs_mounts()
    table = Table(arguments.output, "folder", "status", "said", "second_run", "different_files")
    with undisturbed(arguments.undisturbed) as made, tempfile.TemporaryDirectory() as scratch:
        for name in chosen(arguments, FOLDERS):
            folder, log = made.copy(Path(scratch, f"study-{name}")), Path(scratch, "log")
            target = made.remove(folder, FOLDERS[name])
            place = folder / "results" / name
            place.mkdir(exist_ok=True)
            with mounted(place, "--bind", place):
                subprocess.run(["mount", "-o", "remount,ro,bind", place], check=True)
                status, said = run(folder, log, target)
            # Snakemake says it in its own words where it looks at outputs and logs before the job begins.
            line = next((line.strip() for line in said.splitlines() if re.search(TOLD, line)), "nothing").replace(
                f"{folder}/", ""
            )
            good, second, different, said_again = again(made, folder, log, target)
            told = line != "nothing" and f"results/{name}".removesuffix("/.") in said
            table.add(
                bool(status) and told and good,
                f"results/{name}",
                status,
                line,
                second,
                " ".join(different),
                said=said + said_again,
            )
    return table.end()


if __name__ == "__main__":
    sys.exit(main())
