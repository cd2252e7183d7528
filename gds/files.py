"""Files that are either whole or absent: written under a temporary name, then renamed."""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import numpy as np

from gds.errors import UserError

RUN_RECORD = "run.json"  # in every directory of results: how to make them again

# The disk is full, a quota is used up, or files may not grow any larger.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

# Files that wait for the others of an all_or_none: by their names what they are called until then, and the
# directories that were made for them.
_TOGETHER: ContextVar[dict[Path, tuple[Path, list[Path]]] | None] = ContextVar("_TOGETHER", default=None)


def is_full_disk(error: BaseException) -> bool:
    """Whether an error says that nothing more can be written."""
    number = error.errno if isinstance(error, OSError) else None
    # Libraries in C++ and Rust may tell the reason by its text alone.
    return number in _FULL or (number is None and any(os.strerror(full) in str(error) for full in _FULL))


def _explain(error: Exception, path: Path) -> Exception:
    """A user's error for what the system refused; anything else as it is."""
    if isinstance(error, UserError):
        return error
    number = error.errno if isinstance(error, OSError) else None
    if is_full_disk(error):
        return UserError(
            f"no space left on the disk of {path.parent}, or in your share of it: nothing was written; free some "
            "and run again, or choose another place with --out"
        )
    if number in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.EEXIST):
        return UserError(f"cannot write {path}: {os.strerror(number)}; choose another place with --out")
    return UserError(f"cannot write {path}: {error}") if isinstance(error, OSError) else error


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        told = _explain(error, path)
        if told is error:
            raise
        raise told from error


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it to ``path`` when the body succeeds.

    If the body fails, the temporary file is removed and ``path`` is left as it was.

    Raises
    ------
    UserError
        The disk is full or the place cannot be written.
    """
    path = Path(path)
    # The suffix stays last: writers such as np.save and pgenlib look at it.
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
    together = _TOGETHER.get()
    with _explained(path), _parents_of(path) as made:
        try:
            yield temporary
            if together is not None:
                together[path] = (temporary, made)
            else:
                os.replace(temporary, path)
        finally:
            if together is None or path not in together:
                temporary.unlink(missing_ok=True)


@contextmanager
def all_or_none() -> Iterator[None]:
    """Files written inside by :func:`atomic_path` get their names together, at the end, or none does.

    For files that belong together, such as genotypes and the record of how they were made. Until then none of
    them can be read under its name. ``@all_or_none()`` before a function does the same for all that it writes.
    """
    written: dict[Path, tuple[Path, list[Path]]] = {}
    outer = _TOGETHER.set(written)
    try:
        yield
        for path, (temporary, _) in written.items():
            with _explained(path):
                os.replace(temporary, path)
    finally:
        _TOGETHER.reset(outer)
        for temporary, _ in written.values():
            temporary.unlink(missing_ok=True)
        for _, made in written.values():
            _remove_empty(made)


@contextmanager
def _parents_of(path: Path) -> Iterator[list[Path]]:
    """Make the directories above ``path``, and yield those; they go again if the body fails."""
    missing = [parent for parent in path.parents if not parent.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield missing
    except BaseException:
        _remove_empty(missing)
        raise


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
        with suppress(OSError):  # it holds something
            folder.rmdir()


@contextmanager
def atomic_directory(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary directory beside ``path``; move it to ``path`` when the body succeeds.

    An existing directory at ``path`` is replaced only then; if the body fails it is left as it was. Only what
    an earlier run wrote, known by its ``run.json``, is replaced, and empty directories.

    Raises
    ------
    UserError
        Something else lies there, the disk is full, or the place cannot be written.
    """
    path = Path(os.path.abspath(path))  # "." has no name to put another one beside
    check_replaceable(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    replaced = path.with_name(f".{path.name}.{os.getpid()}.replaced")
    with _explained(path), _parents_of(path):
        try:
            shutil.rmtree(temporary, ignore_errors=True)
            temporary.mkdir()
            yield temporary
            if path.exists():
                os.replace(path, replaced)
            os.replace(temporary, path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
            shutil.rmtree(replaced, ignore_errors=True)


def check_replaceable(path: str | os.PathLike[str], inputs: Iterable[str | os.PathLike[str]] = ()) -> None:
    """Refuse results at a place where something would be lost; :func:`atomic_directory` asks again.

    Parameters
    ----------
    path
        The directory of results.
    inputs
        Files that the results are made from.

    Raises
    ------
    UserError
        An input lies there, or files that no earlier run wrote.
    """
    path = Path(os.path.abspath(path))
    inside = [each for each in inputs if path.resolve() in Path(each).resolve().parents]
    if inside:
        raise UserError(
            f"{inside[0]} is an input and lies in {path}, which would be replaced: choose another place with --out"
        )
    if path.is_dir():
        if any(path.iterdir()) and not (path / RUN_RECORD).is_file():
            raise UserError(
                f"the directory {path} holds files of something else (it has no {RUN_RECORD}), which would be "
                "replaced: choose another place with --out"
            )
    elif path.exists():
        raise UserError(f"{path} is a file, expected a directory: choose another place with --out")


def _plain(value: Any) -> Any:
    """What JSON can hold, for the numpy scalars, arrays and paths that end up in records."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write ``value`` as indented JSON, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, default=_plain) + "\n")


def read_json(path: str | os.PathLike[str]) -> Any:
    """Read a JSON file.

    Raises
    ------
    UserError
        The file is missing or is not JSON.
    """
    try:
        return json.loads(Path(path).read_text())
    except FileNotFoundError as error:
        raise UserError(f"{path} does not exist") from error
    except json.JSONDecodeError as error:
        raise UserError(f"{path} is not valid JSON (line {error.lineno}: {error.msg})") from error


def sha256(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file's content, as hexadecimal digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
