"""Files: atomic writes, locks, JSON and checksums.

A file is written under a temporary name next to its target, and moved into place when it is
complete: a process that is killed at any moment leaves either the old file or the new one. A
network's file ends in its checksum, so that a truncated or changed file is rejected, not read.
"""

import hashlib
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_CHECKSUM = b"\ndigitlab SHA-256 "  # before the digest, at the end of a file


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path to write to, and move the file into place when the block ends.

    Until then, and if the block raises, an existing file is left as it is.

    Args:
        path: The file. Its folder is created if necessary.

    Raises:
        OSError: The file cannot be written, or the block did not write one.
    """
    name = Path(path).name  # some writers take the format from its extension
    path = Path(os.path.realpath(path))  # a link stays, and its file is replaced
    with suppress(FileNotFoundError, NotADirectoryError):
        if not stat.S_ISREG(path.stat().st_mode):
            raise OSError(f"expected a file to replace, found something else at {path}")
    path.parent.mkdir(parents=True, exist_ok=True)
    # In a folder of its own: some writers insist on a file name, or put other files beside it.
    with tempfile.TemporaryDirectory(
        prefix=".digitlab-", dir=path.parent, ignore_cleanup_errors=True
    ) as folder:
        part = Path(folder) / name
        yield part
        with suppress(FileNotFoundError):  # others may remove it at any time
            _copy_access(path, part)
        os.replace(part, path)


def _copy_access(path: Path, part: Path) -> None:
    """Let the same people read and write a file as another: private and shared ones stay so."""
    if hasattr(os, "chown"):  # not on Windows
        with suppress(OSError):  # not one of our groups, or the drive has none
            os.chown(part, -1, path.stat().st_gid)
    shutil.copymode(path, part)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Wait until nobody else has this folder locked, and lock it, if the system has locks."""
    if fcntl is None:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network drives have no locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        with suppress(OSError):  # closing is not enough if a process was forked meanwhile
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def files_below(folder: Path) -> Iterator[Path]:
    """Yield the files in a folder and its subfolders, in order, but nothing hidden.

    Links to folders are followed, but each folder is read only once. The paths come one by one,
    because there may be millions.

    Raises:
        OSError: A folder cannot be read.
    """

    def fail(error: OSError) -> None:
        raise error

    seen = set()
    for here, folders, names in os.walk(folder, onerror=fail, followlinks=True):
        real = os.path.realpath(here)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(here, name) for name in sorted(names) if not name.startswith("."))


def shipped_path(name: str) -> Path:
    """Return the path of a file or folder in models/, in a wheel or in a checkout."""
    package = Path(__file__).parent
    in_wheel = package / "models" / name
    return in_wheel if in_wheel.exists() else package.parent / "models" / name


def read_json(path: Path, form: dict[str, Any]) -> dict[str, Any]:
    """Read a JSON object that has these members.

    Raises:
        OSError: The file cannot be read.
        ValueError: It holds something else. The message is about "it", for the caller to complete.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))  # some editors add a BOM
    except (ValueError, RecursionError) as error:  # not UTF-8, not JSON, nested too deeply
        raise ValueError(f"it cannot be read: {error}") from None
    if not isinstance(document, dict) or any(document.get(name) != form[name] for name in form):
        raise ValueError(f"it does not hold {json.dumps(form)}")
    return document


def with_checksum(content: bytes) -> bytes:
    """Append the checksum to a file's content."""
    return content + _CHECKSUM + hashlib.sha256(content).digest()


def verified_content(content: bytes) -> bytes:
    """Verify the checksum at the end of a file's content, and return the content without it.

    Raises:
        ValueError: There is no checksum, or it does not match.
    """
    end = len(content) - len(_CHECKSUM) - hashlib.sha256().digest_size
    if end < 0 or with_checksum(content[:end]) != content:
        raise ValueError("it was cut off or changed, or something else wrote it")
    return content[:end]


def json_with_checksum(document: dict[str, Any]) -> str:
    """Return a JSON document as text, with its checksum as the member "sha256"."""
    return json.dumps(_unsigned(document) | {"sha256": json_checksum(document)})


def json_checksum(document: dict[str, Any]) -> str:
    """Return the checksum of all members of a JSON document but "sha256"."""
    plain = json.dumps(_unsigned(document), sort_keys=True)
    return hashlib.sha256(plain.encode()).hexdigest()


def _unsigned(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != "sha256"}
