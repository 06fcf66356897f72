"""Let the disk run full at each stage of the smoke run, free it, run again, and compare with an undisturbed run, file by file. Needs root (mounts).

Usage: python tests/faults/disk.py [--undisturbed FOLDER] [--output disk.csv]

For each stage the finished study is copied to a small disk (tmpfs), what the stage makes is removed, and the disk is filled until half of that
would fit. The run has to end with the word that the disk is full; with the disk freed, the next one has to end well and equal.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from campaign import Table, again, needs_root, parser, run, undisturbed

# stage -> what it makes, below results/
STAGES = {
    "pairs": ["qa/pool.jsonl"], "subsets": ["subsets/subset_merged_*.jsonl"], "base": ["base/llama"], "training": ["adapters/llama_n24_r16_s42"],
    "merge": ["merged/llama"], "convert": ["gguf/llama-f16.gguf"], "quantize": ["gguf/llama-q4.gguf"], "imatrix": ["quant/llama-imatrix.gguf"],
    "ladder": ["quant/llama.json"], "answers": ["answers/llama_q4.jsonl"], "answers nf4": ["answers/tanuki_nf4.jsonl"],
    "likelihood": ["nll/llama_q4.json"], "judge": ["judge/rubric/llama_q4.csv"], "scale": ["scale/scale.csv"], "table": ["tables/table2.csv"],
    "figure": ["figures/fig06_scale_nll.png"], "report": ["report.html"],
}  # fmt: skip
SPARE = 64 * 2**20  # the disk is this much larger than the study, so that a whole run fits
LEAST = 16 * 2**10  # bytes that are left in any case: Snakemake notes there what it begins


def size(path: Path) -> int:
    return sum(file.stat().st_blocks * 512 for file in [path, *path.rglob("*")] if not file.is_symlink())


def main() -> int:
    options = parser(__doc__, "disk.csv")
    options.add_argument("stages", nargs="*", metavar="STAGE", help=f"one of: {', '.join(STAGES)} (all)")
    arguments = options.parse_args()
    needs_root("mounting a small disk")
    table = Table(arguments.output, "stage", "bytes_left", "status", "said", "second_run", "different_files")
    with undisturbed(arguments.undisturbed) as made, tempfile.TemporaryDirectory() as scratch:
        for stage in arguments.stages or STAGES:
            disk, log = Path(scratch, "disk"), Path(scratch, "log")
            disk.mkdir(exist_ok=True)
            whole = size(made.folder)
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={whole + SPARE}", "tatara-fault", disk], check=True)
            try:
                folder = made.copy(disk / "study")
                wanted = sum(size(path) for name in STAGES[stage] for path in (folder / "results").glob(name))
                made.remove(folder, STAGES[stage])
                left = max(LEAST, wanted // 2)
                with (disk / "ballast").open("wb") as ballast:
                    ballast.write(b"\0" * max(0, shutil.disk_usage(disk).free - left))
                status, said = run(folder, log)
                told = "is full" in said or "No space left on device" in said
                (disk / "ballast").unlink()
                good, second, different, said_again = again(made, folder, log)
                word = "the disk is full" if "is full" in said else "No space left on device" if told else "nothing"
                table.add(bool(status) and told and good, stage, left, status, word, second, " ".join(different), said=said + said_again)
            finally:
                subprocess.run(["umount", "-l", disk], check=True)
    return table.end()


if __name__ == "__main__":
    sys.exit(main())
