"""What every script does around its one call: the log, the threads, a clean end on bad input."""

import contextlib
import logging
import os
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from tatara import seals
from tatara.errors import InputError
from tatara.gpus import own
from tatara.trouble import machine_trouble

logger = logging.getLogger("tatara")


@contextlib.contextmanager
def job(log: str, inputs: Iterable[str], outputs: Iterable[str], *, threads: int = 1, online: bool = False, gpus: int = 0) -> Iterator[None]:
    """Log to the rule's log file and to the terminal, check the inputs' seals, seal the outputs; end with one clear message on bad input.

    Args:
        log: path of the log file.
        inputs, outputs: the rule's; an input that is no longer what its own rule wrote stops the job (`seals`).
        threads: CPU threads of the numeric libraries.
        online: True lets the hub be asked, for a model that the config takes from there.
        gpus: GPUs that the rule asks for; the job sees no others.
    """
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(threads)
    # Nothing is fetched and nothing reported unless a rule asks for it.
    os.environ["HF_HUB_OFFLINE"] = "0" if online else "1"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    # On a GPU torch's memory grows in place: rows of every length come by and leave no holes between them.
    os.environ.setdefault("PYTORCH_ALLOC_CONF", "expandable_segments:True")
    Path(log).parent.mkdir(parents=True, exist_ok=True)
    handlers = [logging.FileHandler(log, mode="w", encoding="utf-8"), logging.StreamHandler(sys.stderr)]
    logging.raiseExceptions = False  # a log that does not fit on its disk is no reason to drown the terminal
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", handlers=handlers, force=True)
    for noisy in ("httpx", "matplotlib", "datasets", "gguf"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    start = time.monotonic()
    try:
        seals.check(inputs)
        with own(gpus):
            yield
        seals.seal(outputs)
    except InputError as error:
        logger.error("\nERROR: %s\n", error)
        sys.exit(1)
    except Exception as error:
        logger.exception("failed; this log is %s", log)
        if remedy := machine_trouble(error, log):
            logger.error("\nERROR: %s\n", remedy)
        sys.exit(1)
    logger.info("done in %.1f s", time.monotonic() - start)
