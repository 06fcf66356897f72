"""What surrounds a run: environment variables and folders that the user names, looked at before the first job."""

import os
import re
import sys
from pathlib import Path

from tatara.job import llama_home
from tatara.job.digests import REPOSITORY
from tatara.job.errors import InputError
from tatara.job.scratch_folder import unfinished

CUDA_GRAPHS = "TATARA_CUDA_GRAPHS"  # 1: llama.cpp may use CUDA graphs
# Snakemake writes the interpreter's path into a shell command as it is, and make splits paths at spaces.
UNFIT = re.compile(r"[^\w@%+=,./-]")


def check_environment_folder(folder: Path) -> None:
    """Look whether programs of an environment in this folder can be started by make and by Snakemake.

    Raises:
        InputError: its path has a character that has a meaning in a shell.
    """
    if unfit := "".join(sorted(set(UNFIT.findall(str(folder))))):
        raise InputError(
            f"the environment's folder is {str(folder)!r}, and neither make nor Snakemake can start programs in a path "
            f"with {unfit!r}. Name another folder of yours in TATARA_VENV (export TATARA_VENV=/opt/tatara, say) and "
            "start again"
        )


def check_environment(jobs_run_here: bool) -> None:
    """Look whether the folders of a run are usable; give every job's Python UTF-8 as its encoding, and take CUDA graphs
    from its llama.cpp.

    Args:
        jobs_run_here: False where the jobs go to other machines, whose disks cannot be seen from here; they look
            themselves.

    Raises:
        InputError: names the environment variable or the folder, and what to do.
    """
    os.environ["PYTHONUTF8"] = "1"  # libraries open files in the locale's encoding, which may have no Japanese
    if os.environ.get(CUDA_GRAPHS) != "1":
        os.environ["GGML_CUDA_DISABLE_GRAPHS"] = "1"  # llama.cpp's; docs/inference.md says what they did
    check_environment_folder(Path(sys.executable).parent.parent)
    if re.search(r"[{}]", way := os.path.relpath(REPOSITORY)):
        raise InputError(
            f"the pipeline lies in {way}, seen from the working directory {Path.cwd()}, and Snakemake takes braces "
            f"in a path for wildcards. Work in a folder below {REPOSITORY}, as `make run` does, or rename the folder"
        )
    if os.environ.get("TATARA_LLAMA_CPP"):
        llama_home.home()
    if jobs_run_here:
        unfinished("")
