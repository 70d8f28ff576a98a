"""A stand-in for the Hugging Face Hub: the part of its API that `hf` and downloads ask for, on this machine.

It is as strict as the Hub in what matters here: it refuses a commit with a binary file outside its large-file
store, and runs a Space only once its files are there. Set `HF_ENDPOINT` to its `url`.
"""

import base64
import contextlib
import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

USER = "somebody"  # whose token every request is taken to carry
COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE = 10_000_000  # bytes from which on even text belongs into the store


@dataclass
class Repo:
    about: dict  # what it was created with
    files: dict[str, bytes] = field(default_factory=dict)
    listed: set[str] = field(default_factory=set)  # of which it was told before the upload
    stored: set[str] = field(default_factory=set)  # as large files


class Refused(Exception):
    def __init__(self, status: int, message: str, code: str = "", **about: str):
        super().__init__(message)
        self.status, self.code, self.about = status, code, about


class Hub:
    """The repositories by address, such as `spaces/somebody/nonet` or, of a model, `somebody/nonet`."""

    def __init__(self):
        self.url = ""
        self.repos: dict[str, Repo] = {}
        self.store: dict[str, bytes] = {}  # large files by their SHA-256
        self.asked: list[tuple[str, str]] = []  # method and path of every request

    def repo(self, kind: str | None, name: str) -> Repo:
        try:
            return self.repos[name if kind in (None, "models") else f"{kind}/{name}"]
        except KeyError:
            raise Refused(404, "Repository not found", "RepoNotFound") from None

    def whoami(self, body: bytes) -> dict:
        access = {"displayName": "test", "role": "write"}
        return {"type": "user", "name": USER, "orgs": [], "auth": {"accessToken": access}}

    def create(self, body: bytes) -> dict:
        about = json.loads(body)
        name = f"{about.get('organization') or USER}/{about['name']}"
        address = name if about.get("type", "model") == "model" else f"{about['type']}s/{name}"
        if address in self.repos:
            raise Refused(409, "You already created this repo", url=f"{self.url}/{address}")
        self.repos[address] = Repo(about)
        return {"url": f"{self.url}/{address}", "name": name}

    def validate(self, body: bytes) -> dict:
        if not json.loads(body)["content"].startswith("---\n"):
            raise Refused(400, "README.md has no header")
        return {"errors": [], "warnings": []}

    def preupload(self, body: bytes, kind: str, name: str, revision: str) -> dict:
        """How each file is to come; what `.gitignore` names could be left out here, but is not."""
        files = json.loads(body)["files"]
        self.repo(kind, name).listed |= {file["path"] for file in files}

        def mode(file: dict) -> str:
            large = file["size"] >= LARGE or is_binary(base64.b64decode(file["sample"]))
            return "lfs" if large else "regular"

        return {"files": [{"path": f["path"], "uploadMode": mode(f), "shouldIgnore": False} for f in files]}

    def batch(self, body: bytes, kind: str | None, name: str) -> dict:
        self.repo(kind, name)
        wanted = [o for o in json.loads(body)["objects"] if o["oid"] not in self.store]

        def actions(oid: str) -> dict:
            return {"upload": {"href": f"{self.url}/store/{oid}"}}

        return {"transfer": "basic", "objects": [{**o, "actions": actions(o["oid"])} for o in wanted]}

    def keep(self, body: bytes, name: str) -> dict:
        if hashlib.sha256(body).hexdigest() != name:
            raise Refused(400, "This is another file")
        self.store[name] = body
        return {}

    def commit(self, body: bytes, kind: str, name: str, revision: str) -> dict:
        repo, files, stored = self.repo(kind, name), {}, set()
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
                if is_binary(files[value["path"]]):
                    raise Refused(400, "Your push was rejected because it contains binary files")
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.store[value["oid"]]
                stored.add(value["path"])
            elif line["key"] == "deletedFile":
                repo.files.pop(value["path"])
        repo.files |= files
        repo.stored |= stored
        return {"commitUrl": f"{self.url}/{kind}/{name}/commit/{COMMIT}", "commitOid": COMMIT}

    def info(self, body: bytes, kind: str, name: str, revision: str | None) -> dict:
        files = [{"rfilename": path} for path in self.repo(kind, name).files]
        return {"id": name, "sha": COMMIT, "siblings": files, "private": False, "downloads": 0, "likes": 0, "tags": []}

    def tree(self, body: bytes, kind: str, name: str, revision: str) -> list[dict]:
        files = self.repo(kind, name).files.items()
        return [{"type": "file", "path": path, "size": len(data), "oid": COMMIT} for path, data in files]

    def runtime(self, body: bytes, name: str) -> dict:
        repo = self.repo("spaces", name)
        stage = "RUNNING" if "app.py" in repo.files else "NO_APP_FILE"
        hardware = repo.about.get("hardware", "cpu-basic")
        return {"stage": stage, "hardware": {"current": hardware, "requested": hardware}, "storage": None}

    def resolve(self, body: bytes, kind: str | None, name: str, revision: str, path: str) -> bytes:
        try:
            return self.repo(kind, name).files[path]
        except KeyError:
            raise Refused(404, "Entry not found", "EntryNotFound") from None


KIND, PREFIX, NAME = r"(models|datasets|spaces)", r"(?:(datasets|spaces)/)?", r"([\w.-]+/[\w.-]+)"
ROUTES: tuple[tuple[str, str, Callable[..., Any]], ...] = (
    ("GET", r"/api/whoami-v2", Hub.whoami),
    ("POST", r"/api/repos/create", Hub.create),
    ("POST", r"/api/validate-yaml", Hub.validate),
    ("POST", rf"/api/{KIND}/{NAME}/preupload/([\w.-]+)", Hub.preupload),
    ("POST", rf"/{PREFIX}{NAME}\.git/info/lfs/objects/batch", Hub.batch),
    ("PUT", r"/store/(\w+)", Hub.keep),
    ("POST", rf"/api/{KIND}/{NAME}/commit/([\w.-]+)", Hub.commit),
    ("GET", rf"/api/{KIND}/{NAME}(?:/revision/([\w.-]+))?", Hub.info),
    ("GET", rf"/api/{KIND}/{NAME}/tree/([\w.-]+)", Hub.tree),
    ("GET", rf"/api/spaces/{NAME}/runtime", Hub.runtime),
    ("GET", rf"/{PREFIX}{NAME}/resolve/([\w.-]+)/(.+)", Hub.resolve),
)


def is_binary(data: bytes) -> bool:
    """As git and the Hub tell it: by how the file begins, where a letter may be cut in two."""
    start = data[:512]
    try:
        return "\0" in start.decode()
    except UnicodeDecodeError as error:
        return b"\0" in start or error.start < len(start) - 3


@contextlib.contextmanager
def serve_hub() -> Iterator[Hub]:
    hub = Hub()

    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self):
            path = unquote(urlsplit(self.path).path)
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            hub.asked.append((self.command, path))
            method = "GET" if self.command == "HEAD" else self.command
            headers = {"x-repo-commit": COMMIT}
            try:
                status, found = 200, hub_answer(method, path, body)
            except Refused as error:
                status, found = error.status, {"error": str(error), **error.about}
                headers |= {"x-error-code": error.code, "x-error-message": str(error)}
            data = found if isinstance(found, bytes) else json.dumps(found).encode()
            headers["etag"] = f'"{hashlib.sha256(data).hexdigest()}"'
            headers["content-type"] = "application/octet-stream" if isinstance(found, bytes) else "application/json"
            self.send_response(status)
            for name, value in {**headers, "content-length": str(len(data))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        do_GET = do_HEAD = do_POST = do_PUT = answer

        def log_message(self, *_):
            pass

    def hub_answer(method: str, path: str, body: bytes):
        for verb, pattern, act in ROUTES:
            if verb == method and (match := re.fullmatch(pattern, path)):
                return act(hub, body, *match.groups())
        raise Refused(404, f"The stand-in has no {method} {path}")

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    hub.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
