"""Snakemake without its start: one process imports it once and forks for each run, which saves two seconds a run; and
the scripts that it runs without theirs (`warm_jobs`), which saves most of a short job.

A run is a process of its own, with the working directory, the environment and the output that it is given; what it did
is gone with it. Where a test is about processes, interpreters or locales it starts Snakemake itself.
"""

import atexit
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import warm_jobs


class Server:
    """The process that forks, and the one beside it that forks for scripts; they end with the tests."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="tatara-warm-")
        sock = f"{self.folder}/jobs"
        self.jobs = subprocess.Popen([sys.executable, warm_jobs.__file__, "serve", sock])
        self.process = subprocess.Popen(
            [sys.executable, __file__, sock], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        atexit.register(self.end)

    def end(self) -> None:
        """End both processes."""
        self.process.stdin.close()
        self.jobs.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, arguments: list[str], folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess:
        """Run snakemake with these arguments; return its status and what it said, both streams together."""
        with tempfile.NamedTemporaryFile() as output:
            asked = {"arguments": arguments, "folder": str(folder), "environment": environment, "output": output.name}
            try:
                print(json.dumps(asked), file=self.process.stdin, flush=True)
                status = int(self.process.stdout.readline())
            except BaseException:  # the test's time is over: its run must not answer to the next test
                for child in psutil.Process(self.process.pid).children(recursive=True):
                    child.kill()
                self.process.kill()
                self.jobs.kill()
                server.cache_clear()
                raise
            said = Path(output.name).read_text(encoding="utf-8", errors="replace")
        return subprocess.CompletedProcess(["snakemake", *arguments], status, said)


@functools.cache
def server() -> Server:
    return Server()


def run_script(self, file: str, edit: bool = False) -> None:
    """Run a script of a rule in a fork of the process that has imported everything, in place of a new Python."""
    client = f"{sys.executable} -I -S {warm_jobs.__file__} {JOBS}"
    python = sys.executable if self.path.endswith(warm_jobs.COLD) else client
    self._execute_cmd("{python} {file:q}", python=python, file=file, is_python_script=True)


def work(asked: dict) -> None:
    """Be a snakemake, in a process that was forked for it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    output = os.open(asked["output"], os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    sys.argv = ["snakemake", *asked["arguments"]]
    status = 1
    try:
        snakemake.cli.main(asked["arguments"])
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(status)


def main() -> None:
    """Fork for each line of the input, a run; answer with its status."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the run
    for line in sys.stdin:
        if not (child := os.fork()):
            work(json.loads(line))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    import snakemake.api
    import snakemake.cli
    import snakemake_executor_plugin_slurm  # noqa: F401  Snakemake imports its plugins at each start
    from snakemake.script import PythonScript

    JOBS = sys.argv[1]  # the socket of warm_jobs
    PythonScript.execute_script = run_script
    main()
