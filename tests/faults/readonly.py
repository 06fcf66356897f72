"""Make results read-only, see that the run says so, make them writable, run again, and compare with an undisturbed run. Needs root (mounts).

Usage: python tests/faults/readonly.py [--undisturbed FOLDER] [--output readonly.csv]
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from campaign import Table, again, needs_root, parser, run, undisturbed

# folder below results/ that cannot be written -> what is missing in it
FOLDERS = {
    "subsets": ["subsets/subset_merged_*.jsonl"], "adapters": ["adapters/llama_n24_r16_s42/*"], "gguf": ["gguf/llama-q4.gguf"],
    "answers": ["answers/llama_q4.jsonl"], "judge": ["judge/judge_llama_q4.csv"], "tables": ["tables/table2.csv"],
    "figures": ["figures/fig06_scale_nll.png"], "logs": ["tables/table2.csv"], "": ["report.html"],
}  # fmt: skip


def main() -> int:
    options = parser(__doc__, "readonly.csv")
    options.add_argument("folders", nargs="*", metavar="FOLDER", help="only these folders below results/ (all)")
    arguments = options.parse_args()
    needs_root("a read-only mount")
    table = Table(arguments.output, "folder", "status", "said", "second_run", "different_files")
    with undisturbed(arguments.undisturbed) as made, tempfile.TemporaryDirectory() as scratch:
        for name in arguments.folders or FOLDERS:
            missing = FOLDERS[name]
            folder, log = made.copy(Path(scratch, f"study-{name}")), Path(scratch, "log")
            made.remove(folder, missing)
            place = folder / "results" / name
            subprocess.run(["mount", "--bind", place, place], check=True)
            try:
                subprocess.run(["mount", "-o", "remount,ro,bind", place], check=True)
                status, said = run(folder, log)
            finally:
                subprocess.run(["umount", "-l", place], check=True)
            told = "cannot be written" in said or "Read-only file system" in said
            good, second, different, said_again = again(made, folder, log)
            word = "cannot be written" if "cannot be written" in said else "Read-only file system" if told else "nothing"
            table.add(bool(status) and told and good, f"results/{name}", status, word, second, " ".join(different), said=said + said_again)
    return table.end()


if __name__ == "__main__":
    sys.exit(main())
