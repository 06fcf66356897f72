"""Damage a file of a finished smoke run, let a job read it, do what the error says, run again, and compare with an
undisturbed run.

Usage: python tests/faults/damage.py [--undisturbed FOLDER] [--output damage.csv] [FILE …]

A damaged file keeps its time, as after a crash of the machine, so that Snakemake sees nothing. What reads it is
removed. It has to be named, and refused, never used.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from campaign import Copy, Table, Undisturbed, again, chosen, parser, run, undisturbed

HALF, NOTHING = "cut in the middle", "zero bytes"
# file below results/, damage, what of its readers' is removed
CASES = [
    ("gguf/llama-f16.gguf", HALF, ["gguf/llama-q4.gguf"]),
    ("gguf/llama-q4.gguf", HALF, ["answers/llama_q4.jsonl"]),
    ("base/llama/model.safetensors", HALF, ["adapters/llama_n24_r16_s42/*"]),
    ("base/tanuki/tokenizer.json", HALF, ["nll/tanuki_nf4.json"]),
    ("merged/llama/model.safetensors", HALF, ["gguf/llama-f16.gguf"]),
    ("adapters/llama_n24_r16_s42/adapter_model.safetensors", HALF, ["nll/llama_n24_r16_s42.json"]),
    ("adapters/llama_n24_r16_s42/train.json", HALF, ["tables/table1.csv"]),
    ("qa/pool.jsonl", HALF, ["subsets/subset_merged_*.jsonl"]),
    ("subsets/subset_merged_24.jsonl", HALF, ["adapters/llama_n24_r16_s42/*"]),
    ("testset/test_set_200.jsonl", HALF, ["answers/llama_q4.jsonl"]),
    ("answers/llama_q4.jsonl", HALF, ["judge/rubric/llama_q4.csv"]),
    ("graph/nodes.csv", HALF, ["figures/data05_graph.png"]),
    ("quant/llama-imatrix.gguf", NOTHING, ["quant/llama.json"]),
    ("nll/llama_q4.json", NOTHING, ["tables/table5.csv"]),
    ("judge/judge_llama_q4.csv", NOTHING, ["tables/table4.csv"]),
    ("scale/scale.csv", NOTHING, ["tables/table2.csv"]),
    ("tables/table2.csv", NOTHING, ["report.html"]),
]
# `Remove results/gguf/llama-q4.gguf and run again`
ADVICE = re.compile(r"Remove (results/\S+) and run again")

CHECKPOINT = ["adapter_model.safetensors", "optimizer.pt", "trainer_state.json", "seal.json"]
REMOVED = "incomplete, damaged or of other inputs: removed"


def damage_checkpoint(made: Undisturbed, folder: Path, log: Path, name: str, table: Table) -> None:
    """Kill a training after its first checkpoint, empty a file of each checkpoint, and run: they are removed, and the
    training begins anew.
    """
    copy = Copy.of(made.copy(folder))
    target = made.remove(folder, ["adapters/llama_n24_r16_s42/*"])
    checkpoints = folder / "results/checkpoints/llama_n24_r16_s42"
    copy.kill_when(target, lambda _: list(checkpoints.glob("checkpoint-*/seal.json")))
    for file in checkpoints.glob(f"checkpoint-*/{name}"):
        os.truncate(file, 0)
    subprocess.run([sys.executable, "tools/unlock.py", "."], cwd=folder, check=True)
    good, second, different, said = again(made, folder, log, target)
    told = REMOVED in said and "goes on from checkpoint-" not in said
    table.add(
        told and good,
        f"checkpoints/{name}",
        NOTHING,
        second,
        REMOVED if told else "nothing",
        second,
        " ".join(different),
        said=said,
    )


def main() -> int:
    names = [*(name for name, _, _ in CASES), *(f"checkpoints/{name}" for name in CHECKPOINT)]
    arguments = parser(__doc__, "damage.csv", names).parse_args()
    names = chosen(arguments, names)
    table = Table(arguments.output, "file", "damage", "status", "said", "second_run", "different_files")
    with undisturbed(arguments.undisturbed) as made, tempfile.TemporaryDirectory() as scratch:
        for name, damage, missing in (case for case in CASES if case[0] in names):
            folder, log = made.copy(Path(scratch, "study")), Path(scratch, "log")
            path = folder / "results" / name
            times = path.stat()
            os.truncate(path, times.st_size // 2 if damage == HALF else 0)
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
            target = made.remove(folder, missing)
            status, said = run(folder, log, target)
            named = re.search(rf"results/{re.escape(name)}: .*", said)
            advice = set(ADVICE.findall(said))
            for place in advice:
                shutil.rmtree(folder / place) if (folder / place).is_dir() else (folder / place).unlink(missing_ok=True)
            good, second, different, said_again = again(made, folder, log, target)
            word = named[0][len(f"results/{name}: ") :].split("; ")[0].split(". ")[0] if named else "nothing"
            table.add(
                bool(status and named and advice) and good,
                name,
                damage,
                status,
                word,
                second,
                " ".join(different),
                said=said + said_again,
            )
            shutil.rmtree(folder)
        for name in (name for name in CHECKPOINT if f"checkpoints/{name}" in names):
            damage_checkpoint(made, Path(scratch, "checkpoint"), Path(scratch, "log"), name, table)
            shutil.rmtree(Path(scratch, "checkpoint"))
    return table.end()


if __name__ == "__main__":
    sys.exit(main())
