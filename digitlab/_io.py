"""Files that are whole or not there at all, and that are known again when they are read.

What is written goes to a temporary name beside its place and is moved there when it is whole: a
process that is killed at any moment leaves the old file or the new one. A network's file carries
its checksum, so that one that was cut off or changed is refused, and does not read nonsense.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_CHECKSUM = b"\ndigitlab SHA-256 "  # before the digest, at the end of a file


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give another path to write a file to, and move it to its own when the block has ended.

    An earlier file stays until then, and for good when the block raises.

    Args:
        path: The file. Its folder is made where it does not exist.

    Raises:
        OSError: The file cannot be written, or the block has written none.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # In a folder of its own: some writers ask for a certain name, or put files beside it.
    with tempfile.TemporaryDirectory(
        prefix=f".{path.stem}-", dir=path.parent, ignore_cleanup_errors=True
    ) as folder:
        part = Path(folder) / path.name
        yield part
        os.replace(part, path)


def with_checksum(content: bytes) -> bytes:
    """A file's content, with its checksum at the end."""
    return content + _CHECKSUM + hashlib.sha256(content).digest()


def verified_content(content: bytes) -> bytes:
    """A file's content without its checksum.

    Raises:
        ValueError: It has none, or not the one that it must have.
    """
    end = len(content) - len(_CHECKSUM) - hashlib.sha256().digest_size
    if end < 0 or with_checksum(content[:end]) != content:
        raise ValueError("it was cut off or changed, or something else wrote it")
    return content[:end]


def with_checksum_json(document: dict[str, Any]) -> str:
    """A JSON document, with its checksum as the member "sha256"."""
    plain = {name: value for name, value in document.items() if name != "sha256"}
    digest = hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()
    return json.dumps(plain | {"sha256": digest})
