"""Progress of long work, as lines that read well on a terminal and in a log file. tqdm counts and estimates."""

import logging
from collections.abc import Callable, Iterable, Iterator

from tqdm import tqdm

logger = logging.getLogger("tatara")
EVERY_SECONDS = 10.0


class _LogLines(tqdm):
    """tqdm that writes a line to the log where it would draw its bar again."""

    monitor_interval = 0  # no thread beside the work

    def __init__(self, note: Callable[[], str], **settings):
        self.note = note
        super().__init__(
            bar_format="{desc}: {n_fmt} of {total_fmt}, about {remaining} left{postfix}",
            mininterval=EVERY_SECONDS,
            delay=EVERY_SECONDS,
            miniters=1,
            leave=False,
            disable=False,  # TQDM_DISABLE is about bars
            **settings,
        )

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        """Log how far the work is. tqdm clears its bar with an empty `msg`, and the end has a line of its own."""
        if msg is None and self.n < self.total:
            self.set_postfix_str(self.note(), refresh=False)
            logger.info("%s", str(self))


class Progress:
    """Iterate over a sized iterable; every ten seconds log how far, how long still, and what `note` returns.

    Args:
        items: what is worked on; anything that has a length.
        what: names the work at the head of each line.
        note: returns a figure of the moment, such as the loss; empty for none.
        done: how many items an earlier run had finished; they count as done and not for the estimate.
    """

    def __init__(self, items: Iterable, what: str, note: Callable[[], str] = lambda: "", done: int = 0):
        self.items, self.what, self.note, self.done = items, what, note, done

    def __iter__(self) -> Iterator:
        total = self.done + len(self.items)
        with _LogLines(self.note, desc=self.what, total=total, initial=self.done) as lines:
            for item in self.items:
                yield item
                lines.update()
            seconds = lines.format_dict["elapsed"]
        note = self.note()
        logger.info("%s: %d of %d done in %.0f s%s", self.what, total, total, seconds, f", {note}" if note else "")
