"""Where llama.cpp lies: the one build that the set-up made, or a folder that the user names."""

import os
import sys
from pathlib import Path

from tatara.job.errors import InputError


def home() -> Path:
    """Return llama.cpp's folder with `source/` (the sdist of llama-cpp-python) and `build/bin/` in it.

    Raises:
        InputError: there is none.
    """
    folder = Path(os.environ.get("TATARA_LLAMA_CPP") or Path(sys.prefix) / "llama.cpp")
    if not folder.is_dir():
        raise InputError(
            f"no llama.cpp in {folder}: run `make setup`, or name its folder in the environment variable "
            "TATARA_LLAMA_CPP"
        )
    return folder


def tool(name: str) -> Path:
    """Return the path of one of llama.cpp's programs, such as `llama-quantize`."""
    path = home() / "build" / "bin" / name
    if not path.is_file():
        raise InputError(f"{path} is missing: run `make setup` to build llama.cpp's tools")
    return path


def source() -> Path:
    """Return llama.cpp's source tree, where the converter lies."""
    return home() / "source" / "vendor" / "llama.cpp"
