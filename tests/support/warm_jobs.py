"""Jobs without the start of Python: one process imports what jobs import, and forks for each script.

`python warm_jobs.py serve SOCKET` is that process; `python warm_jobs.py SOCKET SCRIPT` takes the place of
`python SCRIPT`: its working directory, environment and output are the script's, its status is the script's, and where
it is killed the script is killed. Modules of the pipeline are not imported before the fork, since each copy of the
repository has its own. The client is a Python without site, so it imports little.
"""

import array
import contextlib
import json
import os
import select
import signal
import socket
import sys
import time
from pathlib import Path

IMPORTED = (
    "torch",
    "transformers",
    "peft",
    "datasets",
    "pandas",
    "scipy.stats",
    "statsmodels",
    "matplotlib",
    "trl",
)
# They read the address of the hub when its client is imported.
COLD = ("base_hub.py", "hub_description.py")
STATUS = 4  # bytes of the answer


def connect(server: socket.socket, path: str) -> None:
    """Connect to the server, which may be importing still."""
    for _ in range(1200):
        try:
            server.connect(path)
            return
        except (FileNotFoundError, ConnectionRefusedError):
            time.sleep(0.1)
    raise TimeoutError(f"nobody serves {path}")


def start(path: str, script: str) -> None:
    """Ask the server to run a script, wait for its end, and end as it did."""
    asked = json.dumps({"script": script, "folder": str(Path.cwd()), "environment": dict(os.environ)}).encode()
    with socket.socket(socket.AF_UNIX) as server:
        connect(server, path)
        streams = array.array("i", [0, 1, 2]).tobytes()
        server.sendmsg([len(asked).to_bytes(STATUS, "big")], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, streams)])
        server.sendall(asked)
        answer = server.recv(STATUS)
    status = int.from_bytes(answer, "big", signed=True) if len(answer) == STATUS else 1
    if status < 0:
        os.kill(os.getpid(), -status)
    os._exit(status)


def received(client: socket.socket) -> tuple[list[int], dict]:
    """Return the three streams and the request of a client."""
    length, rights, _, _ = client.recvmsg(STATUS, socket.CMSG_SPACE(3 * array.array("i").itemsize))
    streams = array.array("i")
    streams.frombytes(rights[0][2])
    text = b""
    while len(text) < int.from_bytes(length, "big"):
        text += client.recv(1 << 20)
    return streams.tolist(), json.loads(text)


def watch(client: socket.socket, script: int) -> None:
    """Wait for the script's process; kill it where its client is gone before, else tell the client how it ended."""
    ended = os.pidfd_open(script)
    ready, _, _ = select.select([client, ended], [], [])
    if ended not in ready:
        os.killpg(script, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(script, 0)[1])
    with contextlib.suppress(OSError):  # nobody waits for it any more
        client.sendall(status.to_bytes(STATUS, "big", signed=True))
    os._exit(0)


def next_script(server: socket.socket) -> str:
    """Fork for each client; return in the process that shall run a script, with its streams, folder and environment."""
    while True:
        client, _ = server.accept()
        if os.fork():
            client.close()
            continue
        server.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        streams, asked = received(client)
        if script := os.fork():
            os.setpgid(script, script)
            for stream in streams:
                os.close(stream)
            watch(client, script)
        client.close()
        for place, stream in enumerate(streams):
            os.dup2(stream, place)
            os.close(stream)
        os.chdir(asked["folder"])
        os.environ.clear()
        os.environ.update(asked["environment"])
        return asked["script"]


if __name__ == "__main__" and sys.argv[1] != "serve":
    start(*sys.argv[1:])

if __name__ == "__main__":
    import importlib
    import runpy

    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    # What `tatara.job.run` sets before a script imports anything.
    os.environ |= {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "TOKENIZERS_PARALLELISM": "false"}
    for name in IMPORTED:
        importlib.import_module(name)
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig  # noqa: F401
    from trl import SFTConfig, SFTTrainer  # noqa: F401

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(sys.argv[2])
        listening.listen(64)
        path = next_script(listening)
    sys.argv = [path]
    runpy.run_path(path, run_name="__main__")
