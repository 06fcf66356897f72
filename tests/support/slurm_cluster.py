"""A real Slurm on this one host for tests: munge, the controller and one node with stand-ins for GPUs, all in a folder
of their own.

python tests/support/slurm_cluster.py start     # in the foreground until Ctrl-C; options --home FOLDER, --gpus N

`start` says what to export for Slurm's commands.

It needs root and Debian's packages slurm-wlm and munge. The accounting database is left out: Snakemake then asks
squeue.
"""

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from server import free_port

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "scontrol", "sinfo")
SYSTEM = os.pathsep.join(["/usr/sbin", "/sbin"])  # where Debian puts the daemons
READY_SECONDS = 30
NODE = "node1"
# A GPU is counted and handed out by its device file; these take the place of /dev/nvidia0, /dev/nvidia1.
STAND_INS = ("/dev/zero", "/dev/full", "/dev/null", "/dev/random")
# cred_expire is also how long a requeued job waits. config_overrides: the node counts as large as is written here,
# whatever the machine has. Memory is held to its limit by sampling resident sets, which needs no control groups.
CONFIG = """\
ClusterName=tatara
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={home}/munge/munged.socket,cred_expire=5
CryptoType=crypto/munge
StateSaveLocation={home}/state
SlurmdSpoolDir={home}/spool
SlurmctldPidFile={home}/slurmctld.pid
SlurmdPidFile={home}/slurmd.pid
SlurmctldLogFile={home}/slurmctld.log
SlurmdLogFile={home}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
GresTypes=gpu
MpiDefault=none
ReturnToService=2
SlurmdParameters=config_overrides
SlurmctldTimeout=60
SlurmdTimeout=60
KillWait=2
MinJobAge=600
SchedulerParameters=sched_interval=2,bf_interval=2
NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} Gres=gpu:{gpus} State=UNKNOWN
PartitionName=main Nodes={node} Default=YES MaxTime=INFINITE State=UP
"""


def _program(name: str) -> str | None:
    return shutil.which(name, path=os.environ["PATH"] + os.pathsep + SYSTEM)


def missing() -> str | None:
    """Return what keeps Slurm from being started on this machine, None when nothing does."""
    if os.geteuid() != 0:
        return "Slurm is started as root, which this user is not"
    absent = [name for name in PROGRAMS if not _program(name)]
    return f"no {', '.join(absent)} on this machine (Debian's packages slurm-wlm and munge)" if absent else None


class Cluster:
    """A Slurm of ours.

    Attributes:
        home: folder of its configuration, state and logs.
        environment: what its commands, and a Snakemake that submits to it, need.
    """

    def __init__(
        self,
        home: Path,
        gpus: int = 2,
        cpus: int = 2,
        memory_mb: int = 1_000_000,
        environment: dict[str, str] | None = None,
    ):
        self.home, self.gpus, self.cpus, self.memory_mb = home, gpus, cpus, memory_mb
        environment = environment or dict(os.environ)
        path = os.pathsep.join([str(home / "bin"), environment["PATH"], SYSTEM])
        self.environment = {**environment, "PATH": path, "SLURM_CONF": str(home / "slurm.conf")}
        self.processes: dict[str, subprocess.Popen] = {}

    def _write(self) -> None:
        for name in ("bin", "state", "spool", "munge"):
            (self.home / name).mkdir(parents=True, exist_ok=True)
        host = socket.gethostname().split(".")[0]
        text = CONFIG.format(
            home=self.home,
            host=host,
            node=NODE,
            cpus=self.cpus,
            memory=self.memory_mb,
            gpus=self.gpus,
            controller_port=free_port(),
            node_port=free_port(),
        )
        (self.home / "slurm.conf").write_text(text)
        # Snakemake calls srun without any SLURM_ variable of the job's, this one included.
        srun = self.home / "bin" / "srun"
        srun.write_text(f'#!/bin/sh\nSLURM_CONF={self.home}/slurm.conf exec {_program("srun")} "$@"\n')
        srun.chmod(0o755)
        (self.home / "gres.conf").write_text("".join(f"Name=gpu File={file}\n" for file in STAND_INS[: self.gpus]))
        key = self.home / "munge" / "munged.key-file"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)

    def _spawn(self, name: str, *command: str) -> None:
        with (self.home / f"{name}.out").open("w") as output:
            self.processes[name] = subprocess.Popen(
                [_program(name), *command],
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def run(self, *command: str) -> str:
        """Run one of Slurm's commands and return what it printed."""
        return subprocess.run(
            command, env=self.environment, check=True, text=True, capture_output=True, timeout=60
        ).stdout

    def start(self) -> None:
        """Start munge, controller and node, and wait until the node is idle.

        Raises:
            RuntimeError: it did not come up in half a minute.
        """
        self._write()
        munge = self.home / "munge"
        # --force: its folder may be one that only root can enter, which is who all its clients are.
        places = [
            f"--{name}={munge}/munged.{name}" for name in ("key-file", "socket", "pid-file", "log-file", "seed-file")
        ]
        self._spawn("munged", "--foreground", "--force", *places)
        self._wait("munge", lambda: (munge / "munged.socket").exists())
        self._spawn("slurmctld", "-D", "-i")
        self._spawn("slurmd", "-D", "-N", NODE)
        self._wait("the node", lambda: "idle" in self.run("sinfo", "--noheader", "--format=%T"))

    def _wait(self, what: str, condition) -> None:
        start = time.monotonic()
        while True:
            try:
                if condition():
                    return
            except subprocess.CalledProcessError:
                pass
            if time.monotonic() - start > READY_SECONDS or any(
                process.poll() is not None for process in self.processes.values()
            ):
                logs = "\n".join(
                    path.read_text()[-1500:] for path in sorted([*self.home.glob("*.log"), *self.home.glob("*.out")])
                )
                self.stop()
                raise RuntimeError(f"Slurm: {what} did not come up:\n{logs}")
            time.sleep(0.2)

    def jobs(self) -> dict[str, dict[str, str]]:
        """Return job id -> what `scontrol show jobs` says of it (JobState, Comment, Reason, …), of every job since the
        start.
        """
        found = {}
        for line in self.run("scontrol", "--oneliner", "--detail", "show", "jobs").splitlines():
            fields = dict(part.split("=", 1) for part in line.split() if "=" in part)
            if "JobId" in fields:
                found[fields["JobId"]] = fields
        return found

    def stop(self) -> None:
        """Cancel what runs and end the three daemons."""
        if "slurmctld" in self.processes and self.processes["slurmctld"].poll() is None:
            subprocess.run(
                ["scancel", "--state=RUNNING", "--quiet"],
                env=self.environment,
                check=False,
                timeout=60,
                capture_output=True,
            )
        for name in ("slurmd", "slurmctld", "munged"):
            process = self.processes.pop(name, None)
            if process and process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["start"])
    parser.add_argument("--home", type=Path, help="folder of its files (a temporary one)")
    parser.add_argument("--gpus", type=int, default=2, help="stand-ins for GPUs, at most 4 (%(default)s)")
    arguments = parser.parse_args()
    if reason := missing():
        sys.exit(reason)
    with tempfile.TemporaryDirectory() as scratch:
        cluster = Cluster(arguments.home or Path(scratch), arguments.gpus)
        cluster.start()
        print(
            f"export SLURM_CONF={cluster.home}/slurm.conf PATH={cluster.home}/bin:$PATH   # ends with Ctrl-C",
            flush=True,
        )
        ends = {signal.SIGINT, signal.SIGTERM}
        signal.pthread_sigmask(signal.SIG_BLOCK, ends)
        signal.sigwait(ends)
        cluster.stop()


if __name__ == "__main__":
    main()
