"""Bad input stops before any training, with one clear message."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pipeline_copy import REPOSITORY, Copy


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def refused(copy: Copy, *parts: str) -> str:
    """Run everything; it must stop before any model is made, and say each of `parts`."""
    done = copy.snakemake("all", "--cores", "2")
    assert done.returncode != 0
    assert "Traceback" not in done.stdout, done.stdout
    for part in parts:
        assert part in done.stdout, done.stdout
    assert not (copy.folder / "results/base").exists()
    assert not (copy.folder / "results/adapters").exists()
    return done.stdout


def test_mistakes_in_two_files_of_the_graph_are_told_at_once(copy: Copy):
    file = copy.folder / "resources/graph/relations_structure.csv"
    lines = file.read_text(encoding="utf-8").splitlines()
    lines[4] = "std-survey,ch-nowhere-99,HAS_CHAPTER,,,,"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    replace(copy.folder / "resources/graph/relations_domain.csv", ",MITIGATES,", ",MITIGATE,")
    refused(
        copy,
        "relations_structure.csv:5",
        "ch-nowhere-99",
        "dangling",
        "relations_domain.csv:",
        "unknown relation type MITIGATE",
        "MITIGATES",
    )


def test_a_broken_jsonl_line(copy: Copy):
    file = copy.folder / "resources/testset/test_set_200.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines()
    lines[6] = lines[6][:-3]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    refused(copy, "test_set_200.jsonl:7", "not JSON")


def test_an_unknown_config_key(copy: Copy):
    replace(copy.folder / "config/smoke.yaml", "stage1:\n", "stage1:\n  rnk: 8\n")
    refused(copy, "unknown config key stage1.rnk")


def test_a_subset_larger_than_the_pool(copy: Copy):
    replace(copy.folder / "config/smoke.yaml", "sizes: [16, 24]", "sizes: [16, 6000]")
    refused(copy, "6000", "5169", "subsets.sizes")


@pytest.mark.parametrize(
    ("source", "found"),
    [("{}", "names none"), ("{path: {file: x}, hub: {repo: a/b, revision: main}}", "names 2 (hub, path)")],
)
def test_a_model_with_no_source_or_two(copy: Copy, source: str, found: str):
    config = copy.folder / "config/smoke.yaml"
    text = config.read_text(encoding="utf-8")
    start = text.index("    source:\n      scratch:")
    config.write_text(text[:start] + f"    source: {source}\n" + text[text.index("  tanuki:") :], encoding="utf-8")
    refused(copy, "models.llama.source", found, "hub, path, scratch")


@pytest.mark.parametrize(("present", "missing"), [(["cmake"], "no C++ compiler found"), (["c++"], "cmake not found")])
def test_a_missing_tool_is_named_with_its_remedy(tmp_path, present: list[str], missing: str):
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in present:
        (programs / name).write_text("#!/bin/sh\n")
        (programs / name).chmod(0o755)
    environment = {key: value for key, value in os.environ.items() if key != "CXX"} | {"PATH": str(programs)}
    command = [sys.executable, REPOSITORY / "tools/setup.py", "--venv", tmp_path / "venv", "--device", "cpu"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert missing in done.stderr
    assert "apt-get install" in done.stderr
    assert not (tmp_path / "venv").exists()
