"""A server on loopback that speaks the Hugging Face hub's HTTP interface as its client uses it: model info, list of
files, resolve with HEAD, ranges and redirects, ETag and X-Repo-Commit, gated repositories.
"""

import contextlib
import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

LARGE = 2048  # bytes from which a file lies with the large ones, behind a redirect and under its SHA-256


@dataclass
class Repository:
    """What the hub holds of one repository.

    Attributes:
        commits: commit -> path -> content; branches: name -> commit.
        gated: the status that a request for a file gets from one without access, 401 (not logged in) or 403.
    """

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    gated: int | None = None
    license: str = "apache-2.0"

    def push(self, files: dict[str, bytes], branch: str = "main") -> str:
        """Make a commit of these files, move the branch to it, and return it."""
        content = b"".join(name.encode() + data for name, data in sorted(files.items()))
        commit = hashlib.sha1(content).hexdigest()
        self.commits[commit], self.branches[branch] = files, commit
        return commit


class HubServer:
    """The server.

    Attributes:
        url: what HF_ENDPOINT is set to; store: another host, where large files lie.
        repositories: name -> what it holds; a test may change it at any time.
        cuts: file name -> after how many bytes the next downloads of it break, one entry a download.
        asked: method, path and Range header of every request.
    """

    def __init__(self):
        self.repositories: dict[str, Repository] = {}
        self.cuts: dict[str, list[int]] = {}
        self.asked: list[tuple[str, str, str | None]] = []
        hub = self

        class Handler(_Handler):
            server_of = hub

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.store = f"http://localhost:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self) -> "HubServer":
        return self

    def __exit__(self, *error) -> None:
        self._server.shutdown()
        self._server.server_close()

    def downloads(self, name: str) -> list[str | None]:
        """Return the Range header of each download of a file, small or large, in order."""
        large = {
            f"/large/{hashlib.sha256(files[name]).hexdigest()}/{name}"
            for repository in self.repositories.values()
            for files in repository.commits.values()
            if name in files
        }
        return [
            area
            for method, path, area in self.asked
            if method == "GET" and (path in large or re.search(f"/resolve/[0-9a-f]+/{re.escape(name)}$", path))
        ]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_of: HubServer

    def log_message(self, *arguments) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.server_of.asked.append((self.command, path, self.headers.get("Range")))
        for pattern, answer in (
            (r"/large/([0-9a-f]{64})/(.+)", self.large),
            (r"/api/models/([^/]+/[^/]+)(?:/revision/(.+))?", self.info),
            (r"/api/models/([^/]+/[^/]+)/tree/([^/]+)", self.tree),
            (r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", self.resolve),
        ):
            if match := re.fullmatch(pattern, path):
                answer(*match.groups())
                return
        self.send(404, b"no such page")

    def send(self, status: int, body: bytes, headers: dict[str, str] | None = None, cut: int | None = None) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            with contextlib.suppress(ConnectionError):
                self.wfile.write(body[:cut])
            if cut is not None:
                self.close_connection = True

    def refuse(self, status: int, code: str, message: str) -> None:
        body = json.dumps({"error": message}).encode()
        self.send(status, body, {"X-Error-Code": code, "X-Error-Message": message})

    def commit_of(self, name: str, revision: str) -> tuple[Repository, str] | None:
        """Return a repository and the commit of a revision; refuse the request where there is none."""
        repository = self.server_of.repositories.get(name)
        if repository is None:
            self.refuse(401, "RepoNotFound", "Repository not found")
            return None
        commit = repository.branches.get(revision, revision)
        if commit not in repository.commits:
            self.refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
            return None
        return repository, commit

    def info(self, name: str, revision: str | None) -> None:
        if not (there := self.commit_of(name, revision or "main")):
            return
        repository, commit = there
        files = []
        for path, content in repository.commits[commit].items():
            entry = {"rfilename": path, "size": len(content), "blobId": hashlib.sha1(content).hexdigest()}
            if len(content) >= LARGE:
                entry["lfs"] = {
                    "sha256": hashlib.sha256(content).hexdigest(),
                    "size": len(content),
                    "pointerSize": 130,
                }
            files.append(entry)
        self.send_json(
            {
                "id": name,
                "modelId": name,
                "sha": commit,
                "private": False,
                "gated": "manual" if repository.gated else False,
                "tags": [f"license:{repository.license}"],
                "cardData": {"license": repository.license},
                "siblings": files,
            }
        )

    def tree(self, name: str, revision: str) -> None:
        if not (there := self.commit_of(name, revision)):
            return
        repository, commit = there
        entries = []
        for path, content in repository.commits[commit].items():
            entry = {"type": "file", "path": path, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
            if len(content) >= LARGE:
                entry["lfs"] = {
                    "oid": hashlib.sha256(content).hexdigest(),
                    "size": len(content),
                    "pointerSize": 130,
                }
            entries.append(entry)
        self.send_json(entries)

    def send_json(self, content: object) -> None:
        self.send(200, json.dumps(content).encode(), {"Content-Type": "application/json"})

    def resolve(self, name: str, revision: str, path: str) -> None:
        if not (there := self.commit_of(name, revision)):
            return
        repository, commit = there
        if repository.gated:
            message = (
                "Access to this model is restricted. You must be authenticated to access it."
                if repository.gated == 401
                else "Access to this model is restricted and you are not in the authorized list."
            )
            self.refuse(repository.gated, "GatedRepo", message)
            return
        content = repository.commits[commit].get(path)
        if content is None:
            self.refuse(404, "EntryNotFound", "Entry not found")
            return
        headers = {"X-Repo-Commit": commit, "Accept-Ranges": "bytes"}
        if len(content) >= LARGE:
            digest = hashlib.sha256(content).hexdigest()
            linked = {"X-Linked-Size": str(len(content)), "X-Linked-Etag": f'"{digest}"'}
            self.send(302, b"", headers | linked | {"Location": f"{self.server_of.store}/large/{digest}/{path}"})
        else:
            self.send_part(content, path, headers | {"ETag": f'"{hashlib.sha1(content).hexdigest()}"'})

    def large(self, digest: str, path: str) -> None:
        for repository in self.server_of.repositories.values():
            for files in repository.commits.values():
                if hashlib.sha256(files.get(path, b"")).hexdigest() == digest:
                    self.send_part(files[path], path, {"ETag": f'"{digest}"', "Accept-Ranges": "bytes"})
                    return
        self.send(404, b"no such file")

    def send_part(self, content: bytes, path: str, headers: dict[str, str]) -> None:
        """Send a file, or the range of it that was asked for; break off where a test wants that."""
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        cuts = self.server_of.cuts.get(path) if self.command == "GET" else None
        cut = cuts.pop(0) if cuts else None
        if not match:
            self.send(200, content, headers, cut)
            return
        first, last = int(match[1]), int(match[2] or len(content) - 1)
        area = {"Content-Range": f"bytes {first}-{last}/{len(content)}"}
        self.send(206, content[first : last + 1], headers | area, cut)
