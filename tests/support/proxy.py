"""Proxies before a real server: one breaks connections, the other HTTP answers, where a test wants them broken."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx


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


PASSED_ON = ("Content-Type", "Authorization")


class HttpProxy:
    """Forwards HTTP requests to a server.

    Attributes:
        url: where it listens.
        faults: path -> what befalls the requests to it, one after another: a status to send, bytes to send in place of
            the answer, both, seconds to wait, a function to call before the request is forwarded, or None for nothing;
            later requests are left alone.
        asked: the paths of all requests.
    """

    def __init__(self, target: str, faults: dict[str, list] | None = None):
        self.faults, self.asked = faults or {}, []
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                proxy.asked.append(self.path)
                waiting = proxy.faults.get(self.path)
                fault = waiting.pop(0) if waiting else None
                if isinstance(fault, float):
                    time.sleep(fault)
                elif callable(fault):
                    fault()
                if isinstance(fault, tuple):
                    self.send(*fault)
                elif isinstance(fault, int):
                    self.send(fault, b'{"error":"injected"}')
                elif isinstance(fault, bytes):
                    self.send(200, fault)
                else:
                    try:
                        got = httpx.request(
                            self.command,
                            target + self.path,
                            content=body,
                            headers={name: self.headers[name] for name in PASSED_ON if name in self.headers},
                            timeout=120,
                        )
                    except httpx.TransportError:
                        self.close_connection = True
                        return
                    self.send(got.status_code, got.content)

            do_GET = do_POST = answer

            def send(self, status: int, content: bytes) -> None:
                with contextlib.suppress(OSError):  # the client may have gone
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(content)))
                    self.end_headers()
                    self.wfile.write(content)

            def log_message(self, *arguments) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self) -> "HttpProxy":
        return self

    def __exit__(self, *error) -> None:
        self._server.shutdown()
        self._server.server_close()
