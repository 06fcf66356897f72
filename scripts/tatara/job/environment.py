"""What the user names in environment variables, looked at before the first job."""

import os

from tatara.job import llama_home
from tatara.job.scratch_folder import unfinished


def check_environment(jobs_run_here: bool) -> None:
    """Look whether what TATARA_LLAMA_CPP and TATARA_SCRATCH name is there.

    Args:
        jobs_run_here: False where the jobs go to other machines, whose disks cannot be seen from here; they look
            themselves.

    Raises:
        InputError: names the variable, and what to do.
    """
    if os.environ.get("TATARA_LLAMA_CPP"):
        llama_home.home()
    if jobs_run_here:
        unfinished("")
