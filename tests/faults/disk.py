"""Let the disk run full at each stage of the smoke run, free it, run again, and compare with an undisturbed run, file
by file. Needs root (mounts).

Usage: python tests/faults/disk.py [--undisturbed FOLDER] [--output disk.csv] [STAGE …]

For each stage the results of the finished study are copied to a small disk (tmpfs); what one job of the stage makes is
removed, and the disk is filled but for half of that. The job has to end with the word that the disk is full, and leave
nothing that could be taken for a result; with the disk freed, the next run has to end well and equal. At last a disk
with no byte left holds all of the study's folder, Snakemake's records included.
"""

import contextlib
import shutil
import sys
import tempfile
from pathlib import Path

from campaign import Table, again, chosen, needs_mounts, parser, run, undisturbed
from mounts import mounted

# stage -> what one job of it makes, below results/
STAGES = {
    "graph": ["graph/*.csv"],
    "pairs": ["qa/qa_pairs.jsonl"],
    "pool": ["qa/pool.jsonl"],
    "subsets": ["subsets/subset_merged_*.jsonl", "subsets/quality.csv"],
    "testset": ["testset/*"],
    "base": ["base/llama"],
    "training": ["adapters/llama_n24_r16_s42/*"],
    "scale": ["scale/*", "subsets/subset_selected.jsonl"],
    "merge": ["merged/llama"],
    "convert": ["gguf/llama-f16.gguf"],
    "quantize": ["gguf/llama-q4.gguf"],
    "parity": ["gguf/llama-parity.json"],
    "imatrix": ["quant/llama-imatrix.*"],
    "ladder": ["quant/llama.json", "quant/llama_seconds.csv"],
    "likelihood of merges": ["quant/llama-merge.json"],
    "answers": ["answers/llama_q4*"],
    "answers nf4": ["answers/tanuki_nf4*"],
    "likelihood": ["nll/llama_q4.json"],
    "judge": ["judge/rubric/llama_q4.csv"],
    "table": ["tables/table2.*"],
    "figure": ["figures/fig06_scale_nll.*"],
    "card": ["deploy/llama-q4/README.md"],
    "data page": ["data.html"],
    "report": ["report.html"],
}
SPARE = 96 * 2**20  # the disk is this much larger than the study, so that a whole run fits
PAGE = 4096
ROOMLESS = (
    "everything"  # the stage in which nothing is left on the disk of the whole folder, Snakemake's records included
)


def size(path: Path) -> int:
    return sum(file.stat().st_blocks * 512 for file in [path, *path.rglob("*")] if not file.is_symlink())


def main() -> int:
    stages = [*STAGES, ROOMLESS]
    arguments = parser(__doc__, "disk.csv", stages).parse_args()
    needs_mounts()
    table = Table(
        arguments.output,
        "stage",
        "bytes_made",
        "bytes_left",
        "status",
        "said",
        "spoilt_files",
        "second_run",
        "different_files",
    )
    with undisturbed(arguments.undisturbed) as made, tempfile.TemporaryDirectory() as scratch:
        for stage in chosen(arguments, stages):
            folder, disk, log = Path(scratch, "study"), Path(scratch, "disk"), Path(scratch, "log")
            names = STAGES.get(stage, STAGES["report"])
            wanted = sum(size(path) for name in names for path in made.results.glob(name))
            left = wanted // 2 // PAGE * PAGE if stage in STAGES else 0
            disk.mkdir(exist_ok=True)
            with mounted(disk, "-t", "tmpfs", "-o", f"size={size(made.folder) + SPARE}", "tatara-fault"):
                if stage in STAGES:
                    made.copy(folder)
                    shutil.move(folder / "results", disk / "results")
                    (folder / "results").mkdir()
                    place = mounted(folder / "results", "--bind", disk / "results")
                else:
                    folder, place = made.copy(disk / "study"), contextlib.nullcontext()
                with place:
                    target = made.remove(folder, names)
                    # Logs and times of the run before would be removed when the job begins, and give it room.
                    shutil.rmtree(folder / "results/logs")
                    shutil.rmtree(folder / "results/benchmarks")
                    with (disk / "ballast").open("wb") as ballast:
                        ballast.write(b"\0" * (shutil.disk_usage(disk).free - left))
                    status, said = run(folder, log, target)
                    spoilt = made.spoilt(folder)
                    (disk / "ballast").unlink()
                    good, second, different, said_again = again(made, folder, log, target)
                    if good:
                        good, second, different, said_again = again(made, folder, log)
            told = f"the disk of {folder}" in said and "is full" in said
            word = (
                "the disk of … is full"
                if told
                else "No space left on device"
                if "No space left on device" in said
                else "nothing"
            )
            table.add(
                bool(status) and (told or (stage == ROOMLESS and word != "nothing")) and not spoilt and good,
                stage,
                wanted,
                left,
                status,
                word,
                " ".join(spoilt),
                second,
                " ".join(different),
                said=said + said_again,
            )
            shutil.rmtree(folder, ignore_errors=True)
    return table.end()


if __name__ == "__main__":
    sys.exit(main())
