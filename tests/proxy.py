"""A TCP proxy before a real server that breaks connections where a test wants them broken."""

import contextlib
import socket
import threading
from collections.abc import Callable


class Proxy:
    """Forwards connections to a port of this machine.

    Attributes:
        port: where it listens.
        breaks: for each connection to come, after how many bytes from the server it breaks; later ones are left alone.
        broken: how many connections were broken.
    """

    def __init__(self, target: int, breaks: list[int] | None = None, when_broken: Callable[[], None] = lambda: None):
        self.target, self.breaks, self.when_broken, self.broken = target, list(breaks or []), when_broken, 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                limit = self.breaks.pop(0) if self.breaks else None
                threading.Thread(target=self._serve, args=(client, limit), daemon=True).start()

    def _serve(self, client: socket.socket, limit: int | None) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self.target))
        except OSError:
            client.close()
            return
        threading.Thread(target=self._pump, args=(client, server, None), daemon=True).start()
        self._pump(server, client, limit)

    def _pump(self, source: socket.socket, sink: socket.socket, limit: int | None) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while data := source.recv(4096):
                passed += len(data)
                if limit is not None and passed > limit:
                    self.broken += 1
                    self.when_broken()
                    break
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def __enter__(self) -> "Proxy":
        return self

    def __exit__(self, *error) -> None:
        self._listener.close()
