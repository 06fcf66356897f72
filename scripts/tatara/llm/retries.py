"""When a request to a server is tried again."""

import logging
from collections.abc import Callable

import httpx
from tenacity import RetryCallState, Retrying, before_sleep_log, retry_if_exception, wait_exponential_jitter

logger = logging.getLogger("tatara")
ATTEMPTS = 5  # 1 + 2 + 4 + 8 s between them: enough for a server that restarts
SLOW_ATTEMPTS = 2  # of a request that took longer than it may: it is likely to do so again


def retrying(passes: Callable[[BaseException], bool], attempts: int) -> Retrying:
    """Return what calls a function until it returns, and raises its last error.

    Args:
        passes: whether an error is likely to pass; any other is raised at once.
        attempts: calls at most.
    """

    def enough(state: RetryCallState) -> bool:
        slow = isinstance(state.outcome.exception(), httpx.TimeoutException)
        return state.attempt_number >= (min(attempts, SLOW_ATTEMPTS) if slow else attempts)

    return Retrying(
        retry=retry_if_exception(passes),
        stop=enough,
        wait=wait_exponential_jitter(1, 30, jitter=0.5),
        before_sleep=before_sleep_log(logger, logging.WARNING),
        reraise=True,
    )
