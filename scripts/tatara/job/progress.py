"""Progress of long work, as lines that read well on a terminal and in a log."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator

logger = logging.getLogger("tatara")
EVERY_SECONDS = 10.0


class Progress:
    """Iterate over a sized iterable; every ten seconds say how far, how long still, and what `note` returns."""

    def __init__(self, items: Iterable, what: str, note: Callable[[], str] = lambda: "", done: int = 0):
        self.items, self.what, self.note, self.done = items, what, note, done
        self.total = done + len(items)

    def __iter__(self) -> Iterator:
        start = last = time.monotonic()
        for count, item in enumerate(self.items, 1):
            yield item
            now = time.monotonic()
            if now - last >= EVERY_SECONDS:
                last = now
                left = (now - start) / count * (self.total - self.done - count)
                logger.info(
                    "%s: %d of %d, about %d s left %s", self.what, self.done + count, self.total, left, self.note()
                )
        logger.info(
            "%s: %d of %d done in %.0f s %s", self.what, self.total, self.total, time.monotonic() - start, self.note()
        )
