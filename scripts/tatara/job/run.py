"""What every script does around its one call: the log, the threads, a clean end on bad input."""

import contextlib
import logging
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tatara.job import seals
from tatara.job.errors import InputError
from tatara.job.file_modes import follow_umask
from tatara.job.gpus import MEMORY_LIMIT, own
from tatara.job.machine import machine_remedy
from tatara.job.one_process import only_process_of

logger = logging.getLogger("tatara")


@contextlib.contextmanager
def job(snakemake, *, online: bool = False) -> Iterator[None]:
    """Log to the rule's log file and to the terminal, check the inputs' seals, seal the outputs; end with one clear
    message on bad input.

    Args:
        snakemake: the object that Snakemake gives to a script. Its `threads` are those of the numeric libraries, its
            resource `gpu` is the number of GPUs that the job sees, `gpu_memory_gib` what it may take of their memory;
            an input that is no longer what its own rule wrote stops the job (`seals`).
        online: True lets the hub be asked, for a model that the config takes from there, unless the user has set
            HF_HUB_OFFLINE.
    """
    log = snakemake.log[0]
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(snakemake.threads)
    if limit := snakemake.resources.get("gpu_memory_gib"):
        os.environ[MEMORY_LIMIT] = str(limit)
    # Nothing is fetched and nothing reported unless a rule asks for it.
    if not online:
        os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    # Plain HTTP goes on where a download broke, and keeps no store of its own in the user's home.
    os.environ.setdefault("HF_HUB_DISABLE_XET", "1")
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    # On a GPU torch's memory grows in place: rows of every length come by and leave no holes between them.
    os.environ.setdefault("PYTORCH_ALLOC_CONF", "expandable_segments:True")
    Path(log).parent.mkdir(parents=True, exist_ok=True)
    handlers = [logging.FileHandler(log, mode="w", encoding="utf-8"), logging.StreamHandler(sys.stderr)]
    logging.raiseExceptions = False  # a log that does not fit on its disk is no reason to drown the terminal
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", handlers=handlers, force=True
    )
    for noisy in ("httpx", "matplotlib", "datasets", "gguf"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    start, unsealed = time.monotonic(), []
    try:
        with only_process_of(Path(log)):
            unsealed = seals.check(snakemake.input)
            with own(snakemake.resources.get("gpu", 0)):
                yield
            follow_umask(snakemake.output)
            seals.seal(snakemake.output)
    except InputError as error:
        logger.error("\nERROR: %s\n", error)
        sys.exit(1)
    except Exception as error:
        logger.exception("failed; this log is %s", log)
        if remedy := machine_remedy(error, log) or seals.remedy(unsealed):
            logger.error("\nERROR: %s\n", remedy)
        sys.exit(1)
    logger.info("done in %.1f s", time.monotonic() - start)
