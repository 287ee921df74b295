"""The file of a person's examples: JSON, with images of 28 x 28 in base64, one byte per pixel.

It looks like this::

    {"format": "digitlab hand", "version": 1, "network": "9f86...", "labels": [7, ...],
     "images": ["AAAA...", ...], "sha256": "1b4f..."}

"network" is the checksum of the network that the examples were taught to. A file that was exported
from the web page has neither this nor "sha256": the page has the same network in another format,
with another checksum, and browsers compute no checksums on plain http. Any network can learn from
such a file.

Several recognizers, in one process or in many, may keep their examples in one file, see `HandFile`.
"""

import base64
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path

import numpy as np

from digitlab._io import atomic_write, json_checksum, json_with_checksum, locked, read_json
from digitlab.images import SIZE, as_labels

_FORMAT = {"format": "digitlab hand", "version": 1}


def write_examples(
    path: str | os.PathLike[str], images: np.ndarray, labels: np.ndarray, network: str
) -> None:
    """Write a person's examples to a file.

    Args:
        path: The file. It is replaced only when the new one is complete.
        images: (n, 28, 28) uint8.
        labels: (n,).
        network: The checksum of the network.
    """
    document = _FORMAT | {
        "network": network,
        "labels": labels.tolist(),
        "images": [base64.b64encode(image.tobytes()).decode() for image in images],
    }
    with atomic_write(path) as part:
        part.write_text(json_with_checksum(document), encoding="utf-8")


def is_examples_file(path: str | os.PathLike[str]) -> bool:
    """Tell whether a file holds the examples of a hand, even if it is damaged."""
    return f'"{_FORMAT["format"]}"' in Path(path).read_text(encoding="utf-8", errors="replace")


def read_examples(path: str | os.PathLike[str]) -> tuple[np.ndarray, np.ndarray, str | None]:
    """Read what `write_examples` or the web page wrote.

    Returns:
        Images, labels, and the checksum of the network; None for a file from the web page.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is not such a file, or it was changed.
    """
    path = Path(path)
    try:
        document = read_json(path, _FORMAT)
        network = document.get("network")
        if not isinstance(network, str | None):
            raise ValueError('"network" is not a checksum')
        checksum = None if network is None else json_checksum(document)
        if checksum != document.get("sha256"):
            raise ValueError("its checksum does not match: it was changed")
        labels = as_labels(document["labels"], len(document["images"]))
        pixels = [base64.b64decode(image, validate=True) for image in document["images"]]
        images = np.zeros((len(labels), SIZE, SIZE), np.uint8)
        for image, content in zip(images, pixels, strict=True):
            image[:] = np.frombuffer(content, np.uint8).reshape(SIZE, SIZE)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(
            f"expected {path} to hold the examples of a hand, as PersonalRecognizer.save and the "
            f"web page write them: {error}"
        ) from None
    return images, labels, network


class HandFile:
    """The file in which a recognizer keeps its examples. Others may keep theirs in it, too.

    Args:
        path: The file. It need not exist.
        read: Called with images and labels, to learn them in place of all present examples.
        write: Called with the path, to write the present examples to it.
    """

    def __init__(
        self,
        path: Path,
        read: Callable[[np.ndarray, np.ndarray], None],
        write: Callable[[Path], None],
    ):
        self.path = path
        self._read, self._write = read, write
        self._seen: tuple[int, int, int] | None = None  # the version that the recognizer knows
        self._unsaved: list[Callable[[], None]] = []  # the changes that the file lacks

    def change(self, change: Callable[[], None]) -> None:
        """Learn what others have written since; then make a change, and save it.

        Raises:
            OSError: The file cannot be read, and nothing has changed; or it cannot be written, and
                the change is saved with the next one or by `catch_up`.
            ValueError: It is not such a file; nothing has changed.
        """
        with self._locked():
            self._learn_news()
            change()
            self._unsaved.append(change)
            self._save()

    def catch_up(self) -> None:
        """Learn what others have written since, and save what could not be saved.

        Raises:
            OSError, ValueError: See `change`; nothing is lost.
        """
        with self._locked() if self._unsaved else nullcontext():
            self._learn_news()
            if self._unsaved:
                self._save()

    def _locked(self) -> AbstractContextManager[None]:
        folder = self.path.parent
        return locked(folder) if folder.is_dir() else nullcontext()

    def _learn_news(self) -> None:
        version = self._version()
        if version not in (None, self._seen):
            self._read(*read_examples(self.path)[:2])
            self._seen = version
            for change in self._unsaved:
                with suppress(IndexError):  # somebody else has forgotten what was to be forgotten
                    change()

    def _save(self) -> None:
        self._write(self.path)
        self._unsaved.clear()
        self._seen = self._version()

    def _version(self) -> tuple[int, int, int] | None:
        """Return what changes whenever the file is replaced; None if there is no file."""
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size
