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
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import numpy as np

from digitlab._io import atomic_write, json_checksum, json_with_checksum, locked, read_json
from digitlab.images import SIZE, as_labels

_Examples = tuple[np.ndarray, np.ndarray]  # images (n, 28, 28) uint8 and labels (n,) int64
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
        own: Returns the recognizer's images and labels.
        learn: Called with images and labels, to learn them in place of the present ones.
        network: Returns the checksum of its network.
    """

    def __init__(
        self,
        path: Path,
        own: Callable[[], _Examples],
        learn: Callable[[np.ndarray, np.ndarray], None],
        network: Callable[[], str],
    ):
        self.path = path
        self._own, self._learn, self._network = own, learn, network
        self._seen: tuple[int, int, int] | None = None  # the version that the recognizer knows
        self._kept: _Examples = np.zeros((0, SIZE, SIZE), np.uint8), np.zeros(0, np.int64)  # in it

    def start(self) -> None:
        """Learn what is in the file; write it if there is none, but there are examples.

        Raises:
            OSError: The file cannot be read or written.
            ValueError: It is not such a file, or the recognizer has other examples.
        """
        own = self._own()
        if not len(own[1]):
            self._learn_news()
            return
        with self._locked():
            if not self._version():
                self._write()
            if not _same(own, read_examples(self.path)[:2]):
                raise ValueError(
                    f"expected a recognizer without examples or with those in {self.path}, "
                    "got one with others; keep them in another file"
                )
            self._learn_news()

    def change(self, change: Callable[[], None]) -> None:
        """Learn what others have written since; then make a change, and save it.

        Raises:
            OSError: The file cannot be read or written. The change is made all the same, and saved
                with the next one or by `save`.
            ValueError: It is not such a file; nothing has changed.
        """
        with ExitStack() as stack:
            try:
                stack.enter_context(self._locked())
                self._learn_news()
            except OSError:
                change()
                raise
            change()
            self._write()

    def catch_up(self) -> None:
        """Learn what others have written since, and save what could not be saved.

        Raises:
            OSError, ValueError: See `change`; nothing is lost.
        """
        self._learn_news()
        if not _same(self._own(), self._kept):
            self.save()

    def save(self) -> None:
        """Learn what others have written since, and write the file.

        Raises:
            OSError, ValueError: See `change`; nothing is lost.
        """
        with self._locked():
            self._learn_news()
            self._write()

    def _locked(self) -> AbstractContextManager[None]:
        if self._seen is None:  # else the folder was moved, and should not come back
            self.path.parent.mkdir(parents=True, exist_ok=True)
        return locked(self.path.parent)

    def _learn_news(self) -> None:
        version = self._version()
        if version not in (None, self._seen):
            theirs = read_examples(self.path)[:2]
            self._learn(*_merge(self._kept, self._own(), theirs))
            self._kept, self._seen = theirs, version

    def _write(self) -> None:
        own = self._own()
        write_examples(self.path, *own, self._network())
        self._kept, self._seen = own, self._version()

    def _version(self) -> tuple[int, int, int] | None:
        """Return what changes whenever the file is replaced; None if there is no file."""
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size


def _merge(before: _Examples, ours: _Examples, theirs: _Examples) -> _Examples:
    """Change `theirs` as `before` was changed to `ours`: leave out examples, and add others."""
    if _same(ours, theirs):
        return ours
    old, own, new = map(_keys, (before, ours, theirs))
    kept = _without(new, Counter(old) - Counter(own))
    added = _without(own, Counter(old))
    return (
        np.concatenate([theirs[0][kept], ours[0][added]]),
        np.concatenate([theirs[1][kept], ours[1][added]]),
    )


def _same(ours: _Examples, theirs: _Examples) -> bool:
    return np.array_equal(ours[0], theirs[0]) and np.array_equal(ours[1], theirs[1])


def _keys(examples: _Examples) -> list[tuple[bytes, int]]:
    """Return what tells each example from others."""
    return [(image.tobytes(), int(label)) for image, label in zip(*examples, strict=True)]


def _without(keys: list[tuple[bytes, int]], others: Counter) -> np.ndarray:
    """Return which keys are left (n,) when others are taken away, each as often as it is there."""
    left = []
    for key in keys:
        left.append(others[key] <= 0)
        others[key] -= 1
    return np.array(left, bool)
