"""A photo of digits on paper, read in a notebook: boxes over the photo, which can be corrected."""

import io
import os
from collections.abc import Callable
from numbers import Integral
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import numpy.typing as npt
import traitlets
from PIL import Image, UnidentifiedImageError

from digitlab.images import as_bytes
from digitlab.loading import as_number_recognizer, check_result
from digitlab.numbers.pieces import Box
from digitlab.numbers.reading import NumberReading
from digitlab.photo.corrections import PhotoReading
from digitlab.pictures.brightness import is_picture, read_colour
from digitlab.pictures.ink import find_ink
from digitlab.prediction import percent

_WEB = Path(__file__).parents[1] / "web" / "photo"
_SHOWN = 1600  # pixels: the longer side of the photo in the browser
_EMPTY = NumberReading((), 0.0)


class PhotoReader(anywidget.AnyWidget):
    """Reads the digits in a photo, which comes from a file, the camera or Python.

    Each character gets a box with what was read. A box that is dragged, or resized at its corner,
    is read again; a box drawn on the photo is added; its × button or the Delete key removes one.

    These are traits, for ``reader.observe``:

    - ``reading``: what is read, a `NumberReading`, with the corrections. Read-only. Once a box is
      corrected, its ``confidence`` is the product of the characters'.
    - ``message``: the same as a sentence, or why a file could not be read.
    - ``recognizer``: what reads the photo. If you set another one, it reads the photo again,
      without the corrections.

    Args:
        recognizer: A `Recognizer`, a Keras model or a function, as for `DrawingPad`; or an object
            with both ``predict(drawing)`` and ``read_number(drawing) -> NumberReading``.

    Raises:
        TypeError: It is none of these.
        ValueError: It is a Keras model that takes something other than images.

    Example:
        >>> photo = np.full((300, 500), 220, np.uint8)
        >>> photo[60:240, 120:136] = photo[60:240, 300:316] = 40  # 1 1
        >>> reader = digitlab.PhotoReader()  # `reader` as the last line of a cell shows it
        >>> reader.read(photo).text
        '11'
        >>> reader.remove_box(0)
        >>> reader.reading.text
        '1'
    """

    # Texts, because anywidget would watch files, and keep every reader for that.
    _esm = (_WEB / "photo.js").read_text("utf-8")
    _css = (_WEB / "photo.css").read_text("utf-8")
    reading = traitlets.Instance(NumberReading, read_only=True)
    recognizer: Any = traitlets.Instance(object)  # not Any, which takes None unvalidated
    message = traitlets.Unicode("Choose a photo of digits").tag(sync=True)
    _photo = traitlets.Bytes(b"").tag(sync=True)  # JPEG, for the browser
    _size = traitlets.List([1, 1]).tag(sync=True)  # width and height of the photo
    _boxes: Any = traitlets.List([]).tag(sync=True)  # {id, box, text, title} of each character

    def __init__(self, recognizer: Any = None):
        super().__init__(recognizer=recognizer)
        self.set_trait("reading", _EMPTY)
        self._picture: npt.ArrayLike | Image.Image | None = None
        self._photo_reading: PhotoReading | None = None
        self.on_msg(self._receive)
        self.observe(lambda _: self._read_again(), "recognizer")

    def read(self, picture: str | os.PathLike[str] | npt.ArrayLike | Image.Image) -> NumberReading:
        """Show a photo, and read it.

        Args:
            picture: A file's path, or a picture as `digitlab.find_ink` takes it.

        Raises:
            OSError, ValueError: The picture cannot be read. The previous photo stays.
            TypeError: The recognizer does not return a `NumberReading`. Likewise.
        """
        if isinstance(picture, str | os.PathLike):
            with Image.open(picture) as opened:
                return self._read(opened)
        return self._read(picture)

    def correct_box(self, number: int, box: tuple[float, float, float, float]) -> None:
        """Give a character another box, and read it again.

        Args:
            number: The character's index in ``reading.characters``, from 0.
            box: Left, top, right and bottom in pixels of the photo.

        Raises:
            ValueError: There is no such character or no photo, or the box is not four finite
                numbers.
        """
        self._current_photo().read_box(_checked_box(box), self._checked_index(number))
        self._show()

    def add_box(self, box: tuple[float, float, float, float]) -> None:
        """Read one more box.

        Args:
            box: Left, top, right and bottom in pixels of the photo. What lies outside is left out.

        Raises:
            ValueError: There is no photo, or the box is not four finite numbers.
        """
        self._current_photo().read_box(_checked_box(box))
        self._show()

    def remove_box(self, number: int) -> None:
        """Remove a character.

        Args:
            number: Its index in ``reading.characters``, from 0.

        Raises:
            ValueError: There is no such character, or no photo.
        """
        self._current_photo().remove_box(self._checked_index(number))
        self._show()

    def _read(self, picture: npt.ArrayLike | Image.Image) -> NumberReading:
        ink, scale = find_ink(picture)
        if not is_picture(picture):  # a list, which recognizers take for strokes
            picture = np.asarray(picture)
        answer = self.recognizer.read_number(picture)
        reading = check_result(answer, NumberReading, "read_number")
        colour, _, size = read_colour(picture, _SHOWN)
        self._picture = picture
        self._photo_reading = PhotoReading(size, ink, scale, self.recognizer, reading)
        self._size = list(size)
        # As bright as it can be: of 16 bits, some scanners use only 12.
        values = as_bytes((colour / max(colour.max(), 1e-9)).clip(0, 1))
        shown = Image.fromarray(values.squeeze(2) if values.shape[2] == 1 else values)
        shown.thumbnail((_SHOWN, _SHOWN))
        file = io.BytesIO()
        shown.save(file, "JPEG", quality=85)
        self._photo = file.getvalue()
        self._show()
        return reading

    def _read_again(self) -> None:
        if self._picture is not None:
            self._read(self._picture)

    def _current_photo(self) -> PhotoReading:
        if self._photo_reading is None:
            raise ValueError("expected a photo first: reader.read(photo)")
        return self._photo_reading

    def _checked_index(self, number: int) -> int:
        """Check that a character has this index."""
        count = len(self.reading.characters)
        whole = isinstance(number, Integral) and not isinstance(number, bool)
        if not whole or number not in range(count):
            raise ValueError(f"expected the number of one of {count} boxes, from 0, got {number!r}")
        return int(number)

    def _show(self) -> None:
        assert self._photo_reading is not None
        reading = self._photo_reading.reading
        self._boxes = [
            {
                "id": own_id,
                "box": list(found.box),
                "text": found.text,
                "title": percent(found.confidence) if found.text.isdigit() else "",
            }
            for own_id, found in zip(self._photo_reading.ids, reading.characters, strict=True)
        ]
        self.set_trait("reading", reading)
        self.message = str(reading)

    def _receive(self, _: Any, content: dict, buffers: list) -> None:
        """Carry out an action from the browser, and say there what went wrong."""
        actions: dict[str, Callable[[], Any]] = {
            "photo": lambda: self._read(_opened(buffers[0], content.get("name", "the file"))),
            "correct": lambda: self.correct_box(ids.index(content["id"]), content["box"]),
            "add": lambda: self.add_box(content["box"]),
            "remove": lambda: self.remove_box(ids.index(content["id"])),
        }
        ids = self._photo_reading.ids if self._photo_reading else []
        try:
            if "id" not in content or content["id"] in ids:  # else it was removed meanwhile
                actions[content["do"]]()
        except (OSError, ValueError) as error:  # its text says what was wrong with the photo
            self.message = str(error)
        except Exception as error:  # whatever a recognizer or an observer raises
            self.message = f"{type(error).__name__}: {error}"
        finally:  # otherwise the browser would go on saying that it is reading
            self.send({"done": True})

    def __repr__(self) -> str:
        """Say what was read."""
        return f"<PhotoReader. {self.message}>"

    @traitlets.validate("recognizer")
    def _validate_recognizer(self, proposal: Any) -> Any:
        return as_number_recognizer(proposal.value)


def _checked_box(box: Any) -> Box:
    """Check that a box is four finite numbers, and sort its sides."""
    try:
        left, top, right, bottom = map(float, box)
        if np.isfinite([left, top, right, bottom]).all():
            return min(left, right), min(top, bottom), max(left, right), max(top, bottom)
    except (TypeError, ValueError):
        pass
    raise ValueError(f"expected a box of left, top, right and bottom in pixels, got {box!r}")


def _opened(content: bytes, name: str) -> Image.Image:
    """Open a file that came from the browser."""
    try:
        picture = Image.open(io.BytesIO(content))
        picture.load()
        return picture
    except UnidentifiedImageError:
        raise ValueError(
            f"expected a photo, got {name}, which cannot be read: it is no JPEG, PNG or other "
            "picture that Pillow knows. Export photos of an iPhone (HEIC) as JPEG"
        ) from None
    except Exception as error:  # each format has its own errors
        raise ValueError(f"expected a photo, got {name}, which cannot be read: {error}") from error
