"""The file in which a pad keeps what it learns. Several pads may keep it in the same file."""

import os
from pathlib import Path

from digitlab.loading import load_personal
from digitlab.personal import read_examples
from digitlab.recognizer import PersonalRecognizer, Recognizer


class HandFile:
    """A file of examples, as `PersonalRecognizer.save` writes it.

    Args:
        path: The file. It need not exist.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self._path = Path(path)
        self._seen = self._version()  # the one that this pad knows

    def load(self, recognizer: Recognizer) -> PersonalRecognizer:
        """Adapt a recognizer to the examples, if there is a file.

        Raises:
            OSError, ValueError: See `load_personal`.
        """
        self._seen = self._version()
        if self._seen is None:
            return recognizer.adapt()
        return load_personal(self._path, recognizer, relearn=True)

    def catch_up(self, recognizer: PersonalRecognizer) -> None:
        """Replace the recognizer's examples if another pad has written the file since.

        Raises:
            OSError, ValueError: See `load_personal`; nothing has changed then.
        """
        version = self._version()
        if version in (None, self._seen):
            return
        images, labels, _ = read_examples(self._path)
        recognizer.clear()
        recognizer._learn_more(list(images), labels)
        self._seen = version

    def save(self, recognizer: PersonalRecognizer) -> None:
        """Write the recognizer's examples.

        Raises:
            OSError: The file cannot be written.
        """
        recognizer.save(self._path)
        self._seen = self._version()

    def _version(self) -> tuple[int, int, int] | None:
        """Return what changes whenever the file is replaced; None if there is no file."""
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size
