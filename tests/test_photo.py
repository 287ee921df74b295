"""A photo that is read in a notebook: what is shown, and how a person corrects it."""

import gc
import io
import struct
import weakref

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from digitlab import (
    PhotoReader,
    Recognizer,
    load_recognizer,
    render_strokes,
    stored_drawing,
)
from digitlab.pictures.brightness import read_colour
from support import browser


def note(*rows):
    """Rows of stored digits on ruled paper, in uneven light."""
    sheet = Image.new("L", (800, 220 * len(rows)), 215)
    draw = ImageDraw.Draw(sheet)
    for number, row in enumerate(rows):
        draw.line((0, 220 * number + 165, 800, 220 * number + 175), 150, 2)
        for place, digit in enumerate(row):
            for x_y in stored_drawing(int(digit)):
                points = x_y * 0.6 + (40 + 150 * place, 220 * number + 30)
                draw.line(points.ravel().tolist(), 40, 9, joint="curve")
    light = np.linspace(1, 0.7, sheet.width)
    return Image.fromarray(np.uint8(np.asarray(sheet) * light))


def test_boxes_are_corrected():
    reader = PhotoReader()
    seen = []
    reader.observe(lambda change: seen.append(change.new.text), "reading")
    assert reader.read(note("204", "31")).rows == ("204", "31")
    boxes = [found.box for found in reader.reading.characters]
    reader.remove_box(1)
    assert reader.reading.rows == ("24", "31")
    reader.add_box(boxes[1])
    assert reader.reading.rows == ("204", "31")
    reader.correct_box(4, boxes[3])
    assert reader.reading.rows == ("204", "33") and reader.reading.characters[4].box == boxes[3]
    assert reader.message.startswith("I read 204 and 33")
    for number in (4, 3):
        reader.remove_box(number)
    assert reader.reading.rows == ("204",)
    reader.add_box(boxes[3])  # below the other boxes: a row of its own
    assert reader.reading.rows == ("204", "3")
    for _ in range(3):
        reader.remove_box(0)
    reader.add_box(boxes[0])  # above the other box
    assert reader.reading.rows == ("2", "3")
    assert seen[:7] == ["204\n31", "24\n31", "204\n31", "204\n33", "204\n3", "204", "204\n3"]


def test_a_box_stays_within_the_photo_and_has_some_size():
    reader = PhotoReader()
    reader.read(note("5"))
    for box in ((-50, -50, -20, -20), (900, 900, 950, 950), (300, 100, 300, 100)):
        reader.add_box(box)
        left, top, right, bottom = reader.reading.characters[-1].box
        assert 0 <= left < right <= 800 and 0 <= top < bottom <= 220
    reader.add_box((300, 160, 100, 40))  # from the lower right to the upper left
    assert (100, 40, 300, 160) in [found.box for found in reader.reading.characters]
    for call in (lambda: PhotoReader().add_box((0, 0, 9, 9)), lambda: reader.remove_box(9)):
        with pytest.raises(ValueError, match="expected"):
            call()


def test_a_photo_is_turned_as_its_camera_says(tmp_path):
    lying = note("71").transpose(Image.Transpose.ROTATE_90)
    exif = lying.getexif()
    exif[0x0112] = 6  # orientation: turn it clockwise to see it upright
    lying.save(tmp_path / "photo.jpg", exif=exif)
    reader = PhotoReader()
    assert reader.read(tmp_path / "photo.jpg").text == "71"
    assert Image.open(io.BytesIO(reader._photo)).size == (800, 220)


@pytest.mark.parametrize("orientation", range(1, 10))
def test_it_is_turned_even_if_other_camera_data_are_damaged(orientation):
    lying = Image.fromarray(np.arange(600).reshape(20, 30).astype(np.uint8))

    def stored(*fields):
        """The picture as a file with EXIF fields: tag, type, count and value."""
        head = b"Exif\0\0II*\0" + struct.pack("<IH", 8, len(fields))
        exif = b"".join(struct.pack("<HHI4s", *field) for field in fields)
        file = io.BytesIO()
        lying.save(file, "PNG", exif=head + exif + bytes(4))
        return Image.open(file)

    direction = 0x0112, 3, 1, bytes([orientation, 0])
    upright = ImageOps.exif_transpose(stored(direction))  # cannot read the next one
    damaged = stored((0x0103, 2, 4, b"abc"), direction)  # text, where a whole number belongs
    colour, _, size = read_colour(damaged, 1000)
    assert size == upright.size
    np.testing.assert_array_equal((255 * colour[:, :, 0]).round(), np.asarray(upright))


def test_a_list_of_rows_is_a_photo_like_an_array():
    assert PhotoReader().read(np.asarray(note("204")).tolist()).text == "204"


def test_a_closed_reader_is_forgotten_with_its_photo():
    reader = PhotoReader()
    reader.read(note("5"))
    forgotten = weakref.ref(reader)
    reader.close()
    del reader
    gc.collect()
    assert forgotten() is None


def test_empty_paper_and_bad_files_say_so():
    reader = PhotoReader()
    assert reader.read(np.full((300, 400), 210, np.uint8)).text == ""
    assert reader.message == "Nothing is written here"
    reader._receive(None, {"do": "photo", "name": "notes.txt"}, [b"not a photo"])
    assert reader.message.startswith("expected a photo, got notes.txt, which cannot be read")
    with pytest.raises(OSError):
        reader.read(__file__)
    assert reader.message.startswith("expected a photo") and reader.reading.text == ""


@pytest.mark.parametrize("kind", ["16 bits", "white on nothing", "black on nothing", "a row"])
def test_the_photo_is_shown_as_it_is_read(kind):
    grey = note("204")
    if kind == "16 bits":
        picture = np.asarray(grey, np.uint16) * 257
    elif kind == "a row":
        picture = (255 * render_strokes(stored_drawing(2))).reshape(784).astype(np.uint8)
    else:
        ink = grey.point(lambda value: 255 * (value < 60))
        picture = Image.new("RGBA", grey.size, "white" if kind.startswith("white") else "black")
        picture.putalpha(ink)
    reader = PhotoReader()
    assert reader.read(picture).text == ("2" if kind == "a row" else "204")
    shown = Image.open(io.BytesIO(reader._photo)).convert("L")
    assert list(shown.size) == reader._size
    (left, top, right, bottom), *_ = (box["box"] for box in reader._boxes)
    inside = np.asarray(shown.crop((round(left), round(top), round(right), round(bottom))))
    assert np.ptp(inside) > 100  # there is ink and paper in the box


@pytest.mark.parametrize("box", [(1, 2), None, (1, 2, 3, float("nan")), "abcd"])
def test_an_invalid_box_is_rejected(box):
    reader = PhotoReader()
    reader.read(note("204"))
    for change in (reader.add_box, lambda box: reader.correct_box(0, box)):
        with pytest.raises(ValueError, match="expected a box of left, top, right and bottom"):
            change(box)
    for number in (None, 1.0, True, 3, -1):
        with pytest.raises(ValueError, match="expected the number of one of 3 boxes"):
            reader.remove_box(number)
    with pytest.raises(TypeError, match="expected a recognizer"):
        PhotoReader(5)
    assert reader.reading.text == "204"


def test_a_file_that_is_no_photo_is_an_error_that_says_so():
    reader = PhotoReader()
    reader._receive(None, {"do": "photo", "name": "IMG_1.HEIC"}, [b"ftypheic"])
    assert reader.message.startswith("expected a photo, got IMG_1.HEIC, which cannot be read")
    assert "JPEG" in reader.message and "0x" not in reader.message


def test_whatever_a_recognizer_or_an_observer_raises_is_said():
    def broken(image):
        raise KeyError("no network")

    reader, png = PhotoReader(broken), io.BytesIO()
    note("204").save(png, "PNG")
    sent = []
    reader.send = lambda content: sent.append((content, reader.message))
    reader._receive(None, {"do": "photo", "name": "note.png"}, [png.getvalue()])
    assert sent == [({"done": True}, "KeyError: 'no network'")]

    reader = PhotoReader()
    reader.observe(lambda change: 1 / 0, "reading")
    reader._receive(None, {"do": "photo", "name": "note.png"}, [png.getvalue()])
    assert reader.message == "ZeroDivisionError: division by zero"


def test_an_answer_that_is_not_a_reading_is_rejected():
    class Text(Recognizer):
        def read_number(self, drawing):
            return "42"

    class Number(Recognizer):
        def predict(self, drawing, tta=True):
            return 4

    model = load_recognizer().model
    with pytest.raises(TypeError, match=r"read_number.* to return a NumberReading, got str"):
        PhotoReader(Text(model)).read(note("204"))
    reader = PhotoReader(Number(model))
    reader.read(note("204"))
    with pytest.raises(TypeError, match=r"predict.* to return a Prediction, got int"):
        reader.add_box((10, 10, 90, 90))
    assert reader.reading.text == "204"


def test_another_recognizer_reads_the_photo_again(tmp_path):
    def seven(image):
        return np.eye(10)[7]

    path = tmp_path / "note.png"
    note("204").save(path)
    reader = PhotoReader(seven)
    reader.recognizer = None  # our own network; there is no photo yet
    assert reader.read(path).text == "204"
    path.unlink()
    box = reader.reading.characters[0].box
    reader.remove_box(0)
    reader.recognizer = seven
    assert reader.reading.text == "777" and "777" in reader.message
    reader.correct_box(0, box)
    assert reader.reading.characters[0].text == "7"
    with pytest.raises(TypeError, match="expected a recognizer"):
        reader.recognizer = 5
    reader.recognizer = load_recognizer()
    assert reader.reading.text == "204"


def test_a_scan_of_twelve_bits_is_shown_bright():
    reader = PhotoReader()
    assert reader.read(np.asarray(note("31"), np.uint16) * 16).text == "31"
    assert np.asarray(Image.open(io.BytesIO(reader._photo))).max() > 240


def test_a_message_about_a_box_that_is_gone_changes_nothing():
    reader = PhotoReader()
    reader.read(note("2047"))
    zero, four = (reader._boxes[number]["id"] for number in (1, 2))
    box = reader.reading.characters[2].box
    for message in (
        {"do": "remove", "id": zero},
        {"do": "remove", "id": zero},
        {"do": "correct", "id": four, "box": box},
    ):
        reader._receive(None, message, [])
    assert reader.reading.text == "247"
    reader.read(note("31"))
    reader._receive(None, {"do": "remove", "id": four}, [])
    assert reader.reading.text == "31"


@pytest.mark.parametrize("pen", [20, 40])
def test_a_box_that_did_not_move_is_read_as_before(pen):
    image = Image.new("L", (800, 300), 225)
    for place, text in enumerate("2047"):
        for stroke in stored_drawing(int(text)):
            points = stroke * 0.8 + (190 * place, 40)
            ImageDraw.Draw(image).line(points.ravel().tolist(), 40, pen, joint="curve")
    reader = PhotoReader()
    reader.read(image)
    for number in range(4):
        reader.correct_box(number, reader.reading.characters[number].box)
    assert reader.reading.text == "2047"


def test_a_box_that_is_dragged_to_another_row_belongs_to_it():
    reader = PhotoReader()
    reader.read(note("204", "31"))
    reader.correct_box(4, reader.reading.characters[2].box)
    assert reader.reading.rows == ("2044", "3")


def test_marks_stay_and_do_not_count_in_the_confidence():
    reader = PhotoReader()
    picture = note("52")
    ImageDraw.Draw(picture).line((5, 100, 35, 100), 40, 10)
    assert reader.read(picture).text == "-52"
    reader.remove_box(2)
    assert reader.reading.text == "-5" and reader.reading.confidence > 0.5
    reader.correct_box(0, reader.reading.characters[0].box)
    assert reader.reading.text == "-5"


@pytest.mark.slow
@pytest.mark.once
def test_a_photo_is_chosen_and_corrected_in_jupyterlab(chromium, tmp_path):
    note("204").save(tmp_path / "note.png")
    (tmp_path / "notes.png").write_text("not a photo")
    with browser.frontend("lab", tmp_path) as address, browser.chromium(chromium) as chrome:
        browser.write_notebook(
            tmp_path / "photo.ipynb",
            ["import digitlab", "reader = digitlab.PhotoReader()\nreader"],
        )
        page = chrome.new_page(viewport={"width": 1200, "height": 900})
        browser.open_notebook(page, "lab", address, "photo.ipynb")
        browser.run_all(page)
        message = page.locator(".digitlab-photo-message")
        boxes = page.locator(".digitlab-photo-box")
        choose = page.get_by_label("Choose a photo")

        choose.set_input_files(tmp_path / "notes.png")
        message.filter(has_text="Expected a photo, got notes.png").wait_for()
        light = Image.new("RGBA", (800, 220), "white")
        light.putalpha(note("31").point(lambda value: 255 * (value < 60)))
        light.save(tmp_path / "light.png")  # light ink on nothing
        choose.set_input_files(tmp_path / "light.png")
        message.filter(has_text="I read 31 (").wait_for()
        choose.set_input_files(tmp_path / "note.png")
        message.filter(has_text="I read 204 (").wait_for()
        assert boxes.all_inner_texts() == ["2", "0", "4"]

        boxes.nth(1).hover()
        page.get_by_role("button", name="Remove 0").click()
        message.filter(has_text="I read 24 (").wait_for()
        two, four = boxes.nth(0).bounding_box(), boxes.nth(1).bounding_box()
        width = page.locator(".digitlab-photo-sheet").bounding_box()["width"]
        page.mouse.move(two["x"] + 150 / 800 * width - 10, two["y"])  # about where the 0 was
        page.mouse.down()
        page.mouse.move(four["x"] - 15, two["y"] + two["height"] + 10, steps=5)
        page.mouse.up()
        message.filter(has_text="I read 204 (").wait_for()
        # Drag the 4's box onto the 2, then move it one step with the keyboard.
        page.mouse.move(four["x"] + four["width"] / 2, four["y"] + four["height"] / 2)
        page.mouse.down()
        page.mouse.move(two["x"] + two["width"] / 2, two["y"] + two["height"] / 2, steps=5)
        page.mouse.up()
        message.filter(has_text="I read 220 (").wait_for()
        boxes.nth(2).focus()
        page.keyboard.press("Delete")
        message.filter(has_text="I read 22 (").wait_for()
        # Held keys move the box further from where it is shown, not from where the kernel has it.
        left = boxes.nth(1).bounding_box()["x"]
        boxes.nth(1).focus()
        for _ in range(8):
            page.keyboard.press("ArrowDown")
            page.keyboard.press("ArrowRight")
        page.wait_for_timeout(500)
        moved = boxes.nth(1).bounding_box()["x"] - left
        assert abs(moved - 8 * width / 200) < 2
        page.keyboard.press("x")  # cuts a cell elsewhere
        boxes.nth(1).get_by_role("button").dblclick()
        page.wait_for_timeout(500)
        assert boxes.count() == 1 and page.locator(".jp-Cell").count() == 2
        page.screenshot(path=tmp_path / "photo.png")

        # Two fingers on a box: the second one changes nothing.
        box = boxes.nth(0).bounding_box()
        (x, far_x), (y, far_y) = (
            (box[side] + box[size] / 4, box[side] + box[size] * 0.6)
            for side, size in (("x", "width"), ("y", "height"))
        )
        touch = page.context.new_cdp_session(page)

        def fingers(kind, *places):
            points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

        fingers("touchStart", (x, y))
        fingers("touchStart", (x, y), (far_x, far_y))
        fingers("touchMove", (x, y), (far_x + 2, far_y))
        fingers("touchEnd")
        page.wait_for_timeout(500)
        moved = boxes.nth(0).bounding_box()
        assert abs(moved["x"] - box["x"]) <= 3 and abs(moved["y"] - box["y"]) <= 3
        # A photo that is chosen later wins, even if an earlier one takes longer to prepare.
        page.evaluate(
            """() => { const real = createImageBitmap;
                window.createImageBitmap = async (file) => {
                  if (file.name === 'note.png') await new Promise((done) => setTimeout(done, 700));
                  return real(file); }; }"""
        )
        choose.set_input_files(tmp_path / "note.png")
        choose.set_input_files(tmp_path / "light.png")
        message.filter(has_text="I read 31 (").wait_for()
        page.wait_for_timeout(1200)
        assert message.inner_text().startswith("I read 31 (")
