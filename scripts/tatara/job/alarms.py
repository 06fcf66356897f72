"""A mend for Snakemake 9.27: after each look for jobs its scheduler sets an alarm for the next one and takes none back,
so that alarms add up with every job that ends; after a hundred jobs a third of a core is busy looking.
"""

import threading

from snakemake.scheduling.job_scheduler import JobScheduler

_METHOD = "_schedule_reevalutation"  # its own spelling


def _one_alarm(scheduler: JobScheduler, delay: float) -> None:
    """Set an alarm where none is pending; it keeps no finished run waiting."""
    if getattr(scheduler, "alarm_pending", False):
        return

    def fire() -> None:
        scheduler.alarm_pending = False
        scheduler._open_jobs.release()

    scheduler.alarm_pending = True
    alarm = threading.Timer(delay, fire)
    alarm.daemon = True
    alarm.start()


def one_alarm_at_a_time() -> None:
    """Let a scheduler of this process have one alarm at a time."""
    if hasattr(JobScheduler, _METHOD):
        setattr(JobScheduler, _METHOD, _one_alarm)
