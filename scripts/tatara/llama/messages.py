"""What llama.cpp reports of its faults, in the log of the job."""

import logging
from functools import cache

import llama_cpp

logger = logging.getLogger("tatara")
ERROR, CONTINUED = 4, 5  # ggml_log_level


@cache
def show_errors() -> None:
    """Let llama.cpp's errors go to the log, and nothing else.

    llama-cpp-python 0.3.36 numbers the levels as they were once: a model loaded with verbose=False prints warnings and
    loses errors, such as what a CUDA call said before it ended the process.
    """
    fault = False

    @llama_cpp.llama_log_callback
    def report(level: int, text: bytes, _data) -> None:
        nonlocal fault
        fault = level == ERROR or (fault and level == CONTINUED)
        if fault and (words := text.decode("utf-8", "replace").strip()):
            logger.error("llama.cpp: %s", words)

    show_errors.kept = report  # llama.cpp holds its address alone
    llama_cpp.llama_log_set(report, None)
