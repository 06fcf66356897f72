"""Write the conda environment files from the locks: the tools from conda-forge, the Python packages by pip at the locked versions.

Usage: python envs/conda.py   (part of `make lock`)
"""

import re
from pathlib import Path

ENVS = Path(__file__).resolve().parent
HEAD = """# Written by envs/conda.py from {lock}; do not edit. The direct dependencies at the locked versions, and what builds llama.cpp.
# llama.cpp's tools come from `make setup`: export TATARA_LLAMA_CPP=PATH/TO/.venv/llama.cpp
name: tatara-{name}
channels:
  - conda-forge
  - nodefaults
dependencies:
  - python=3.11
  - cxx-compiler
  - cmake
  - git
  - pip
  - pip:
"""


def direct(file: Path) -> list[str]:
    """Return the names that a requirements.in asks for, those of files it includes first."""
    names = []
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.startswith("-r "):
            names += direct(file.parent / line[3:].strip())
        elif line and not line.startswith("#"):
            names.append(re.match(r"[A-Za-z0-9._-]+", line).group(0).lower())
    return names


def pins(lock: Path) -> dict[str, str]:
    """Return name -> version of a lock file; where markers give a name several versions, the one for Python 3.11 on Linux."""
    found = {}
    for line in lock.read_text(encoding="utf-8").splitlines():
        entry = re.match(r"([A-Za-z0-9._-]+)==([^\s;\\]+)(?: ; ([^\\]+))?", line)
        if entry and (entry[1] not in found or "python_full_version < '3.12'" in (entry[3] or "")):
            found[entry[1]] = entry[2]
    return found


def environment(name: str) -> str:
    """Return the text of a conda environment file, `cpu` or `gpu`."""
    lock = pins(ENVS / f"{name}.txt")
    source = ENVS / ("gpu.in" if name == "gpu" else "requirements.in")
    return HEAD.format(lock=f"envs/{name}.txt", name=name) + "".join(f"      - {package}=={lock[package]}\n" for package in direct(source))


if __name__ == "__main__":
    for name in ("cpu", "gpu"):
        (ENVS / f"conda-{name}.yaml").write_text(environment(name), encoding="utf-8")
