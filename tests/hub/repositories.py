"""What a hub remembers: accounts, repositories, commits and large files, in memory."""

import hashlib
import threading
from dataclasses import dataclass, field


def blob_id(content: bytes) -> str:
    """Git's name of a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@dataclass(frozen=True)
class StoredFile:
    """A file of a commit; ``sha256`` is None for one that git itself holds."""

    content: bytes
    sha256: str | None = None

    @property
    def oid(self) -> str:
        if self.sha256 is None:
            return blob_id(self.content)
        size = len(self.content)
        pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\nsize {size}\n"
        return blob_id(pointer.encode())

    @property
    def etag(self) -> str:
        return self.sha256 or self.oid

    def entry(self, path: str) -> dict:
        """As a listing shows it."""
        found = {"type": "file", "path": path, "size": len(self.content), "oid": self.oid}
        if self.sha256 is not None:
            found["lfs"] = {"oid": self.sha256, "size": len(self.content), "pointerSize": 130}
        return found


@dataclass
class Repository:
    """Commits by hash, branches by name. Paths are kept as they were sent, the malicious ones too."""

    private: bool
    commits: dict[str, dict[str, StoredFile]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)

    def commit(self, branch: str, files: dict[str, StoredFile]) -> str:
        text = f"{branch} {len(self.commits)} {sorted((path, file.etag) for path, file in files.items())}"
        name = hashlib.sha1(text.encode()).hexdigest()
        self.commits[name] = files
        self.branches[branch] = name
        return name

    def resolve(self, revision: str) -> str | None:
        """Hash of a branch or of a commit; None where there is none."""
        return self.branches.get(revision, revision if revision in self.commits else None)

    @property
    def files(self) -> dict[str, StoredFile]:
        """Those of the newest commit on main."""
        return self.commits[self.branches["main"]]


@dataclass
class HubState:
    """Everything that the server knows, and the faults that a test asks of it."""

    users: dict[str, str] = field(default_factory=dict)  # token to user name
    repositories: dict[tuple[str, str], Repository] = field(default_factory=dict)
    large: dict[str, bytes] = field(default_factory=dict)
    parts: dict[str, dict[int, bytes]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    break_uploads: bool = False  # close the connection in the middle of a large file
    multipart_bytes: int | None = None  # larger files travel in parts of this size
    is_down: bool = False
    lock: threading.RLock = field(default_factory=threading.RLock)

    def reset(self) -> None:
        """Forget all, for the next test."""
        self.__init__()  # type: ignore[misc]

    def model(self, name: str) -> Repository:
        return self.repositories["model", name]

    def put(self, name: str, files: dict[str, bytes], *, private: bool = False, kind: str = "model") -> str:
        """Make a repository by hand, whatever its files are called."""
        repository = self.repositories.setdefault((kind, name), Repository(private))
        stored = {
            path: StoredFile(
                content, hashlib.sha256(content).hexdigest() if path.endswith(".safetensors") else None
            )
            for path, content in files.items()
        }
        return repository.commit("main", stored)
