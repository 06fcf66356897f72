"""Running a program in a network namespace of its own, which has no way out, and counting what it tried to send."""

import functools
import shutil
import subprocess
from pathlib import Path

# The counters are the namespace's own: they tell of every process in it.
SCRIPT = '"$@"; status=$?; cat /proc/net/snmp /proc/net/snmp6 > "$0"; exit $status'


@functools.cache
def prefix() -> tuple[str, ...]:
    """Return the command that makes such a namespace; empty where this machine does not permit one."""
    for command in (("unshare", "--net"), ("unshare", "--map-root-user", "--net")):
        if shutil.which("unshare") and subprocess.run([*command, "true"], capture_output=True).returncode == 0:
            return command
    return ()


def command(counters: Path, program: list[str]) -> list[str]:
    """Return the command line that runs a program so and leaves the counters in a file."""
    return [*prefix(), "sh", "-c", SCRIPT, str(counters), *program]


def tried(counters: Path) -> int:
    """Return how many packets found no way out: connections and look-ups of names that were tried, by IPv4 and IPv6."""
    lines = [line.split() for line in counters.read_text(encoding="ascii").splitlines()]
    names, values = (line[1:] for line in lines if line[0] == "Ip:")
    six = {line[0]: line[1] for line in lines if len(line) == 2}
    return int(dict(zip(names, values, strict=True))["OutNoRoutes"]) + int(six.get("Ip6OutNoRoutes", 0))
