"""A hub for the installed ``huggingface_hub`` client: its HTTP calls, answered by the standard library.

Create, preupload, large files (batch, one PUT or several parts, verify), commit, branches, listings, and
downloads with ETag, ``X-Repo-Commit`` and Range. Private repositories are hidden from strangers as on the Hub.
"""

import base64
import hashlib
import json
import re
import socket
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import yaml

from tests.hub.repositories import HubState, Repository, StoredFile

_LARGE = (".safetensors", ".parquet", ".pgen", ".bed", ".vcf.gz", ".npy")
_API = r"/api/(?P<kind>model|dataset)s/(?P<name>[^/]+/[^/]+)"


class Refusal(Exception):
    """An answer other than success."""

    def __init__(self, status: int, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.status, self.code = status, code


class HubServer(ThreadingHTTPServer):
    """Listens on a free port of this machine once made; ``serve`` answers in a thread."""

    daemon_threads = True

    def __init__(self) -> None:
        self.state = HubState()
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def serve(self) -> None:
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address) -> None:
        """Clients that hang up are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: HubServer

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on the screen."""

    def do_GET(self) -> None:
        self._answer()

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET

    # -- one request -------------------------------------------------------------------------------------

    def _answer(self) -> None:
        state = self.server.state
        parts = urlsplit(self.path)
        path, self.query = unquote(parts.path), parse_qs(parts.query)
        state.requests.append(f"{self.command} {path}")
        try:
            if state.is_down:
                raise Refusal(503, "down for maintenance")
            if self.command == "PUT" and state.break_uploads:
                self.rfile.read(64)
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            body = self._body()
            for pattern, methods, action in _ROUTES:
                found = re.fullmatch(pattern, path)
                if found and self.command in methods:
                    with state.lock:
                        action(self, state, body, **found.groupdict())
                    return
            raise Refusal(404, f"no such page: {path}")
        except Refusal as refusal:
            headers = {"X-Error-Message": str(refusal)} | (
                {"X-Error-Code": refusal.code} if refusal.code else {}
            )
            self._send(refusal.status, json.dumps({"error": str(refusal)}).encode(), headers)

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            content = b""
            while size := int(self.rfile.readline().strip(), 16):
                content += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return content
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status, HTTPStatus(status).phrase)
        for name, value in ({"Content-Length": str(len(content))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _json(self, value: object, status: int = 200) -> None:
        self._send(status, json.dumps(value).encode(), {"Content-Type": "application/json"})

    # -- who may ------------------------------------------------------------------------------------------

    def _user(self) -> str | None:
        sent = self.headers.get("Authorization")
        if sent is None:
            return None
        user = self.server.state.users.get(sent.removeprefix("Bearer "))
        if user is None:
            raise Refusal(401, "Invalid credentials in Authorization header")
        return user

    def _signed_in(self) -> str:
        user = self._user()
        if user is None:
            raise Refusal(401, "Invalid username or password.")
        return user

    def _repository(self, kind: str, name: str, *, write: bool = False) -> Repository:
        user = self._user()
        found = self.server.state.repositories.get((kind, name))
        owns = user is not None and name.startswith(f"{user}/")
        if found is None or (found.private and not owns):
            raise Refusal(404 if user else 401, "Repository not found", "RepoNotFound")
        if write and not owns:
            raise Refusal(403, f"You have no right to write to {name}")
        return found

    @staticmethod
    def _commit(repository: Repository, revision: str) -> str:
        commit = repository.resolve(revision)
        if commit is None:
            raise Refusal(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return commit

    # -- pages ---------------------------------------------------------------------------------------------

    def whoami(self, state: HubState, body: bytes) -> None:
        self._json({"type": "user", "name": self._signed_in(), "orgs": [], "auth": {}})

    def create(self, state: HubState, body: bytes) -> None:
        user, asked = self._signed_in(), json.loads(body)
        kind, owner = asked.get("type") or "model", asked.get("organization") or user
        name = f"{owner}/{asked['name']}"
        if owner != user:
            raise Refusal(403, f"You don't have the rights to create a {kind} under the namespace {owner}")
        page = {"url": f"{self.server.url}/{'datasets/' if kind == 'dataset' else ''}{name}", "id": name}
        if (kind, name) in state.repositories:
            self._json({"error": "You already created this repo", **page}, 409)
            return
        # Clients of before visibilities said private or not.
        private = asked.get("visibility", "private" if asked.get("private") else "public") == "private"
        repository = state.repositories[kind, name] = Repository(private)
        repository.commit("main", {".gitattributes": StoredFile(b"*.safetensors filter=lfs\n")})
        self._json(page)

    def validate_yaml(self, state: HubState, body: bytes) -> None:
        content = json.loads(body)["content"]
        block = re.match(r"---\n(.*?)\n---\n", content, re.DOTALL)
        errors = [] if block and isinstance(yaml.safe_load(block[1]), dict) else [{"message": "no metadata"}]
        self._json({"errors": errors, "warnings": []}, 400 if errors else 200)

    def preupload(self, state: HubState, body: bytes, kind: str, name: str, revision: str) -> None:
        repository = self._repository(kind, name, write=True)
        present = repository.commits[self._commit(repository, revision)]
        files = [
            {
                "path": file["path"],
                "uploadMode": "lfs" if file["path"].endswith(_LARGE) else "regular",
                "shouldIgnore": False,
                "oid": present[file["path"]].oid if file["path"] in present else None,
            }
            for file in json.loads(body)["files"]
        ]
        self._json({"files": files})

    def batch(self, state: HubState, body: bytes, name: str, kind: str | None = None) -> None:
        self._repository("dataset" if kind else "model", name, write=True)
        objects = []
        for wanted in json.loads(body)["objects"]:
            oid, size = wanted["oid"], wanted["size"]
            answer = {"oid": oid, "size": size}
            if oid not in state.large:
                verify = {"href": f"{self.server.url}/large/verify"}
                upload: dict = {"href": f"{self.server.url}/large/{oid}"}
                step = state.multipart_bytes
                if step is not None and size > step:
                    urls = {
                        str(part + 1): f"{upload['href']}?part={part + 1}" for part in range(-(-size // step))
                    }
                    upload = {
                        "href": f"{upload['href']}/complete",
                        "header": {"chunk_size": str(step), **urls},
                    }
                answer["actions"] = {"upload": upload, "verify": verify}
            objects.append(answer)
        self._json({"transfer": "basic", "objects": objects})

    def put_large(self, state: HubState, body: bytes, oid: str) -> None:
        if part := self.query.get("part"):
            state.parts.setdefault(oid, {})[int(part[0])] = body
        else:
            self._store_large(state, oid, body)
        self._send(200, b"", {"ETag": f'"{hashlib.md5(body).hexdigest()}"'})

    def complete_large(self, state: HubState, body: bytes, oid: str) -> None:
        numbers = [part["partNumber"] for part in json.loads(body)["parts"]]
        self._store_large(state, oid, b"".join(state.parts[oid][number] for number in numbers))
        self._json({})

    @staticmethod
    def _store_large(state: HubState, oid: str, content: bytes) -> None:
        if hashlib.sha256(content).hexdigest() != oid:
            raise Refusal(400, "the content is not what its name says")
        state.large[oid] = content

    def verify_large(self, state: HubState, body: bytes) -> None:
        asked = json.loads(body)
        if len(state.large.get(asked["oid"], b"")) != asked["size"]:
            raise Refusal(404, "no such object")
        self._json({})

    def commit(self, state: HubState, body: bytes, kind: str, name: str, revision: str) -> None:
        repository = self._repository(kind, name, write=True)
        parent = self._commit(repository, revision)
        files = dict(repository.commits[parent])
        for line in body.splitlines():
            item = json.loads(line)
            key, value = item["key"], item["value"]
            if key == "header" and value.get("parentCommit") not in (None, parent):
                raise Refusal(412, "A commit has happened since. Please refresh and try again.")
            if key == "file":
                files[value["path"]] = StoredFile(base64.b64decode(value["content"]))
            elif key == "lfsFile":
                if value["oid"] not in state.large:
                    raise Refusal(400, f"{value['path']} was never uploaded")
                files[value["path"]] = StoredFile(state.large[value["oid"]], value["oid"])
            elif key == "deletedFile" and files.pop(value["path"], None) is None:
                raise Refusal(404, "A file with this name doesn't exist", "EntryNotFound")
        oid = repository.commit(revision, files)
        self._json({"commitUrl": f"{self.server.url}/{name}/commit/{oid}", "commitOid": oid})

    def branch(self, state: HubState, body: bytes, kind: str, name: str, revision: str) -> None:
        repository = self._repository(kind, name, write=True)
        if revision in repository.branches:
            raise Refusal(409, "Reference already exists")
        start = json.loads(body or b"{}").get("startingPoint") or "main"
        repository.branches[revision] = self._commit(repository, start)
        self._json({})

    def info(self, state: HubState, body: bytes, kind: str, name: str, revision: str | None = None) -> None:
        repository = self._repository(kind, name)
        commit = self._commit(repository, revision or "main")
        files = repository.commits[commit]
        self._json(
            {
                "id": name, "sha": commit, "private": repository.private, "tags": [], "downloads": 0,
                "siblings": [{"rfilename": path} for path in files], "gated": False, "disabled": False,
            }
        )  # fmt: skip

    def tree(
        self, state: HubState, body: bytes, kind: str, name: str, revision: str, below: str | None = None
    ) -> None:
        repository = self._repository(kind, name)
        files = repository.commits[self._commit(repository, revision)]
        start = f"{below}/" if below else ""
        inside = {path: file for path, file in files.items() if path.startswith(start)}
        if start and not inside:
            raise Refusal(404, f"{below} does not exist", "EntryNotFound")
        entries, folders = [], set()
        for path, file in inside.items():
            rest = path.removeprefix(start).split("/")
            folders |= {start + "/".join(rest[:depth]) for depth in range(1, len(rest))}
            if self.query.get("recursive", ["false"])[0].lower() in ("true", "1") or len(rest) == 1:
                entries.append(file.entry(path))
        self._json(
            entries + [{"type": "directory", "path": path, "oid": "0" * 40} for path in sorted(folders)]
        )

    def paths(self, state: HubState, body: bytes, kind: str, name: str, revision: str) -> None:
        repository = self._repository(kind, name)
        files = repository.commits[self._commit(repository, revision)]
        text = body.decode()
        asked = json.loads(text)["paths"] if text.startswith("{") else parse_qs(text)["paths"]
        found = []
        for path in [asked] if isinstance(asked, str) else asked:
            if path in files:
                found.append(files[path].entry(path))
            elif any(other.startswith(f"{path}/") for other in files):
                found.append({"type": "directory", "path": path, "oid": "0" * 40})
        self._json(found)

    def refs(self, state: HubState, body: bytes, kind: str, name: str) -> None:
        branches = self._repository(kind, name).branches
        self._json(
            {
                "branches": [
                    {"name": branch, "ref": f"refs/heads/{branch}", "targetCommit": commit}
                    for branch, commit in branches.items()
                ],
                "converts": [],
                "tags": [],
            }
        )

    def resolve(
        self, state: HubState, body: bytes, name: str, revision: str, file: str, kind: str | None = None
    ) -> None:
        repository = self._repository("dataset" if kind else "model", name)
        commit = self._commit(repository, revision)
        stored = repository.commits[commit].get(file)
        headers = {"X-Repo-Commit": commit}
        if stored is None:
            self._send(
                404, b"", headers | {"X-Error-Code": "EntryNotFound", "X-Error-Message": "Entry not found"}
            )
            return
        headers |= {"ETag": f'"{stored.etag}"', "Accept-Ranges": "bytes"}
        if stored.sha256 is not None:
            headers |= {"X-Linked-Etag": f'"{stored.sha256}"', "X-Linked-Size": str(len(stored.content))}
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if asked is None:
            self._send(200, stored.content, headers)
            return
        first, total = int(asked[1]), len(stored.content)
        last = min(int(asked[2] or total), total - 1)
        headers["Content-Range"] = f"bytes {first}-{last}/{total}"
        self._send(206, stored.content[first : last + 1], headers)


_READ, _WRITE = ("GET", "HEAD"), ("POST",)
_ROUTES = [
    (r"/api/whoami-v2", _READ, _Handler.whoami),
    (r"/api/repos/create", _WRITE, _Handler.create),
    (r"/api/validate-yaml", _WRITE, _Handler.validate_yaml),
    (rf"{_API}/preupload/(?P<revision>.+)", _WRITE, _Handler.preupload),
    (rf"{_API}/commit/(?P<revision>.+)", _WRITE, _Handler.commit),
    (rf"{_API}/branch/(?P<revision>.+)", _WRITE, _Handler.branch),
    (rf"{_API}/tree/(?P<revision>[^/]+)(?:/(?P<below>.*))?", _READ, _Handler.tree),
    (rf"{_API}/paths-info/(?P<revision>[^/]+)", _WRITE, _Handler.paths),
    (rf"{_API}/refs", _READ, _Handler.refs),
    (rf"{_API}(?:/revision/(?P<revision>[^/]+))?", _READ, _Handler.info),
    (r"/(?P<kind>datasets/)?(?P<name>[^/]+/[^/]+)\.git/info/lfs/objects/batch", _WRITE, _Handler.batch),
    (r"/large/verify", _WRITE, _Handler.verify_large),
    (r"/large/(?P<oid>[0-9a-f]{64})", ("PUT",), _Handler.put_large),
    (r"/large/(?P<oid>[0-9a-f]{64})/complete", _WRITE, _Handler.complete_large),
    (
        r"/(?P<kind>datasets/)?(?P<name>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<file>.+)",
        _READ,
        _Handler.resolve,
    ),
]  # fmt: skip
