"""Outputs of many requests, several at once; what an interrupted run has had is not asked for again."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

from tatara.job.progress import Progress
from tatara.job.resume import FinishedRows

logger = logging.getLogger("tatara")
Request = TypeVar("Request")


def ask_all(
    requests: dict[str, Request], ask: Callable[[Request], str], kept: FinishedRows, parallel: int, what: str
) -> dict[str, str]:
    """Return the output of every request by its key, in the order of the requests.

    Args:
        kept: finished outputs, with the keys `key` and `output`.
        parallel: requests at once.
        what: what progress calls the work.

    Raises:
        InputError: as `ask` does.
    """
    missing = {key: request for key, request in requests.items() if key not in kept.rows}
    if kept.rows:
        logger.info("%d of %d outputs are there from an interrupted run", len(requests) - len(missing), len(requests))
    with ThreadPoolExecutor(parallel) as pool:
        keys = {pool.submit(ask, request): key for key, request in missing.items()}
        done = as_completed(keys)
        try:
            for _ in Progress(list(missing), what, done=len(requests) - len(missing)):
                future = next(done)
                kept.add({"key": keys[future], "output": future.result()})
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    return {key: kept.rows[key]["output"] for key in requests}
