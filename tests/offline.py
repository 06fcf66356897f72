"""Run the smoke configuration with the network cut off, and count what tried to use it.

Usage: python tests/offline.py [--config config/smoke.yaml] [TARGET ...]     (all targets, in a copy of the repository)

The run has a network namespace of its own in which every address leads back to it: whatever a process sends, be it Python or one of llama.cpp's
programs, is refused at once and counted by the kernel, a name that is looked up included. Needs Linux, util-linux (unshare) and iproute2 (ip);
as root or where users may make namespaces.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

_INSIDE = """
ip link set lo up && ip route add local default dev lo || exit 97
ip -6 route add local default dev lo 2>/dev/null
counts=$1; shift
"$@"; status=$?
cat /proc/net/snmp > "$counts" && cat /proc/net/snmp6 >> "$counts" 2>/dev/null
exit $status
"""
# Where Slurm is installed, Snakemake's Slurm plugin runs `scontrol show config` at every start. Without a slurm.conf that program looks for a
# cluster's configuration server by name; told of an empty one it does not. On a cluster it is meant to ask (docs/network.md).
NO_CLUSTER = {"SLURM_CONF": os.devnull}


def _unshare() -> list[str]:
    return ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]


def missing() -> str | None:
    """Return why no network namespace can be made here, or None."""
    absent = [name for name in ("unshare", "ip") if not shutil.which(name)]
    if absent:
        return f"no network can be cut off: {', '.join(absent)} not found (util-linux, iproute2)"
    tried = subprocess.run([*_unshare(), "sh", "-c", "ip link set lo up && ip route add local default dev lo"], capture_output=True, text=True)
    return f"no network can be cut off: {tried.stderr.strip()}" if tried.returncode else None


def run_cut_off(command: list[str], folder: Path, environment: dict[str, str]) -> tuple[subprocess.CompletedProcess, dict[str, int]]:
    """Run a command in a folder without network; return its end, with what it said, and how often it tried to use one.

    Returns:
        The finished process (standard output and error together), and `{"tcp": connections begun, "udp": datagrams sent}`.
    """
    with tempfile.TemporaryDirectory() as scratch:
        counts = Path(scratch, "counts")
        done = subprocess.run(
            [*_unshare(), "sh", "-c", _INSIDE, "sh", str(counts), *command],
            cwd=folder, env=environment | NO_CLUSTER, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        return done, attempts(counts.read_text(encoding="utf-8"))


def attempts(counters: str) -> dict[str, int]:
    """Return connections begun and datagrams sent from the text of /proc/net/snmp and /proc/net/snmp6."""
    values: dict[str, int] = {}
    names: list[str] = []
    for line in counters.splitlines():
        first, *rest = line.split()
        if not first.endswith(":"):  # snmp6: a name and a number; TCP of both kinds is counted in snmp
            values[first] = int(rest[0])
        elif rest and rest[0].lstrip("-").isdigit():  # snmp: a line of names, then one of numbers
            values |= {f"{first}{name}": int(value) for name, value in zip(names, rest, strict=True)}
        else:
            names = rest
    return {"tcp": values["Tcp:ActiveOpens"], "udp": values["Udp:OutDatagrams"] + values.get("Udp6OutDatagrams", 0)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", default="config/smoke.yaml", help="the study (%(default)s)")
    parser.add_argument("targets", nargs="*", default=["all"], help="what to make (%(default)s)")
    arguments = parser.parse_args()
    if reason := missing():
        print(reason, file=sys.stderr)
        return 3
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))
    from conftest import ENVIRONMENT, Copy

    with tempfile.TemporaryDirectory() as folder:
        copy = Copy(Path(folder))
        command = copy.command(*arguments.targets, "--cores", "2", "--resources", "gpu=1", config=arguments.config)
        done, tried = run_cut_off(command, copy.folder, ENVIRONMENT)
    if done.returncode:
        print(done.stdout[-6000:])
    print(f"{' '.join(arguments.targets)} of {arguments.config} without network: status {done.returncode}; "
          f"{tried['tcp']} connections begun, {tried['udp']} datagrams sent")  # fmt: skip
    return 1 if done.returncode or any(tried.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
