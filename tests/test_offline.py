"""A study whose configuration names nothing on the network opens no connection: the smoke run of all tests is made
where there is none.
"""

import subprocess
import sys

import offline
import pytest
from conftest import OFFLINE_COUNTERS
from pipeline_copy import Copy

pytestmark = pytest.mark.skipif(
    not offline.prefix(), reason="this machine permits no network namespaces (unshare --net)"
)
TRIES = """
import contextlib, socket
for try_ in (lambda: socket.create_connection(('192.0.2.1', 80)), lambda: socket.getaddrinfo('example.org', 80)):
    with contextlib.suppress(OSError):
        try_()
"""


def test_a_program_that_tries_is_seen(tmp_path):
    done = subprocess.run(offline.command(tmp_path / "counters", [sys.executable, "-c", TRIES]))
    assert done.returncode == 0
    assert offline.tried(tmp_path / "counters") >= 2


def test_the_smoke_run_needs_no_network_and_tries_none(smoke: Copy, tmp_path):
    assert (smoke.folder / "results/report.html").is_file()
    # Where Slurm is installed, Snakemake's plugin for it asks Slurm for its configuration at each start, whatever is
    # run.
    subprocess.run(
        offline.command(tmp_path / "counters", ["sh", "-c", "scontrol show config >/dev/null 2>&1 || true"]), check=True
    )
    assert offline.tried(smoke.folder / OFFLINE_COUNTERS) == offline.tried(tmp_path / "counters")
