"""What llama.cpp reports of its faults, in the log of the job."""

import logging

import llama_cpp

logger = logging.getLogger("tatara")
ERROR, CONTINUED = 4, 5  # ggml_log_level
_open = False  # whether the last message was of a fault, which another one may continue


@llama_cpp.llama_log_callback
def _report(level: int, text: bytes, _data) -> None:
    global _open
    _open = level == ERROR or (_open and level == CONTINUED)
    if _open and (words := text.decode("utf-8", "replace").strip()):
        logger.error("llama.cpp: %s", words)


def show_errors() -> None:
    """Let llama.cpp's errors go to the log, and nothing else.

    llama-cpp-python 0.3.36 numbers the levels as they were once: a model loaded with verbose=False prints warnings and
    loses errors, such as what a CUDA call said before it ended the process.
    """
    llama_cpp.llama_log_set(_report, None)
