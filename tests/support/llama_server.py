"""A real llama-server for tests: llama.cpp's own program, as the set-up built it, with a tiny model of ours."""

import os
from pathlib import Path

import httpx
import server
from tatara.job.llama_home import tool


class Server(server.Server):
    """A llama-server of ours.

    Attributes:
        model: the GGUF file that it starts with.
        key: what it wants of every request; None for none.
    """

    name = "llama-server"
    alias = "tiny"
    context = 8192

    def __init__(self, home: Path, model: Path, key: str | None = None, port: int | None = None):
        super().__init__(home, port)
        self.model, self.key = model, key

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def start(self) -> None:
        """Start the server and wait until its model is loaded."""
        self.home.mkdir(parents=True, exist_ok=True)
        options = {"--model": self.model, "--alias": self.alias, "--port": self.port, "--host": "127.0.0.1"}
        options |= {"--ctx-size": self.context, "--threads": 1, "--parallel": 1}
        environment = {"PATH": os.environ["PATH"]} | ({"LLAMA_API_KEY": self.key} if self.key else {})
        self.launch([tool("llama-server"), *(str(part) for option in options.items() for part in option)], environment)

    def is_ready(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/health", timeout=1).is_success
        except httpx.HTTPError:
            return False
