"""The file in which a pad keeps what it learns. Several pads may keep it in the same file."""

import os
from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path

import numpy as np

from digitlab._io import locked
from digitlab.examples_file import read_examples
from digitlab.recognizer import PersonalRecognizer


class HandFile:
    """A file of examples, as `PersonalRecognizer.save` writes it.

    Args:
        path: The file. It need not exist.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self._path = Path(path).absolute()  # the notebook may change its folder
        self._seen: tuple[int, int, int] | None = None  # the version that this pad knows
        self._unsaved: list[Callable[[PersonalRecognizer], None]] = []  # what the file lacks

    def load(self, recognizer: PersonalRecognizer) -> None:
        """Teach a recognizer the examples, if there is a file.

        Raises:
            OSError: The file cannot be read.
            ValueError: It is not such a file, or the recognizer has other examples.
        """
        self._seen = None
        own = recognizer.images, recognizer.labels
        if len(own[1]) and self._version():
            kept = read_examples(self._path)[:2]
            if not all(map(np.array_equal, own, kept)):
                raise ValueError(
                    f"expected a recognizer without examples or with those in {self._path}, got "
                    "one with others; keep them in another file"
                )
        self.catch_up(recognizer)

    def change(
        self, recognizer: PersonalRecognizer, change: Callable[[PersonalRecognizer], None]
    ) -> None:
        """Teach a recognizer what other pads have written since; then change and save it.

        Raises:
            OSError: The file cannot be read, and nothing has changed; or it cannot be written, and
                the change is saved with the next one.
            ValueError: It is not such a file; nothing has changed.
        """
        folder = self._path.parent
        with locked(folder) if folder.is_dir() else nullcontext():
            self.catch_up(recognizer)
            change(recognizer)
            self._unsaved.append(change)
            recognizer.save(self._path)
            self._unsaved.clear()
            self._seen = self._version()

    def catch_up(self, recognizer: PersonalRecognizer) -> None:
        """Teach a recognizer what is in the file, if that is new to it, and what is not saved yet.

        Raises:
            OSError, ValueError: See `change`; nothing has changed.
        """
        version = self._version()
        if version not in (None, self._seen):
            images, labels, _ = read_examples(self._path)
            recognizer.replace_examples(images, labels)
            self._seen = version
            for change in self._unsaved:
                with suppress(IndexError):  # another pad has forgotten what this one was to forget
                    change(recognizer)

    def _version(self) -> tuple[int, int, int] | None:
        """Return what changes whenever the file is replaced; None if there is no file."""
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size
