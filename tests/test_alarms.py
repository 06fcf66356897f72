"""The mend of Snakemake's scheduler: alarms do not add up."""

import threading

from pipeline_copy import REPOSITORY
from snakemake.scheduling.job_scheduler import JobScheduler
from tatara.job import alarms


class Scheduler:
    """What of a scheduler an alarm knows."""

    def __init__(self):
        self._open_jobs = threading.Semaphore(0)


def test_one_alarm_at_a_time_rings_and_the_next_can_be_set():
    scheduler, before = Scheduler(), threading.active_count()
    for _ in range(50):
        alarms._one_alarm(scheduler, 0.2)
    assert threading.active_count() == before + 1
    assert scheduler._open_jobs.acquire(timeout=20) and not scheduler._open_jobs.acquire(timeout=0.5)
    alarms._one_alarm(scheduler, 0.01)
    assert scheduler._open_jobs.acquire(timeout=20)


def test_snakemake_still_sets_its_alarms_by_the_method_that_is_mended():
    """Where this fails, see whether alarms still add up, and mend or delete tatara/job/alarms.py."""
    assert hasattr(JobScheduler, alarms._METHOD)
    assert "one_alarm_at_a_time()" in (REPOSITORY / "rules/common.smk").read_text(encoding="utf-8")
