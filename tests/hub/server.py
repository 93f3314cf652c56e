"""A Hugging Face Hub on loopback, in memory: what publishing is tested against, over real HTTP.

It answers the calls that huggingface_hub makes for models, datasets and spaces: who am I, create, commit (plain and LFS
files), branches, tags, listings, downloads in ranges. Errors carry the codes that the client turns into its exceptions.
Xet is not spoken: clients that upload set `HF_HUB_DISABLE_XET=1`.
"""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from .repositories import BINARY_SUFFIXES, Blob, Hub, HubError, Repository

USER = "tester"
TOKEN = "hf_right"
READ_TOKEN = "hf_reading"

_DATE = "2026-01-01T00:00:00.000Z"


@contextmanager
def running_hub() -> Iterator[Hub]:
    """A server on a free port of loopback for as long as the context lasts."""
    hub = Hub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        hub.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()


_REPO = r"(?P<id>[^/]+(?:/[^/]+)?)"
_API = rf"/api/(?P<kind>models|datasets|spaces)/{_REPO}"
_FILES = rf"/(?:(?P<kind>datasets|spaces)/)?{_REPO}"
_REV = r"(?P<revision>[^/]+)"
_ROUTES = [
    (method, re.compile(pattern), name)
    for method, pattern, name in (
        ("GET", r"/api/whoami-v2", "whoami"),
        ("POST", r"/api/validate-yaml", "validate_yaml"),
        ("POST", r"/api/repos/create", "create"),
        ("POST", rf"{_API}/preupload/{_REV}", "preupload"),
        ("POST", rf"{_API}/commit/{_REV}", "commit"),
        ("POST", rf"{_API}/branch/(?P<branch>.+)", "create_branch"),
        ("POST", rf"{_API}/tag/{_REV}", "create_tag"),
        ("GET", rf"{_API}/refs", "refs"),
        ("POST", rf"{_API}/paths-info/{_REV}", "paths_info"),
        ("GET", rf"{_API}/tree/{_REV}(?:/(?P<path>.+))?", "tree"),
        ("GET", rf"{_API}/revision/{_REV}", "info"),
        ("GET", _API, "info"),
        ("POST", rf"{_FILES}\.git/info/lfs/objects/batch", "lfs_batch"),
        ("PUT", r"/lfs/(?P<oid>[0-9a-f]{64})", "lfs_upload"),
        ("POST", r"/lfs/verify", "lfs_verify"),
        ("GET", rf"{_FILES}/resolve/{_REV}/(?P<path>.+)", "resolve"),
        ("HEAD", rf"{_FILES}/resolve/{_REV}/(?P<path>.+)", "resolve"),
    )
]


class _Handler(BaseHTTPRequestHandler):
    """One request: find its route, check who asks, answer."""

    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the name is the base class's)
        """Tests read exceptions, not logs."""

    def _dispatch(self) -> None:
        # Read first, always: what is left of a body would be taken for the next request on the connection.
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            self._check_token()
            name, found = self._route()
            with self.hub.lock:
                getattr(self, f"_{name}")(**found)
        except HubError as error:
            headers = {"X-Error-Code": error.code, "X-Error-Message": error.message}
            self._send_json({"error": error.message}, error.status, headers)

    do_GET = do_HEAD = do_POST = do_PUT = _dispatch  # noqa: N815  (names that the base class asks for)

    def _route(self) -> tuple[str, dict[str, str]]:
        path = urlsplit(self.path).path
        for method, pattern, name in _ROUTES:
            if method == self.command and (match := pattern.fullmatch(path)):
                found = {key: unquote(value) for key, value in match.groupdict().items() if value is not None}
                if "kind" in pattern.groupindex:
                    found.setdefault("kind", "models")
                return name, found
        raise HubError(404, "NotFound", f"no such page: {self.command} {path}")

    def _check_token(self) -> None:
        sent = self.headers.get("Authorization")
        if sent is not None and sent not in (f"Bearer {TOKEN}", f"Bearer {READ_TOKEN}"):
            raise HubError(401, "InvalidCredentials", "Invalid credentials in Authorization header")

    def _may_write(self) -> None:
        sent = self.headers.get("Authorization")
        if sent is None:
            raise HubError(401, "Unauthorized", "Authentication is required")
        if sent != f"Bearer {TOKEN}":
            raise HubError(403, "Forbidden", "This token has no permission to write")

    def _send(self, content: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        self.hub.answers[status] += 1
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _send_json(self, value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        self._send(json.dumps(value).encode(), status, {"Content-Type": "application/json", **(headers or {})})

    def _repository(self, kind: str, repo_id: str) -> Repository:
        repository = self.hub.repositories.get((kind, repo_id))
        if repository is None or (repository.private and "Authorization" not in self.headers):
            raise HubError(404, "RepoNotFound", "Repository not found")
        return repository

    # ---- accounts and repositories -----------------------------------------------------------------------------------

    def _whoami(self) -> None:
        sent = self.headers.get("Authorization")
        if sent is None:
            raise HubError(401, "Unauthorized", "Authentication is required")
        role = "write" if sent == f"Bearer {TOKEN}" else "read"
        self._send_json({"type": "user", "name": USER, "orgs": [], "auth": {"accessToken": {"role": role}}})

    def _validate_yaml(self) -> None:
        self._send_json({"errors": [], "warnings": []})

    def _create(self) -> None:
        self._may_write()
        asked = json.loads(self.body)
        kind = f"{asked.get('type') or 'model'}s"
        repo_id = f"{asked.get('organization') or USER}/{asked['name']}"
        url = f"{self.hub.url}/{'' if kind == 'models' else kind + '/'}{repo_id}"
        answer = {"url": url, "name": repo_id, "id": repo_id}
        if (kind, repo_id) in self.hub.repositories:
            self._send_json({**answer, "error": "You already created this repo"}, 409)
            return
        if kind == "spaces" and asked.get("sdk") == "gradio" and asked.get("hardware") != "zero-a10g":
            # As the Hub answers accounts without a paid plan.
            raise HubError(402, "PaymentRequired", "Upgrade to PRO to host Gradio Spaces on this hardware")
        private = asked.get("visibility") == "private"
        self.hub.repositories[kind, repo_id] = Repository(
            kind, repo_id, private, asked.get("sdk"), asked.get("hardware")
        )
        self._send_json(answer)

    def _create_branch(self, kind: str, id: str, branch: str) -> None:  # noqa: A002  (as in the routes)
        self._may_write()
        repository = self._repository(kind, id)
        if branch in repository.branches:
            raise HubError(409, "Conflict", f"Reference already exists: {branch}")
        start = json.loads(self.body or b"{}").get("startingPoint") or "main"
        repository.branches[branch] = [repository.at(start)]
        self._send_json({})

    def _create_tag(self, kind: str, id: str, revision: str) -> None:  # noqa: A002
        self._may_write()
        repository, tag = self._repository(kind, id), json.loads(self.body)["tag"]
        if tag in repository.tags:
            raise HubError(409, "Conflict", f"Tag reference exists already: {tag}")
        repository.tags[tag] = repository.at(revision).oid
        self._send_json({})

    def _refs(self, kind: str, id: str) -> None:  # noqa: A002
        repository = self._repository(kind, id)
        branches = {name: log[-1].oid for name, log in repository.branches.items()}
        self._send_json(
            {
                "branches": [_ref("heads", name, oid) for name, oid in branches.items()],
                "tags": [_ref("tags", name, oid) for name, oid in repository.tags.items()],
                "converts": [],
            }
        )

    def _info(self, kind: str, id: str, revision: str = "main") -> None:  # noqa: A002
        repository = self._repository(kind, id)
        commit = repository.at(revision)
        self._send_json(
            {
                "_id": hashlib.sha1(id.encode()).hexdigest()[:24],
                "id": id,
                "modelId": id,
                "author": id.split("/")[0],
                "sha": commit.oid,
                "siblings": [{"rfilename": path} for path in commit.files],
                "private": repository.private,
                "gated": False,
                "disabled": False,
                "tags": [],
                "downloads": 0,
                "likes": 0,
                "sdk": repository.sdk,
                "createdAt": _DATE,
                "lastModified": _DATE,
            }
        )

    # ---- files in ----------------------------------------------------------------------------------------------------

    def _preupload(self, kind: str, id: str, revision: str) -> None:  # noqa: A002
        self._may_write()
        self._repository(kind, id).at(revision)
        answer = []
        for asked in json.loads(self.body)["files"]:
            mode = "lfs" if asked["path"].endswith(BINARY_SUFFIXES) else "regular"
            answer.append({"path": asked["path"], "uploadMode": mode, "shouldIgnore": False})
        self._send_json({"files": answer})

    def _lfs_batch(self, kind: str, id: str) -> None:  # noqa: A002
        self._may_write()
        self._repository(kind, id)
        answer = []
        for asked in json.loads(self.body)["objects"]:
            actions = {"upload": f"/lfs/{asked['oid']}", "verify": "/lfs/verify"}
            links = {name: {"href": self.hub.url + path} for name, path in actions.items()}
            stored = asked["oid"] in self.hub.objects
            answer.append({**asked, **({} if stored else {"actions": links})})
        self._send_json({"transfer": "basic", "objects": answer})

    def _lfs_upload(self, oid: str) -> None:
        if hashlib.sha256(self.body).hexdigest() != oid:
            raise HubError(422, "Unprocessable", f"the content does not have the checksum {oid}")
        self.hub.objects[oid] = self.body
        self._send(b"")

    def _lfs_verify(self) -> None:
        asked = json.loads(self.body)
        if len(self.hub.objects.get(asked["oid"], b"")) != asked["size"]:
            raise HubError(404, "EntryNotFound", f"{asked['oid']} was not uploaded whole")
        self._send_json({})

    def _commit(self, kind: str, id: str, revision: str) -> None:  # noqa: A002
        self._may_write()
        repository = self._repository(kind, id)
        if revision not in repository.branches:
            raise HubError(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        files, message = dict(repository.at(revision).files), ""
        for line in self.body.splitlines():
            entry = json.loads(line)
            value = entry["value"]
            if entry["key"] == "header":
                message = value["summary"]
            elif entry["key"] == "file":
                files[value["path"]] = Blob(base64.b64decode(value["content"]), lfs=False)
            elif entry["key"] == "lfsFile":
                if value["oid"] not in self.hub.objects:
                    raise HubError(400, "BadRequest", f"{value['path']} was not uploaded")
                files[value["path"]] = Blob(self.hub.objects[value["oid"]], lfs=True)
            elif entry["key"] in ("deletedFile", "deletedFolder"):
                gone = value["path"].rstrip("/")
                files = {path: blob for path, blob in files.items() if path != gone and not path.startswith(gone + "/")}
            else:
                raise HubError(400, "BadRequest", f"unknown operation {entry['key']!r}")
        oid = repository.commit(revision, message, files).oid
        prefix = "" if kind == "models" else f"{kind}/"
        self._send_json({"success": True, "commitOid": oid, "commitUrl": f"{self.hub.url}/{prefix}{id}/commit/{oid}"})

    # ---- files out ---------------------------------------------------------------------------------------------------

    def _tree(self, kind: str, id: str, revision: str, path: str = "") -> None:  # noqa: A002
        files = self._repository(kind, id).at(revision).files
        prefix = f"{path}/" if path else ""
        inside = {name: blob for name, blob in files.items() if name.startswith(prefix)}
        if path and not inside:
            raise HubError(404, "EntryNotFound", f"{path} does not exist on {revision}")
        recursive = re.search(r"recursive=(true|1)", self.path, re.IGNORECASE) is not None
        folders: set[str] = set()
        entries = []
        for name, blob in inside.items():
            parents = name.removeprefix(prefix).split("/")[:-1]
            folders |= {prefix + "/".join(parents[: depth + 1]) for depth in range(len(parents) if recursive else 1)}
            if recursive or not parents:
                entries.append(_file_entry(name, blob))
        folders.discard(prefix)
        entries += [_folder_entry(name) for name in sorted(folders)]
        self._send_json(entries)

    def _paths_info(self, kind: str, id: str, revision: str) -> None:  # noqa: A002
        files = self._repository(kind, id).at(revision).files
        entries = []
        for path in json.loads(self.body)["paths"]:
            if path in files:
                entries.append(_file_entry(path, files[path]))
            elif any(name.startswith(f"{path}/") for name in files):
                entries.append(_folder_entry(path))
        self._send_json(entries)

    def _resolve(self, kind: str, id: str, revision: str, path: str) -> None:  # noqa: A002
        commit = self._repository(kind, id).at(revision)
        if path not in commit.files:
            raise HubError(404, "EntryNotFound", f"{path} does not exist on {revision}")
        blob = commit.files[path]
        headers = {
            "X-Repo-Commit": commit.oid,
            "ETag": f'"{blob.sha256 if blob.lfs else blob.git_oid}"',
            "Accept-Ranges": "bytes",
            "Content-Type": "application/octet-stream",
        }
        size = len(blob.content)
        if blob.lfs:
            headers |= {"X-Linked-Etag": f'"{blob.sha256}"', "X-Linked-Size": str(size)}
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if asked is None:
            self._send(blob.content, 200, headers)
            return
        first, last = int(asked[1]), min(int(asked[2] or size - 1), size - 1)
        if first > last:
            raise HubError(416, "RangeNotSatisfiable", f"{path} has {size} bytes")
        self._send(blob.content[first : last + 1], 206, {**headers, "Content-Range": f"bytes {first}-{last}/{size}"})


def _ref(group: str, name: str, oid: str) -> dict[str, str]:
    return {"name": name, "ref": f"refs/{group}/{name}", "targetCommit": oid}


def _file_entry(path: str, blob: Blob) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": "file", "path": path, "size": len(blob.content), "oid": blob.git_oid}
    if blob.lfs:
        entry["lfs"] = {"oid": blob.sha256, "size": len(blob.content), "pointerSize": 134}
    return entry


def _folder_entry(path: str) -> dict[str, Any]:
    return {"type": "directory", "path": path, "size": 0, "oid": hashlib.sha1(path.encode()).hexdigest()}
