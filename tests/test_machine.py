"""A disk that runs full behind llama.cpp's tools, and tools that are killed: said with what to do, and nothing
half-written is taken for a result.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import mounts
import numpy
import psutil
import pytest
from gguf import GGUFWriter
from pipeline_copy import ENVIRONMENT, Copy, at_work, kill
from tatara.llama import tools


def test_an_importance_matrix_that_did_not_fit_on_the_disk_is_no_result(disturbed: Copy, tmp_path):
    """llama-imatrix ends with status 0 when its file was cut by a full disk."""
    if reason := mounts.missing():
        pytest.skip(reason)
    target = disturbed.folder / "results/quant/llama-imatrix.gguf"
    expected, half = hashlib.sha256(target.read_bytes()).hexdigest(), target.stat().st_size // 2
    for name in (
        "quant/llama-imatrix.gguf",
        "quant/llama-imatrix.txt",
        "logs/imatrix_llama.log",
        "benchmarks/imatrix_llama.tsv",
    ):
        (disturbed.folder / "results" / name).unlink()
    size = sum(file.stat().st_size for file in disturbed.folder.joinpath("results").rglob("*")) + 32 * 2**20
    (tmp_path / "disk").mkdir()
    with mounts.mounted(tmp_path / "disk", "-t", "tmpfs", "-o", f"size={size}", "tatara-fault"):
        shutil.move(disturbed.folder / "results", tmp_path / "disk/results")
        (disturbed.folder / "results").symlink_to(tmp_path / "disk/results")
        ballast = tmp_path / "disk/ballast"
        ballast.write_bytes(bytes(shutil.disk_usage(tmp_path / "disk").free - half))
        done = disturbed.snakemake("results/quant/llama-imatrix.gguf", "--cores", "1")
        assert done.returncode != 0
        assert "is full: free some space and run again" in done.stdout, done.stdout[-3000:]
        assert not list(target.parent.glob("*imatrix*.gguf"))
        ballast.unlink()
        done = disturbed.snakemake("results/quant/llama-imatrix.gguf", "--cores", "1")
        assert done.returncode == 0, done.stdout[-3000:]
        assert hashlib.sha256(target.read_bytes()).hexdigest() == expected


def test_a_job_that_was_killed_is_explained_and_another_error_is_not(disturbed: Copy):
    target = "results/gguf/llama-q4.gguf"
    (disturbed.folder / target).unlink()
    said = disturbed.folder / "said"
    with said.open("w") as output:
        run = subprocess.Popen(
            disturbed.command(target, "--cores", "1"),
            cwd=disturbed.folder,
            env=ENVIRONMENT,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            root, job = psutil.Process(run.pid), None
            while not job:
                assert run.poll() is None, said.read_text()
                job = at_work(root, "quantize.py")
            job.kill()
            assert run.wait(60) != 0
        finally:
            if run.poll() is None:
                kill(run)
    assert (
        "ERROR: a job was killed from outside, most likely by the kernel because the machine is out of memory"
        in said.read_text()
    )
    (disturbed.folder / "results/gguf/llama-f16.gguf").write_bytes(b"")
    done = disturbed.snakemake(target, "--cores", "1")
    assert done.returncode != 0
    assert "a job was killed" not in done.stdout and "TypeError" not in done.stdout


def write_gguf(path: Path) -> None:
    writer = GGUFWriter(path, "llama")
    writer.add_tensor("weight", numpy.ones((64, 64), dtype=numpy.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def test_a_tool_that_says_all_is_well_is_believed_only_when_its_file_is_whole(tmp_path):
    file = tmp_path / "made.gguf"
    write_gguf(file)
    tools.run_tool(["true"], "quantize", file)
    for size in (file.stat().st_size - 1, 100, 0):
        with file.open("r+b") as cut:
            cut.truncate(size)
        with pytest.raises(RuntimeError, match=r"made\.gguf and said that all is well, but the file is not whole"):
            tools.run_tool(["true"], "quantize", file)


def test_a_tool_that_is_killed_has_refused_nothing(tmp_path):
    """Else a full disk or the kernel's killer would stand in the study as what the converter says of a tokenizer."""
    killed = [sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"]
    with pytest.raises(MemoryError, match="convert was killed by signal 9"):
        tools.run_tool(killed, "convert", tmp_path / "made.gguf")
    full = [sys.executable, "-c", "raise OSError(28, 'No space left on device')"]
    with pytest.raises(OSError, match="No space left on device") as error:
        tools.run_tool(full, "convert", tmp_path / "made.gguf")
    assert error.value.filename == str(tmp_path / "made.gguf")
    with pytest.raises(tools.ConversionRefused, match="convert ended with status 1: unknown tokenizer"):
        tools.run_tool(
            [sys.executable, "-c", "raise SystemExit('unknown tokenizer')"], "convert", tmp_path / "made.gguf"
        )
