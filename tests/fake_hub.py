"""A hub on this machine: it answers what huggingface_hub asks when a model is pushed or loaded."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "hf_of_a_test"


@dataclass
class Repo:
    """A repository: its files after its newest commit, and what the commits said."""

    private: bool
    files: dict[str, bytes] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)

    @property
    def commit(self) -> str:
        return hashlib.sha1(repr((sorted(self.files), self.messages)).encode()).hexdigest()


@dataclass
class Hub:
    """What the hub holds, what it was asked, and the status with which it refuses everything, if it does."""

    repos: dict[str, Repo] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    refuses: int = 0
    address: str = ""


class Answers(BaseHTTPRequestHandler):
    hub: Hub

    def log_message(self, *_: object) -> None: ...

    def do_HEAD(self) -> None:
        self._download(body=False)

    def do_GET(self) -> None:
        if self.path.startswith("/api/models/"):
            return self._about(self.path.removeprefix("/api/models/"))
        return self._download(body=True)

    def do_POST(self) -> None:
        self.hub.asked.append(f"POST {self.path}")
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        if self.hub.refuses:
            return self._json({"error": "no"}, self.hub.refuses)
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            return self._json({"error": "Invalid username or password."}, 401)
        if self.path == "/api/repos/create":
            return self._create(json.loads(sent))
        if self.path == "/api/validate-yaml":
            return self._json({"errors": [], "warnings": []})
        owner, name, what = self.path.removeprefix("/api/models/").split("/")[:3]
        if what == "preupload":
            return self._preupload(json.loads(sent))
        return self._commit(f"{owner}/{name}", sent)

    def _create(self, wanted: dict[str, Any]) -> None:
        name = f"{wanted['organization']}/{wanted['name']}"
        status = 409 if name in self.hub.repos else 200
        self.hub.repos.setdefault(name, Repo(wanted.get("visibility") == "private"))
        self._json({"url": f"{self.hub.address}/{name}"}, status)

    def _preupload(self, wanted: dict[str, Any]) -> None:
        names = [file["path"] for file in wanted["files"]]
        self._json({"files": [{"path": n, "uploadMode": "regular", "shouldIgnore": False} for n in names]})

    def _commit(self, name: str, sent: bytes) -> None:
        repo = self.hub.repos[name]
        for line in sent.splitlines():
            entry = json.loads(line)
            if entry["key"] == "header":
                repo.messages.append(entry["value"]["summary"])
            else:
                repo.files[entry["value"]["path"]] = base64.b64decode(entry["value"]["content"])
        self._json({"commitUrl": f"{self.hub.address}/{name}/commit/{repo.commit}", "commitOid": repo.commit})

    def _about(self, name: str) -> None:
        if self.hub.refuses or name not in self.hub.repos:
            return self._json({}, self.hub.refuses or 404)
        repo = self.hub.repos[name]
        return self._json({"id": name, "private": repo.private, "sha": repo.commit, "siblings": []})

    def _download(self, *, body: bool) -> None:
        """`/OWNER/NAME/resolve/REVISION/FILE`."""
        self.hub.asked.append(f"{self.command} {self.path}")
        owner, name, _, revision, file = self.path.strip("/").split("/")
        repo = self.hub.repos.get(f"{owner}/{name}")
        if self.hub.refuses:
            return self._json({}, self.hub.refuses)
        if repo is None:
            return self._json({}, 404, {"X-Error-Code": "RepoNotFound"})
        if revision not in ("main", repo.commit):
            return self._json({}, 404, {"X-Error-Code": "RevisionNotFound"})
        if file not in repo.files:
            return self._json({}, 404, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": repo.commit})
        tag = hashlib.sha1(repo.files[file]).hexdigest()
        return self._send(repo.files[file], 200, {"ETag": f'"{tag}"', "X-Repo-Commit": repo.commit}, body)

    def _json(self, answer: object, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self._send(json.dumps(answer).encode(), status, headers or {}, self.command != "HEAD")

    def _send(self, data: bytes, status: int, headers: dict[str, str], body: bool) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(data)


@contextmanager
def serving() -> Iterator[Hub]:
    """A hub that answers until the block ends."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Here", (Answers,), {"hub": hub}))
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
