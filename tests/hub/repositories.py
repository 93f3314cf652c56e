"""What the Hub of the tests holds: repositories with commits, branches and tags, and objects stored apart from git."""

import hashlib
import json
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

BINARY_SUFFIXES = (".safetensors", ".parquet", ".png", ".jpg", ".bin", ".tar")


class HubError(Exception):
    """An answer that is no success: status, the code the client goes by, and words."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


@dataclass(frozen=True)
class Blob:
    """A file: its content and whether it is stored apart from git."""

    content: bytes
    lfs: bool

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def git_oid(self) -> str:
        return hashlib.sha1(b"blob %d\0" % len(self.content) + self.content).hexdigest()


@dataclass(frozen=True)
class Commit:
    """A state of a repository."""

    oid: str
    message: str
    files: Mapping[str, Blob]


@dataclass
class Repository:
    """Branches with their commits, oldest first, and tags."""

    kind: str
    id: str
    private: bool
    sdk: str | None = None
    hardware: str | None = None
    branches: dict[str, list[Commit]] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.branches["main"] = []
        self.commit("main", "initial commit", {".gitattributes": Blob(b"*.safetensors filter=lfs\n", False)})

    def commit(self, branch: str, message: str, files: Mapping[str, Blob]) -> Commit:
        log = self.branches[branch]
        told = json.dumps([self.kind, self.id, branch, len(log), message, sorted(files)])
        log.append(Commit(hashlib.sha1(told.encode()).hexdigest(), message, dict(files)))
        return log[-1]

    def at(self, revision: str) -> Commit:
        if revision in self.branches:
            return self.branches[revision][-1]
        wanted = self.tags.get(revision, revision)
        for commit in (commit for log in self.branches.values() for commit in log):
            if commit.oid == wanted:
                return commit
        raise HubError(404, "RevisionNotFound", f"Invalid rev id: {revision}")


class Hub:
    """The whole state of a server, to be filled and looked at by tests.

    Attributes:
        url: what `HF_ENDPOINT` must be.
        repositories: by kind ("models", "datasets", "spaces") and id.
        answers: how often each HTTP status was given.
    """

    def __init__(self) -> None:
        self.url = ""
        self.repositories: dict[tuple[str, str], Repository] = {}
        self.objects: dict[str, bytes] = {}
        self.answers: Counter[int] = Counter()
        self.lock = threading.Lock()

    def put_files(self, kind: str, repo_id: str, files: Mapping[str, bytes]) -> Repository:
        """Make a repository, or add a commit to one, without going through HTTP."""
        repository = self.repositories.setdefault((kind, repo_id), Repository(kind, repo_id, private=False))
        blobs = {path: Blob(content, path.endswith(BINARY_SUFFIXES)) for path, content in files.items()}
        repository.commit("main", "put", {**repository.at("main").files, **blobs})
        return repository

    def log(self, kind: str, repo_id: str, branch: str = "main") -> list[str]:
        """Messages of the commits of a branch, oldest first."""
        return [commit.message for commit in self.repositories[kind, repo_id].branches[branch]]

    def files(self, kind: str, repo_id: str, revision: str = "main") -> dict[str, bytes]:
        """Content of every file."""
        return {path: blob.content for path, blob in self.repositories[kind, repo_id].at(revision).files.items()}
