"""What the servers that tests start have in common: a process of our own on loopback, with a folder and a log, that is
waited for and ended.
"""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

CACHE = Path(os.environ.get("TATARA_CACHE", Path.home() / ".cache" / "tatara"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A server of ours.

    Attributes:
        home: folder of its data; what it says goes to server.log in it.
        port: the same after a restart.
        process: None before it was started.
    """

    name = "the server"
    ready_seconds = 60.0

    def __init__(self, home: Path, port: int | None = None):
        self.home, self.port = home, port or free_port()
        self.process: subprocess.Popen | None = None

    @property
    def log(self) -> Path:
        return self.home / "server.log"

    def is_ready(self) -> bool:
        raise NotImplementedError

    def launch(self, command: list, environment: dict[str, str]) -> None:
        """Start the process and wait until it is ready.

        Raises:
            RuntimeError: it ended, or was not ready in time.
        """
        with self.log.open("w") as output:
            self.process = subprocess.Popen(
                command, stdout=output, stderr=subprocess.STDOUT, env=environment, start_new_session=True
            )
        start = time.monotonic()
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() - start > self.ready_seconds:
                self.kill()
                raise RuntimeError(f"{self.name} did not start:\n{self.log.read_text()[-3000:]}")
            time.sleep(0.1)

    def _end(self, number: int) -> None:
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, number)  # and the processes that it started
            self.process.wait(60)

    def stop(self) -> None:
        """Let the server end in order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the server at once, as a crash would."""
        self._end(signal.SIGKILL)

    def serve(self, text: str) -> None:
        """Start, print a line and wait for the end, or for Ctrl-C."""
        try:
            self.start()
            print(f"{text}; ends with Ctrl-C", flush=True)
            self.process.wait()
        except KeyboardInterrupt:
            self.stop()
