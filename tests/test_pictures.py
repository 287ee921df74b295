"""Finding the ink on pictures: digits with lines, frames, marks, shadows, and in colour."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from digitlab import find_ink, load_recognizer, normalize_image, stored_drawing
from digitlab.pictures.boxes import without_boxes
from digitlab.pictures.lines import find_lines
from digitlab.pictures.ruling import without_ruling
from digitlab.pictures.underlines import without_underlines

RECOGNIZER = load_recognizer()
SIDE = 300


def sheet(digit, pen=16, scale=0.75, place=(0, 0)):
    """A stored digit's ink (h, w) in [0, 1], moved by `place` from the middle of a sheet."""
    mask = Image.new("L", (SIDE, SIDE))
    for stroke in stored_drawing(digit):
        points = (stroke - 140) * scale + SIDE / 2 + place
        ImageDraw.Draw(mask).line(points.ravel().tolist(), 255, pen, joint="curve")
    return np.asarray(mask, np.float32) / 255


def lines(*ends, width=3):
    layer = Image.new("L", (SIDE, SIDE))
    for start, end in ends:
        ImageDraw.Draw(layer).line([*start, *end], 255, width)
    return np.asarray(layer, np.float32) / 255


def grid(apart, tilt=0, width=2):
    steps = range(10 - apart, SIDE + apart, apart)
    across = [((0, y), (SIDE, y + tilt)) for y in steps]
    return lines(*across, *(((x, 0), (x - tilt, SIDE)) for x in steps), width=width)


def photo(ink, paper=215, pen=45):
    noise = np.random.default_rng(0).normal(0, 3, ink.shape)
    return np.clip(paper + (pen - paper) * ink + noise, 0, 255).astype(np.uint8)


FRAME = lines(
    ((18, 20), (282, 17)), ((18, 282), (284, 280)), ((18, 18), (20, 282)), ((282, 18), (284, 282))
)
RULING = {
    "left": lines(((30, 0), (34, SIDE))),
    "above": lines(((0, 38), (SIDE, 30)), width=5),
    "below": lines(((0, 270), (SIDE, 270))),
    "frame": FRAME,
    "plot": lines(
        *(((x, 33), (x, 264)) for x in (38, 270)), *(((38, y), (270, y)) for y in (33, 264))
    ),
    "ruled": lines(*(((0, y), (SIDE, y - 9)) for y in range(20, 320, 50))),
    "squared, 23 % of the ink": 0.23 * grid(30),
    "squared, 37 % of the ink": 0.37 * grid(42, tilt=8),
    "squared, as dark as the ink": grid(60),
    "cell": lines(((28, 0), (28, SIDE)), ((275, 0), (275, SIDE)), ((0, 25), (SIDE, 25)), width=6),
}


@pytest.mark.parametrize("name", RULING)
def test_lines_and_frames_are_no_ink(name):
    for digit in (1, 4, 5, 7, 8):
        assert RECOGNIZER.predict(photo(np.maximum(sheet(digit), RULING[name]))).digit == digit
    if name not in ("left", "above", "below"):  # a single line may be a 1
        ink, _ = find_ink(photo(RULING[name]))
        assert not (ink > 0.5).any()


@pytest.mark.parametrize("digit", [1, 4, 7])
def test_a_stem_stays_when_a_line_crosses_or_touches_it(digit):
    tall = sheet(digit, scale=1.2)
    for y in (120, 150, 262):
        ink = without_ruling(np.maximum(tall, lines(((0, y), (SIDE, y - 4)))))
        assert (ink[tall > 0.5] > 0.5).mean() > 0.95
        assert (ink[tall == 0] > 0.5).mean() < 0.002


@pytest.mark.parametrize("digit", [4, 7])
def test_there_are_no_lines_in_grain(digit):
    grain = np.random.default_rng(0).uniform(0.05, 0.15, (SIDE, SIDE)).astype(np.float32)
    ink = np.maximum(sheet(digit), grain)
    assert without_ruling(ink) is ink


def test_digits_out_of_straight_lines_are_no_frames():
    seven_segments = lines(((80, 50), (220, 50)), ((80, 250), (220, 250)), ((80, 50), (80, 250)))
    zero = np.maximum(seven_segments, lines(((220, 50), (220, 250))))
    for ink in (seven_segments, zero, sheet(1, scale=1.5), sheet(4, scale=1.5)):
        np.testing.assert_array_equal(without_ruling(ink), ink)
        assert normalize_image(photo(ink)).any()


def test_a_line_is_followed_where_the_paper_bends():
    x = np.arange(SIDE)
    bent = np.zeros((SIDE, SIDE), bool)
    for thickness in range(3):
        bent[np.rint(100 + 4 * np.sin(x / SIDE * np.pi)).astype(int) + thickness, x] = True
    (line,) = find_lines(bent)
    assert line.length == SIDE and 2 <= line.thickness <= 4
    np.testing.assert_allclose(line.rows, 101 + 4 * np.sin(x / SIDE * np.pi), atol=1.5)


def test_a_line_is_no_thicker_along_the_bars_of_digits():
    mask = np.zeros((SIDE, SIDE), bool)
    mask[150:152] = True
    for start in (10, 110, 210):
        mask[147:155, start : start + 55] = True
    (line,) = find_lines(mask)
    assert line.thickness == 2


@pytest.mark.parametrize("blur", [0, 4, 5])
def test_close_and_soft_pictures_are_read(blur):
    read = []
    for digit in range(10):
        mask = Image.fromarray((sheet(digit, pen=48, scale=1.15) * 255).astype(np.uint8))
        small = mask.resize((60, 76)).filter(ImageFilter.GaussianBlur(blur))
        read.append(RECOGNIZER.predict(photo(np.asarray(small, np.float32) / 255)).digit)
    assert sum(digit == was for was, digit in enumerate(read)) >= 9, read


def marks(digit):
    dots = lines(((4, 30), (20, 34)), ((285, 250), (290, 262)), ((150, 2), (170, 4)), width=7)
    return np.maximum(sheet(digit), dots)


def beside_a_neighbour(digit):
    return np.maximum(sheet(digit, scale=0.7), sheet(8, scale=0.7, place=(162, 10)))


def in_two_lights(digit):
    y, x = np.mgrid[:SIDE, :SIDE]
    return photo(sheet(digit)) * np.where(x + y / 3 < 200, 0.5, 1)


def under_a_lamp(digit):
    y, x = np.mgrid[:SIDE, :SIDE]
    spot = np.exp(-((x - 70) ** 2 + (y - 70) ** 2) / 5000)
    return np.clip(photo(sheet(digit), paper=150).astype(float) * (1 + spot), 0, 255)


def red_on_green(digit):
    colours = np.array([[90, 160, 80], [210, 95, 90]])  # equally bright
    assert abs(np.diff(colours @ [0.299, 0.587, 0.114])).max() < 5
    ink = sheet(digit)[:, :, None]
    return np.uint8(colours[0] * (1 - ink) + colours[1] * ink)


PICTURES = {
    "marks at the edge": lambda digit: photo(marks(digit)),
    "a neighbour's tail": lambda digit: photo(beside_a_neighbour(digit)),
    "the edge of a shadow": in_two_lights,
    "glare": under_a_lamp,
    "thin pencil": lambda digit: photo(sheet(digit, pen=3), pen=160),
    "red on green": red_on_green,
    "dark mode": lambda digit: photo(sheet(digit), paper=30, pen=200),
}


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_with_a_fault_are_read(name):
    read = [RECOGNIZER.predict(PICTURES[name](digit)).digit for digit in range(10)]
    assert read == list(range(10))


def test_ink_knows_its_place_on_the_picture():
    picture = np.full((2_000, 3_000), 220, np.uint8)
    picture[600:1_400, 1_500:1_560] = 40
    ink, scale = find_ink(picture)
    assert ink.dtype == np.float32 and max(ink.shape) < 1_600
    rows, columns = np.nonzero(ink > 0.5)
    box = np.array([rows.min(), rows.max() + 1, columns.min(), columns.max() + 1]) * scale
    np.testing.assert_allclose(box, [600, 1_400, 1_500, 1_560], atol=scale)


def on_desk(page, colour, turn):
    """A page, turned by `turn` degrees, on a streaky desk, as RGB."""
    rng = np.random.default_rng(3)
    turned = [
        np.asarray(Image.fromarray(layer).rotate(turn, Image.Resampling.BICUBIC, expand=True))
        for layer in (page, np.full_like(page, 255))
    ]
    layers = [np.pad(layer.astype(float), 60)[..., None] / 255 for layer in turned]
    wood = 1 + rng.normal(0, 0.1, (len(layers[0]), 1, 1)) + rng.normal(0, 0.03, layers[0].shape)
    mixed = layers[0] * layers[1] + np.array(colour) * wood * (1 - layers[1])
    return (255 * mixed.clip(0, 1)).astype(np.uint8)


DESKS = {"dark": (0.12, 0.08, 0.06), "oak": (0.62, 0.45, 0.3), "grey": (0.45, 0.45, 0.47)}


@pytest.mark.parametrize("desk", DESKS)
@pytest.mark.parametrize("turn", [0, 4, -14])
def test_a_sheet_on_a_desk(desk, turn):
    for digit in range(10):
        one = on_desk(photo(sheet(digit, pen=12)), DESKS[desk], turn)
        assert RECOGNIZER.predict(one).digit == digit
    row = np.hstack([photo(sheet(digit, pen=12)) for digit in (3, 0, 5)])
    assert RECOGNIZER.read_number(on_desk(row, DESKS[desk], turn / 2)).text == "305"


def test_light_digits_are_no_sheets():
    for digit in range(10):
        for pen in (12, 30, 45):
            light = (255 * sheet(digit, pen)).astype(np.uint8)
            np.testing.assert_allclose(
                normalize_image(light), normalize_image(255 - light), atol=0.01
            )


def box(left, top, right, bottom, width=4):
    corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
    return lines(*zip(corners, corners[1:], strict=False), width=width)


@pytest.mark.parametrize("digit", range(10))
def test_a_box_around_a_digit_is_removed(digit):
    small = sheet(digit, pen=8, scale=0.35)
    for boxed in (box(85, 80, 215, 220), box(105, 85, 195, 212)):
        assert RECOGNIZER.predict(photo(np.maximum(small, boxed))).digit == digit
    row = np.hstack([np.maximum(sheet(it, pen=12), box(15, 25, 285, 275)) for it in (digit, 4)])
    assert RECOGNIZER.read_number(photo(row)).text == f"{digit}4"


def test_a_row_of_fields_is_removed():
    fields = np.hstack([sheet(digit, pen=12) for digit in (3, 7, 1)])
    fields[[25, 26, 27, 273, 274, 275], 15:885] = 1
    for x in (15, 300, 592, 882):
        fields[25:276, x : x + 3] = 1
    assert RECOGNIZER.read_number(photo(np.pad(fields, 80))).text == "371"


@pytest.mark.parametrize("digit", range(10))
@pytest.mark.parametrize(("apart", "broad"), [(90, 40), (60, 26)])
def test_shadows_of_fingers_are_no_ink(digit, apart, broad):
    across = np.arange(SIDE) % apart < broad
    shade = np.where(across[:, None] & (np.arange(SIDE) < 200), 128, 255).astype(np.uint8)
    light = np.asarray(Image.fromarray(shade).filter(ImageFilter.GaussianBlur(2))) / 255
    shaded = (photo(sheet(digit, pen=10, scale=0.6)) * light).astype(np.uint8)
    assert RECOGNIZER.predict(shaded).digit == digit


@pytest.mark.parametrize("pen", range(77, 91))
def test_writing_beside_darker_ink_is_no_shadow(pen):
    """A little above and a little below what counts as dark, with the paper's grain."""
    page = photo(np.hstack([sheet(digit, pen=20, scale=0.6) for digit in (4, 0, 3)]), pen=pen)
    page[2:24, 20:42] = 45
    assert RECOGNIZER.read_number(page).text == "403"


@pytest.mark.parametrize(("pen", "darkness"), [(12, 0.55), (14, 0.6), (16, 0.7)])
def test_a_paler_and_broader_pen_is_no_shadow(pen, darkness):
    page = photo(np.hstack([sheet(4, 6), darkness * sheet(0, pen), sheet(3, 6)]))
    assert RECOGNIZER.read_number(page).text == "403"
    assert RECOGNIZER.read_number(255 - page).text == "403"


@pytest.mark.parametrize("digit", range(10))
def test_a_pale_digit_in_a_thin_dark_frame_is_no_shadow(digit):
    framed = np.maximum(0.65 * sheet(digit, pen=12), box(10, 10, 290, 290, width=3))
    assert RECOGNIZER.predict(photo(framed)).digit == digit


@pytest.mark.parametrize("digit", range(10))
def test_the_reflection_of_a_lamp_on_a_board_is_no_chalk(digit):
    y, x = np.mgrid[:SIDE, :SIDE]
    lamp = 0.7 * np.exp(-((x - 200) ** 2 + (y - 90) ** 2) / 2 / 25**2)
    board = 40 + 180 * np.maximum(sheet(digit, pen=12, scale=0.6), lamp)
    assert RECOGNIZER.predict(board.astype(np.uint8)).digit == digit


@pytest.mark.parametrize("digit", range(10))
def test_an_underline_is_removed(digit):
    drawn = sheet(digit, pen=12, scale=0.45)
    underlined = np.maximum(
        drawn, lines(((85, 225), (150, 229)), ((150, 229), (220, 224)), width=8)
    )
    assert RECOGNIZER.predict(photo(underlined)).digit == digit
    row = np.hstack([drawn, sheet(4, pen=12, scale=0.45)])
    row[224:232, 80:520] = 1
    assert RECOGNIZER.read_number(photo(row)).text == f"{digit}4"


@pytest.mark.parametrize("seed", [2, 3])
def test_a_long_underline_that_wavers_leaves_no_marks(seed):
    row = np.hstack([sheet(digit, pen=12, scale=0.45) for digit in (4, 0, 0, 7)])
    heights = 242 + np.random.default_rng(seed).normal(0, 1.5, 10)
    mask = Image.new("L", row.shape[::-1])
    places = list(zip(np.linspace(60, 1140, 10), heights, strict=True))
    ImageDraw.Draw(mask).line(places, 255, 6)
    assert RECOGNIZER.read_number(photo(np.maximum(row, np.asarray(mask) / 255))).text == "4007"


def written(*digits, place=(0, 0)):
    """A row of digits, 55 pixels high, in ink (300, 300 n)."""
    return np.hstack([sheet(digit, pen=12, scale=0.45, place=place) for digit in digits])


def slightly_soft(picture):
    return Image.fromarray(picture.astype(np.uint8)).filter(ImageFilter.GaussianBlur(1))


@pytest.mark.parametrize("brightness", [0.2, 0.5, 0.7])
@pytest.mark.parametrize(("left", "top"), [(0, 0), (900, 300), (860, 10), (450, 300)])
def test_a_finger_at_the_edge_is_no_ink(left, top, brightness):
    y, x = np.mgrid[:300, :900]
    finger = np.hypot(x - left, y - top) < 60
    held = np.where(finger, 215 * brightness, photo(written(4, 0, 7)))
    assert RECOGNIZER.read_number(slightly_soft(held)).text == "407"


@pytest.mark.parametrize("brightness", [0.2, 0.5, 0.6])
@pytest.mark.parametrize("turns", range(4))
def test_a_strip_of_the_desk_is_no_ink(turns, brightness):
    page = np.rot90(photo(written(4, 0, 7)), turns).astype(float)
    y, x = np.mgrid[: page.shape[0], : page.shape[1]]
    grain = np.random.default_rng(1).normal(1, 0.1, (len(page) // 3, 1)).repeat(3, axis=0)
    beside = np.where(x - y / 12 > page.shape[1] - 40, 215 * brightness * grain, page)
    assert RECOGNIZER.read_number(slightly_soft(np.rot90(beside, -turns))).text == "407"


@pytest.mark.parametrize(
    "covers",
    [
        lambda x, y: x > 755,  # only the last digit
        lambda x, y: x + y / 2 > 640,  # half of the digit before, too
        lambda x, y: y + x / 8 > 200,
    ],
)
@pytest.mark.parametrize("brightness", [0.4, 0.7])
def test_writing_in_a_sharp_shadow_stays(covers, brightness):
    y, x = np.mgrid[:300, :900]
    page = photo(written(4, 0, 7, place=(70, 0)))
    shaded = np.where(covers(x, y), brightness * page, page)
    assert RECOGNIZER.read_number(slightly_soft(shaded)).text == "407"


@pytest.mark.parametrize(("slope", "end"), [(1, 250), (1.6, 350)])
def test_a_digit_that_a_shadow_touches_stays_whole(slope, end):
    places = ((8, (0, 40)), (4, (0, 20)), (7, (0, 20)), (1, (0, 20)))
    row = np.hstack([sheet(it, pen=14, scale=0.55, place=at)[:, 60:240] for it, at in places])
    y, x = np.mgrid[:300, : row.shape[1]]
    light = 0.65 + 0.35 / (1 + np.exp((end - x - slope * y) / 4))
    assert RECOGNIZER.read_number(slightly_soft(photo(row) * light)).text == "8471"


def test_a_thick_digit_at_the_edge_stays_beside_thin_writing():
    one = lines(((150, 0), (150, 200)), width=40)
    small = lines(((30, 260), (50, 260)), ((60, 255), (60, 270)))
    ink, _ = find_ink(slightly_soft(photo(np.maximum(one, small))))
    assert ink[:180, 140:160].mean() > 0.9


@pytest.mark.parametrize("darkness", [60, 80, 100])
def test_thin_lines_between_two_rows_of_pixels_are_removed(darkness):
    """As dark as these, squared paper is tilted by less than a degree."""
    large = np.kron(written(4, 0, 7), np.ones((4, 4), np.float32))
    paper = Image.new("L", large.shape[::-1])
    for place in range(-200, 3800, 160):
        ends = [(place, 0, place - 15, 1200), (0, place, 3600, place + 45)]
        for line in ends:
            ImageDraw.Draw(paper).line(line, darkness, 4)
    ink = np.maximum(large, np.asarray(paper, np.float32) / 255)
    small = Image.fromarray(photo(ink)).resize((900, 300), Image.Resampling.BOX)
    assert RECOGNIZER.read_number(small).text == "407"


def test_a_digit_in_the_corner_of_a_table_stays():
    table = lines(*(((5, y), (290, y)) for y in (5, 100, 195, 290)))
    table = np.maximum(table, table.T)
    digit = sheet(4, pen=8, scale=0.35, place=(-98, -112))  # it touches the line above
    ink = np.maximum(digit, sheet(7, pen=8, scale=0.35))
    rest = without_boxes(np.maximum(table, ink))
    assert rest[ink > 0.5].mean() > 0.95 and not rest[200:].any()


def test_small_digits_on_a_scan_of_a_page_are_read():
    """Of 5 mm, at 150 dots per inch."""
    page = np.full((1754, 1240), 245, np.uint8)
    row = photo(np.hstack([sheet(digit, scale=0.75) for digit in (3, 7, 3, 6, 8, 5)]))
    small = Image.fromarray(row).resize((240, 40), Image.Resampling.BOX)
    page[800:840, 700:940] = np.minimum(small, 245)
    assert RECOGNIZER.read_number(page).text == "373685"


def coloured(scan, colours):
    """A picture of two colours with a palette of its own."""
    scan = scan.convert("P")
    scan.putpalette([*colours[1], *[0] * 762, *colours[0]])
    return scan


def test_a_dithered_scan_is_read():
    page = photo(np.hstack([sheet(digit, pen=20, scale=0.6) for digit in (4, 0, 3)]))
    scan = Image.fromarray(page).resize((450, 150)).convert("1")
    assert not np.asarray(scan)[:20].all()  # there are dots on the paper
    assert RECOGNIZER.read_number(scan).text == "403"
    ink = [(200, 190, 140), (40, 50, 90)]
    for other in (
        scan.convert("L"),
        scan.convert("RGB"),
        scan.convert("L").quantize(2),
        coloured(scan, ink),
    ):
        assert RECOGNIZER.read_number(other).text == "403", other.mode
    sharp = Image.fromarray(page).resize((450, 150)).point(lambda v: 255 * (v > 128)).convert("1")
    assert RECOGNIZER.read_number(sharp).text == "403"


def test_the_line_of_a_sum_is_removed():
    upper, lower = (
        np.hstack([sheet(it, pen=12, scale=0.45) for it in digits]) for digits in ((2, 5), (4, 7))
    )
    sums = np.vstack([upper[60:240], lower[60:]])
    sums[178:184, 60:540] = 1
    assert RECOGNIZER.read_number(photo(np.pad(sums, 40))).text == "25\n47"


def test_lines_that_are_not_underlines_stay():
    minus = lines(((30, 150), (90, 150)), width=10)
    row = np.hstack([minus, sheet(5, pen=12, scale=0.6)])
    assert RECOGNIZER.read_number(photo(row)).text == "-5"
    one = np.maximum(sheet(1, pen=12, scale=0.6), lines(((125, 228), (165, 228)), width=10))
    assert without_underlines(one) is one  # its foot


def test_a_square_zero_is_no_box():
    zero = box(100, 60, 200, 240, width=14)
    assert without_boxes(zero) is zero


def test_a_dark_desk_around_a_page_is_removed():
    rng = np.random.default_rng(2)
    desk = rng.normal(35, 6, (2 * SIDE, 3 * SIDE))
    desk[40:-60, 70:-110] = np.tile(photo(sheet(3)), (2, 3))[40:-60, 70:-110]
    desk *= np.linspace(1, 0.5, desk.shape[1])
    ink, _ = find_ink(np.clip(desk, 0, 255).astype(np.uint8))
    outside = np.ones(ink.shape, bool)
    outside[40:-60, 70:-110] = False
    assert not ink[outside].any() and (ink > 0.5).any()


@pytest.mark.parametrize("grain", [0, 2, 8])
@pytest.mark.parametrize("blank", [60, 220])
def test_paper_alone_is_empty(blank, grain):
    noise = np.random.default_rng(1).normal(0, grain, (240, 320))
    picture = np.clip(blank + noise, 0, 255).astype(np.uint8)
    assert not normalize_image(picture).any()
    assert not find_ink(picture)[0].any()


@pytest.mark.parametrize("path", ["five.png", Path("five.png"), b"five.png"])
def test_a_path_is_no_picture(path):
    for function in (normalize_image, find_ink):
        with pytest.raises(ValueError, match="got .*; open a file with PIL.Image.open"):
            function(path)
