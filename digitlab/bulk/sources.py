"""What is read: a folder of pictures, or an array on disk, in blocks that any process can read.

A block only names its scans; the process that reads it opens them.
"""

import platform
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from PIL import Image

from digitlab._io import files_below
from digitlab.images import as_images
from digitlab.recognizer import BATCH, Recognizer, predict_batch

PICTURE_SUFFIXES = frozenset(
    ".avif .bmp .gif .heic .heif .jfif .jp2 .jpe .jpeg .jpg .pbm .pgm .png .ppm .tif .tiff "
    ".webp".split()
)


class Row(NamedTuple):
    """What was read in one scan, or why nothing was."""

    text: str = ""
    confidence: float = 0.0
    reason: str = ""
    error: str = ""


class Block(Protocol):
    """Some consecutive scans."""

    @property
    def keys(self) -> list[str] | list[int]:
        """Where each scan is: the first column of the table."""

    def files(self) -> Iterator[Path]:
        """Yield the files that the scans are in."""

    def read(self, recognizer: Recognizer) -> list[Row]:
        """Read the scans, in their order.

        Raises:
            OSError: They cannot be found on this machine.
        """


class Source(Protocol):
    """Scans in a fixed order."""

    column: str  # the name of the first column
    block_size: int  # how many scans take about half a second

    def count(self) -> int:
        """Return how many scans there are."""

    def blocks(self, size: int) -> Iterator[Block]:
        """Yield all scans in blocks."""


@dataclass(frozen=True)
class PictureBlock:
    """Pictures in a folder, by their names in it; each with a digit, or each with a number."""

    folder: Path
    names: list[str]
    numbers: bool

    @property
    def keys(self) -> list[str]:
        """See `Block`."""
        return [_utf8(name) for name in self.names]

    def files(self) -> Iterator[Path]:
        """See `Block`."""
        return (self.folder / name for name in self.names)

    def read(self, recognizer: Recognizer) -> list[Row]:
        """See `Block`."""
        _check_there(self.folder)  # else each picture would be a row with the same error
        read = _read_number if self.numbers else _read_digit
        return [_attempt(read, recognizer, path) for path in self.files()]


@dataclass(frozen=True)
class PictureFolder:
    """The pictures in a folder and its subfolders."""

    folder: Path
    numbers: bool
    column = "file"
    block_size = 100

    def count(self) -> int:
        """See `Source`."""
        return sum(1 for _ in self._names())

    def blocks(self, size: int) -> Iterator[PictureBlock]:
        """See `Source`."""
        names = self._names()
        while block := list(islice(names, size)):
            yield PictureBlock(self.folder, block, self.numbers)

    def _names(self) -> Iterator[str]:
        """Yield the names one by one, because there may be millions."""
        for path in files_below(self.folder):
            if path.suffix.lower() in PICTURE_SUFFIXES:
                yield path.relative_to(self.folder).as_posix()


@dataclass(frozen=True)
class ImageBlock:
    """Images of an array on disk, from `start` up to `stop`."""

    path: Path
    start: int
    stop: int

    @property
    def keys(self) -> list[int]:
        """See `Block`."""
        return list(range(self.start, self.stop))

    def files(self) -> Iterator[Path]:
        """See `Block`."""
        yield self.path

    def read(self, recognizer: Recognizer) -> list[Row]:
        """See `Block`."""
        _check_there(self.path)
        images = _opened(self.path)[self.start : self.stop]
        rows: list[Row] = []
        for first in range(0, len(images), BATCH):
            batch = images[first : first + BATCH]
            try:
                rows += _read_images(recognizer, batch)
            except ValueError:  # one of them is out of range
                rows += [_attempt(_read_image, recognizer, image) for image in batch]
        return rows


@dataclass(frozen=True)
class ImageArray:
    """An array (n, 28, 28) or (n, 784) in a ``.npy`` file."""

    path: Path
    column = "index"
    block_size = 4096

    def count(self) -> int:
        """See `Source`."""
        return len(_opened(self.path))

    def blocks(self, size: int) -> Iterator[ImageBlock]:
        """See `Source`."""
        count = self.count()
        for start in range(0, count, size):
            yield ImageBlock(self.path, start, min(start + size, count))


def as_source(path: Path, numbers: bool) -> Source:
    """Find out what kind of source a path is.

    Raises:
        FileNotFoundError: There is nothing at this path.
        ValueError: It is neither a folder nor an array of images; or numbers are to be read in an
            array, which has one digit per image.
    """
    if path.is_dir():
        return PictureFolder(path, numbers)
    if not path.exists():
        raise FileNotFoundError(f"expected a folder of pictures or a .npy file, found no {path}")
    if path.suffix != ".npy":
        raise ValueError(f"expected a folder of pictures or a .npy file, got {path}")
    if numbers:
        raise ValueError(f"expected a folder of pictures to read numbers in, got {path}")
    return ImageArray(path)


def _opened(path: Path) -> np.ndarray:
    """Return the array in a file, (n, 28, 28). Only what is used of it is loaded into memory."""
    try:
        return as_images(np.load(path, mmap_mode="r", allow_pickle=False))
    except (ValueError, EOFError) as error:  # EOFError: an empty file
        raise ValueError(f"{path} cannot be read: {error}") from error


def _check_there(path: Path) -> None:
    if not path.exists():
        raise FileNotFoundError(
            f"expected {path} on {platform.node()} too: all workers open the scans themselves, "
            "under the same path"
        )


def _attempt(read: Callable[..., Row], *arguments: object) -> Row:
    """Read a scan; if that fails, return a row with the error."""
    try:
        return read(*arguments)
    except Exception as error:  # whatever a damaged file makes Pillow raise
        message = f"{type(error).__name__}: {error}"
        return Row(error=_utf8(" ".join(message.split())))


def _read_digit(recognizer: Recognizer, path: Path) -> Row:
    with Image.open(path) as picture:
        prediction, left_out = recognizer.predict(picture), _left_out(picture)
    text = "" if prediction.digit is None else str(prediction.digit)
    return Row(text, prediction.confidence, prediction.reason or "", left_out)


def _read_number(recognizer: Recognizer, path: Path) -> Row:
    with Image.open(path) as picture:
        reading, left_out = recognizer.read_number(picture), _left_out(picture)
    return Row(reading.text, reading.confidence, "" if reading.text else "empty", left_out)


def _left_out(picture: Image.Image) -> str:
    """Say which pages of a file are not read, such as those of a fax."""
    pages = 1
    with suppress(Exception):  # the first page has been read, whatever is wrong with the others
        pages = getattr(picture, "n_frames", 1)
    return "" if pages == 1 else f"expected one page, got {pages}; only the first was read"


def _read_image(recognizer: Recognizer, image: np.ndarray) -> Row:
    return _read_images(recognizer, image[None])[0]


def _read_images(recognizer: Recognizer, images: np.ndarray) -> list[Row]:
    """Read a batch of images (n, 28, 28), as they are: they are not cropped or centred."""
    probabilities, rejected = predict_batch(recognizer, images)
    empty = images.max(axis=(1, 2)) == 0
    digits, confidences = probabilities.argmax(1), probabilities.max(1)
    rows = []
    for digit, confidence, no_digit, no_ink in zip(
        digits.tolist(), confidences.tolist(), rejected.tolist(), empty.tolist(), strict=True
    ):
        if no_ink:
            rows.append(Row(reason="empty"))
        elif no_digit:
            rows.append(Row(reason="not a digit"))
        else:
            rows.append(Row(str(digit), confidence))
    return rows


def _utf8(text: str) -> str:
    """Escape the parts of a file's name that are not text."""
    return text.encode("utf-8", "backslashreplace").decode()
