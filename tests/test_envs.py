"""The locks and what stands beside them say the same."""

import importlib.metadata
import os
import re
import subprocess
from collections import defaultdict

import pytest
import setup
from pipeline_copy import REPOSITORY

ENVS = REPOSITORY / "envs"
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)(?: ; ([^\\\n]+?))?\s*\\?$", re.MULTILINE)


def pins(name: str) -> set[tuple[str, str]]:
    return {(entry[0], entry[1]) for entry in PIN.findall((ENVS / name).read_text(encoding="utf-8"))}


def test_cpu_and_gpu_share_every_common_pin():
    cpu, gpu = pins("cpu.txt"), pins("gpu.txt")
    assert len(cpu) > 100
    common = {name for name, _ in cpu} & {name for name, _ in gpu}
    assert {pin for pin in cpu if pin[0] in common} == {pin for pin in gpu if pin[0] in common}
    assert ("unsloth", "2026.10.9") in gpu


@pytest.mark.parametrize("name", ["cpu.txt", "gpu.txt", "lm_eval.txt"])
def test_a_lock_has_hashes_and_no_urls(name: str):
    text = (ENVS / name).read_text(encoding="utf-8")
    assert "://" not in text
    for block in re.split(r"\n(?=\S)", text.strip()):
        assert "--hash=sha256:" in block, block


@pytest.mark.parametrize("name", ["cpu.txt", "gpu.txt"])
def test_a_lock_has_what_is_asked_for(name: str):
    lines = (ENVS / "requirements.in").read_text(encoding="utf-8").splitlines()
    asked = {re.match(r"[A-Za-z0-9._-]+", line)[0] for line in lines if line and line[0].isalpha()}
    assert len(asked) > 30
    assert asked <= {package for package, _ in pins(name)}


def test_the_installed_packages_are_the_locked_ones():
    locked = defaultdict(set)
    for name, version in pins("gpu.txt") | pins("cpu.txt"):
        locked[name].add(version)
    installed = {
        distribution.name.lower().replace("_", "-"): distribution.version.split("+")[0]
        for distribution in importlib.metadata.distributions()
    }
    checked = installed.keys() & locked.keys()
    assert len(checked) > 80
    assert {name: installed[name] for name in checked if installed[name] not in locked[name]} == {}


def test_a_cuda_build_shares_the_c_plus_plus_library(tmp_path, monkeypatch):
    """Even where a toolchain would link it statically, as some do that come with CUDA."""
    (tmp_path / "nvcc").write_text("#!/bin/sh\n")
    (tmp_path / "nvcc").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    flags = setup.Setup(tmp_path, gpu=True, torch_index=None, jobs=1).cmake_flags()
    linking = {re.match("-DCMAKE_(.*)_LINKER_FLAGS=(.*)", flag).groups() for flag in flags if "LINKER_FLAGS" in flag}
    assert linking == {("SHARED", setup.SHARED_CPP_LIBRARY), ("EXE", setup.SHARED_CPP_LIBRARY)}
    source = "#include <iostream>\nint main() { std::cout << std::locale().name() << std::endl; }"
    command = ["c++", "-x", "c++", "-", "-static-libstdc++", "-o", tmp_path / "probe"]
    subprocess.run([*command, setup.SHARED_CPP_LIBRARY], input=source, text=True, check=True)
    assert (
        "libstdc++.so.6"
        in subprocess.run(["ldd", tmp_path / "probe"], capture_output=True, text=True, check=True).stdout
    )
    subprocess.run(command, input=source, text=True, check=True)
    assert (
        "libstdc++.so.6"
        not in subprocess.run(["ldd", tmp_path / "probe"], capture_output=True, text=True, check=True).stdout
    )
