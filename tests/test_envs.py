"""The locks and what stands beside them say the same."""

import re
import subprocess
import sys

import pytest
import yaml
from conftest import REPOSITORY

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


@pytest.mark.parametrize("name", ["cpu.txt", "gpu.txt"])
def test_a_lock_has_hashes_and_no_urls(name: str):
    text = (ENVS / name).read_text(encoding="utf-8")
    assert "://" not in text
    for block in re.split(r"\n(?=\S)", text.strip()):
        assert "--hash=sha256:" in block, block


@pytest.mark.parametrize("name", ["cpu", "gpu"])
def test_conda_pins_agree_with_the_lock(name: str):
    environment = yaml.safe_load((ENVS / f"conda-{name}.yaml").read_text(encoding="utf-8"))
    packages = next(entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    assert len(packages) > 25
    assert {tuple(package.split("==")) for package in packages} <= pins(f"{name}.txt")
    asked = {
        re.match(r"[A-Za-z0-9._-]+", line).group(0) for line in (ENVS / "requirements.in").read_text().splitlines() if line and line[0].isalpha()
    }
    assert asked <= {package.split("==")[0] for package in packages}


def test_the_installed_packages_are_the_locked_ones():
    listed = subprocess.run([sys.executable, "-m", "pip", "list", "--format=json"], capture_output=True, text=True, check=True)
    import json

    installed = {entry["name"].lower().replace("_", "-"): entry["version"].split("+")[0] for entry in json.loads(listed.stdout)}
    locked = {}
    for name, version in pins("gpu.txt") | pins("cpu.txt"):
        locked.setdefault(name, set()).add(version)
    checked = [name for name in installed if name in locked]
    assert len(checked) > 80
    for name in checked:
        assert installed[name] in locked[name], name
