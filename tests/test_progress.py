"""Progress is told in lines of a log, now and then, with an estimate that counts this run's work alone."""

import logging

import pytest
from tatara.job import progress
from tatara.job.progress import Progress


@pytest.fixture
def clock(monkeypatch, caplog):
    """A clock that a test sets, read by tqdm; the log is kept."""
    now = [1000.0]
    original = progress._LogLines.__init__

    def with_clock(self, note, **settings):
        original(self, note, **settings)
        self._time = lambda: now[0]
        self.start_t = self.last_print_t = now[0]

    monkeypatch.setattr(progress._LogLines, "__init__", with_clock)
    caplog.set_level(logging.INFO, logger="tatara")
    return now


def test_a_line_every_ten_seconds_and_one_at_the_end(clock, caplog, capfd):
    loss = [3.0]
    for item in Progress(range(30), "training", lambda: f"loss {loss[0]:.1f}"):
        clock[0] += 2.0
        loss[0] = 3.0 - item / 10
    assert [record.getMessage() for record in caplog.records] == [
        "training: 5 of 30, about 00:50 left, loss 2.6",
        "training: 10 of 30, about 00:40 left, loss 2.1",
        "training: 15 of 30, about 00:30 left, loss 1.6",
        "training: 20 of 30, about 00:20 left, loss 1.1",
        "training: 25 of 30, about 00:10 left, loss 0.6",
        "training: 30 of 30 done in 60 s, loss 0.1",
    ]
    assert "\r" not in "".join(capfd.readouterr()), "no bar is drawn beside the log"


def test_what_an_earlier_run_did_is_counted_and_not_timed(clock, caplog):
    for _ in Progress(range(4), "answers", done=96):
        clock[0] += 15.0
    lines = [record.getMessage() for record in caplog.records]
    assert lines[0] == "answers: 97 of 100, about 00:45 left"
    assert lines[-1] == "answers: 100 of 100 done in 60 s"


def test_work_that_is_broken_off_is_not_called_done(clock, caplog, monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", "1")  # of other programs' bars
    with pytest.raises(ValueError, match="broken"):
        for item in Progress([1, 2, 3], "judge"):
            clock[0] += 16.0
            if item == 3:
                raise ValueError("broken")
    lines = [record.getMessage() for record in caplog.records]
    assert lines == ["judge: 1 of 3, about 00:32 left", "judge: 2 of 3, about 00:16 left"]
