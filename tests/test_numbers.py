"""Numbers composed of drawings of single digits are read, from strokes and from pictures."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageOps

import digitlab
from benchmarks.compose import compose
from benchmarks.paper import on_board, on_paper
from digitlab.numbers.candidates import find_candidates
from digitlab.numbers.costs import Costs
from digitlab.numbers.ink_pieces import InkPieces
from digitlab.numbers.pieces import Line

RECOGNIZER = digitlab.load_recognizer()


def written(text, seed=0, **how):
    """A number composed of stored drawings, with marks before some of its digits."""
    digits = [character for character in text if character.isdigit()]
    marks, place = {}, 0
    for character in text:
        if character.isdigit():
            place += 1
        else:
            marks[place] = character
    drawings = [digitlab.stored_drawing(int(digit)) for digit in digits]
    return compose(drawings, np.random.default_rng(seed), marks=marks, **how)


def turned(drawing, degrees):
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return [stroke @ turn for stroke in drawing]


def read(drawing):
    return RECOGNIZER.read_number(drawing)


def share_read(texts, **how):
    """The share of numbers that are read correctly."""
    return np.mean(
        [read(written(text, seed, **how)).text == text for seed, text in enumerate(texts)]
    )


def numbers(count, seed=0):
    rng = np.random.default_rng(seed)
    return ["".join(map(str, rng.integers(10, size=rng.integers(1, 7)))) for _ in range(count)]


def test_numbers_of_one_to_six_digits():
    assert share_read(numbers(40)) >= 0.95


def test_touching_digits():
    assert share_read(numbers(40), touching=True) >= 0.85


def test_marks_stay():
    texts = ["3.14", "12,5", "-7", "-40.25", "20-26", "1,000"]
    assert [read(written(text)).text for text in texts] == texts


@pytest.mark.parametrize(("before", "after"), ["08", "37"])
def test_a_comma_below_the_next_digit_is_no_part_of_it(before, after):
    left, right = (np.concatenate(digitlab.stored_drawing(int(it))) for it in (before, after))
    x, height = left.max(0)[0] + 26, np.ptp(left[:, 1])
    comma = np.array([(x, -0.08), (x - 0.02 * height, 0), (x - 0.08 * height, 0.14)])
    comma[:, 1] = left.max(0)[1] + comma[:, 1] * height
    to_the_right = left.max(0) + (14, 0) - (right.min(0)[0], right.max(0)[1])
    moved = [stroke + to_the_right for stroke in digitlab.stored_drawing(int(after))]
    drawing = [*digitlab.stored_drawing(int(before)), comma, *moved]
    assert read(drawing).text == f"{before},{after}"


def test_other_signs_are_kept_as_unknown():
    dollar = [
        np.array([(180, 60), (120, 40), (70, 90), (180, 170), (150, 220), (70, 210)]),
        np.array([(135, 10), (115, 260)]),
        np.array([(155, 10), (135, 260)]),
    ]
    price = dollar + [stroke + (220, 0) for stroke in digitlab.stored_drawing(5)]
    reading = read(price)
    assert reading.text == "?5"
    assert [character.digit for character in reading.characters] == [None, 5]
    assert reading.characters[0].reason == "not a digit"


@pytest.mark.parametrize("degrees", [-20, -10, 10, 20])
def test_tilted_lines(degrees):
    assert read(turned(written("20478153"), degrees)).text == "20478153"


def test_tilted_rows():
    below = [stroke + (0, 150) for stroke in written("73520", 1)]
    assert read(turned(written("20478") + below, -15)).text == "20478\n73520"


def test_rows():
    below = [stroke + (30, 180) for stroke in written("358", 1)]
    reading = read(below + written("1046"))
    assert reading.rows == ("1046", "358")
    assert reading.text == "1046\n358"
    assert [digit.row for digit in reading.digits] == [0, 0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize("ratio", [2.0, 2.5, 3.0])
@pytest.mark.parametrize("small_first", [True, False])
def test_rows_of_different_heights(ratio, small_first):
    """A large total and a small number, in either order."""
    texts = [("745", "70414"), ("3806", "195"), ("21", "6478023")]
    for seed, (large, small) in enumerate(texts):
        rows = [written(large, seed), [stroke / ratio for stroke in written(small, seed + 9)]]
        names = [large, small]
        if small_first:
            rows, names = rows[::-1], names[::-1]
        upper, lower = rows
        below = np.concatenate(upper)[:, 1].max() - np.concatenate(lower)[:, 1].min() + 80
        drawing = [*upper, *(stroke + (0, below) for stroke in lower)]
        assert read(drawing).text == "\n".join(names)
        assert read(pixels(drawing, pen=5)).text == "\n".join(names)


def test_the_order_of_strokes_does_not_matter():
    drawing = written("4757")
    assert read(drawing[::-1]).text == read(drawing).text == "4757"


def test_a_joined_stroke_is_cut():
    """Three digits of one stroke each, written without lifting the pen between them."""
    digits = [
        [s + (110 * at, 0) for s in digitlab.stored_drawing(d)] for at, d in enumerate((6, 0, 2))
    ]
    reading = read([np.concatenate([stroke for digit in digits for stroke in digit])])
    assert reading.text == "602"
    assert reading.digits[0].box[2] < reading.digits[2].box[0]


@pytest.mark.parametrize("digit", range(10))
def test_one_digit_is_read_as_by_predict(digit):
    drawing = digitlab.stored_drawing(digit)
    prediction, (found,) = RECOGNIZER.predict(drawing), read(drawing).characters
    assert found.digit == prediction.digit == digit
    np.testing.assert_allclose(found.image, prediction.image, atol=0.15)
    points = np.concatenate(drawing)
    np.testing.assert_allclose(found.box, (*points.min(0), *points.max(0)), atol=4)


def test_both_routes_agree():
    rng = np.random.default_rng(2)
    for seed, text in enumerate(["2047", "-5.3", "981", "60"]):
        drawing = written(text, seed)
        from_strokes, from_picture = read(drawing), read(on_paper(drawing, rng))
        assert from_strokes.text == from_picture.text == text
        widths = [
            [character.box[2] - character.box[0] for character in reading.characters]
            for reading in (from_strokes, from_picture)
        ]
        np.testing.assert_allclose(*widths, atol=16)  # the pen's width


def pixels(drawing, squares=235, pen=12, margin=None):
    """A drawing in black ink on light paper, with squares of this brightness.

    With a margin, the picture is cropped to the ink and that many pixels around it.
    """
    width, height = (np.concatenate(drawing).max(0) + 60).astype(int).tolist()
    image = Image.new("L", (width, height), 235)
    draw = ImageDraw.Draw(image)
    for x in range(20, width, 90):
        draw.rectangle((x, 0, x + 2, height), fill=squares)
    for y in range(25, height, 90):
        draw.rectangle((0, y, width, y + 2), fill=squares)
    for stroke in drawing:
        draw.line([tuple(point) for point in stroke], fill=30, width=pen, joint="curve")
    if margin is not None:
        left, top, right, bottom = ImageOps.invert(image).point(lambda v: v > 100 and 255).getbbox()
        image = image.crop((left - margin, top - margin, right + margin, bottom + margin))
    return image


def side_by_side(text, gaps):
    """Stored digits on one line, with these gaps in pixels after each."""
    x, drawing = 60, []
    for character, gap in zip(text, gaps, strict=True):
        digit = digitlab.stored_drawing(int(character))
        points = np.concatenate(digit)
        corner = points[:, 0].min(), points[:, 1].max()
        drawing += [stroke - corner + (x, 260) for stroke in digit]
        x += np.ptp(points[:, 0]) + gap
    return drawing


def test_each_pair_of_joined_digits_is_cut():
    """In ink, where a cut of one pair moves the places of the next in their row."""
    reading = read(pixels(side_by_side("3896", (0, 50, 0, 0))))
    assert len(reading.digits) == len(reading.characters) == 4
    assert reading.text.startswith("389")


def test_pairs_of_touching_digits_in_pictures():
    """Without ones: beside a one that touches it, a digit looks like another digit."""
    pairs = [one + other for one in "023456789" for other in "023456789"]
    found = [
        read(pixels(written(pair, seed, touching=True))).text for seed, pair in enumerate(pairs)
    ]
    assert np.mean([one == other for one, other in zip(pairs, found, strict=True)]) >= 0.85


def test_parts_that_were_cut_look_like_a_digit_at_several_angles():
    """With one look, none of these is read correctly: parts of two digits look like another one."""
    seeds = {"179036": 29, "452": 36, "21": 54, "85": 56, "670392": 70, "57530": 81, "20339": 91}
    seeds |= {"56720": 99, "179227": 124, "046": 127, "05627": 145, "922": 155, "808": 167}
    found = [read(pixels(written(text, seed, touching=True))).text for text, seed in seeds.items()]
    assert np.mean([one == other for one, other in zip(seeds, found, strict=True)]) >= 0.8


def test_gaps_in_chalk_take_no_digit_apart():
    rng = np.random.default_rng(0)
    found = [read(on_board(written(text, seed), rng)).text for seed, text in enumerate(numbers(30))]
    assert np.mean([one == other for one, other in zip(numbers(30), found, strict=True)]) >= 0.8


def test_parts_of_a_piece_form_a_character_without_gaps():
    """However many parts there are: a wide 5 that was cut may still be read as a whole."""

    class Parts:
        habits, costs, pen = np.zeros((3, 10)), Costs(), 0.0
        parents = [0] * 9 + [9]
        points = [np.array([(x, 0.0), (x + 0.1, 0.0), (x, 1.0)]) for x in np.arange(10) / 9]

    candidates = find_candidates(Parts(), range(10), Line(0.0, 0.0, 1.0, 0.0, 1.0))
    groups = {candidate.pieces for candidate in candidates}
    assert tuple(range(9)) in groups and (7, 8, 9) in groups
    parts = [[piece for piece in group if piece < 9] for group in groups]
    assert all(np.all(np.diff(inside) == 1) for inside in parts)


@pytest.mark.parametrize(("length", "mark"), [((-8, 16), ","), ((2, 2), ".")])
def test_a_comma_of_a_broad_pen_is_no_point(length, mark):
    picture = Image.new("L", (360, 220), 225)
    draw = ImageDraw.Draw(picture)
    for place, digit in ((20, 8), (210, 5)):
        for stroke in digitlab.stored_drawing(digit):
            draw.line((stroke * 0.6 + (place, 20)).ravel().tolist(), 40, 16, joint="curve")
    bottom = 0.6 * max(stroke[:, 1].max() for stroke in digitlab.stored_drawing(8)) + 20
    for share in np.linspace(0, 1, 20):
        x, y = 180 + share * length[0], bottom - 2 + share * length[1]
        draw.ellipse((x - 8, y - 8, x + 8, y + 8), 40)
    assert RECOGNIZER.read_number(picture).text == f"8{mark}5"


@pytest.mark.parametrize("brightness", [145, 149, 150, 155])
def test_squares_that_are_hardly_ink_leave_nothing(brightness):
    soft = pixels(side_by_side("2074", (50,) * 4), brightness).filter(ImageFilter.GaussianBlur(1.2))
    grain = np.random.default_rng(0).normal(0, 3, (soft.height, soft.width))
    assert read(np.clip(np.asarray(soft) + grain, 0, 255).astype(np.uint8)).text == "2074"


@pytest.mark.parametrize(("height", "turn"), [(60, 0), (60, 3), (200, 0)])
def test_a_comb_is_removed(height, turn):
    """A line with a tick on either side of each digit; the 7 touches it."""
    drawing, x = [], 60
    for digit, text in enumerate("20753"):
        points = np.concatenate(digit_at := digitlab.stored_drawing(int(text)))
        middle = points[:, 0].min() / 2 + points[:, 0].max() / 2
        down = 300 - points[:, 1].max() + (5 if text == "7" else -20)
        drawing += [stroke + (x + 220 * digit + 110 - middle, down) for stroke in digit_at]
    comb = [np.array([(x, 305.0), (x + 1100, 305)])]
    comb += [np.array([(at, 305.0 - height), (at, 305)]) for at in range(x, x + 1101, 220)]
    image = pixels(turned([*drawing, *comb], turn))
    assert read(image).text == "20753"


def test_a_line_whose_ticks_cross_it_is_removed():
    digits = side_by_side("20753", (90, 90, 90, 90, 90))
    low, high = np.concatenate(digits).min(0), np.concatenate(digits).max(0)
    y = high[1] + 100
    ends = np.linspace(low[0] - 40, high[0] + 40, 6)
    comb = [np.array([(ends[0], y), (ends[-1], y)])]
    comb += [np.array([(x, y - 60), (x, y + 60)]) for x in ends]
    assert read(pixels([*digits, *comb])).text == "20753"


def test_a_line_below_a_number_is_removed():
    digits = side_by_side("2074", (50, 50, 50, 50))
    low, high = np.concatenate(digits).min(0), np.concatenate(digits).max(0)
    line = np.array([(low[0] - 10, high[1] + 15), (high[0] + 20, high[1] + 20)])
    for drawing in ([*digits, line], [line, *digits]):
        assert read(drawing).text == read(pixels(drawing)).text == "2074"


def test_strokes_drawn_once_more_are_no_writing():
    right = 0
    for seed, text in enumerate(numbers(40)):
        rng = np.random.default_rng(seed)
        digits = written(text, seed)
        size = np.ptp(np.concatenate(digits)[:, 1])
        again = [stroke + rng.normal(0, 0.02 * size, 2) for stroke in digits]
        right += read([*digits, *again]).text == text
    assert right >= 36


def test_a_point_on_a_digit_is_not_lost():
    two, zero = side_by_side("20", (50, 90))
    point = two[-1] + [(0.0, 0), (4, 4)]
    assert read([two, point, zero]).text == "2.0"


@pytest.mark.parametrize("radius", [0.1, 0.15, 0.2])
def test_a_field_with_rounded_corners_is_removed(radius):
    for seed, text in enumerate(["5140", "8422", "0189238"]):
        drawing = [stroke + (60, 60) for stroke in written(text, seed)]
        image = pixels(drawing, pen=9)
        points = np.concatenate(drawing)
        (left, top), (right, bottom) = points.min(0) - 35, points.max(0) + 35
        ImageDraw.Draw(image).rounded_rectangle(
            (left, top, right, bottom), radius * (bottom - top), outline=110, width=4
        )
        assert read(image).text == text


@pytest.mark.parametrize(
    ("paper", "apart"),
    [("dots", 50), ("dots", 75), ("a dotted line", 20), ("a dotted line", 30)],
)
def test_dot_paper_and_dotted_lines_are_removed(paper, apart):
    """Digits are about 100 pixels high, dots 8."""
    for seed, text in enumerate(["5140", "8422", "0189238"]):
        drawing = written(text, seed)
        image = pixels(drawing, pen=9)
        draw = ImageDraw.Draw(image)
        low = int(np.concatenate(drawing)[:, 1].max()) + 12
        rows = range(15, image.height, apart) if paper == "dots" else [low]
        for y in rows:
            for x in range(10, image.width - 10, apart):
                draw.ellipse((x - 4, y - 4, x + 4, y + 4), fill=90)
        assert read(image).text == text


def test_the_digits_of_a_table_are_no_dots():
    table = Image.new("L", (700, 700), 235)
    draw = ImageDraw.Draw(table)
    for place in range(50, 651, 150):
        draw.line((place, 50, place, 650), fill=110, width=4)
        draw.line((50, place, 650, place), fill=110, width=4)
    rows = ["4071", "9526", "3825", "6047"]
    for top, text in zip(range(50, 650, 150), rows, strict=True):
        for left, digit in zip(range(50, 650, 150), text, strict=True):
            for stroke in digitlab.stored_drawing(int(digit)):
                draw.line([tuple(p) for p in stroke * 0.35 + (left + 25, top + 25)], 30, 7)
    assert read(table).rows == tuple(rows)


@pytest.mark.parametrize("shown", [0.2, 0.35, 0.5])
@pytest.mark.parametrize("above", [True, False])
def test_a_row_that_the_edge_cuts_off_is_left_out(above, shown):
    """As much as is shown of its digits' height is in the picture."""
    rows = [side_by_side(text, (50,) * 4) for text in ("2047", "3805")]
    image = pixels([*rows[0], *(stroke + (0, 300) for stroke in rows[1])], pen=9)
    ends = [(points[:, 1].min(), points[:, 1].max()) for points in map(np.concatenate, rows)]
    (top, bottom), (high, low) = ends
    if above:
        edges = 0, int(bottom - shown * (bottom - top)), image.width, image.height
    else:
        edges = 0, 0, image.width, int(high + 300 + shown * (low - high))
    assert read(image.crop(edges)).text == ("3805" if above else "2047")


def test_a_low_row_in_a_picture_that_was_cropped_to_its_ink_stays():
    five = digitlab.stored_drawing(5)
    fives = [0.4 * stroke + (left, 400) for left in (100, 200) for stroke in five]
    image = pixels([*side_by_side("2047", (50,) * 4), *fives], pen=9)
    assert read(image).text == "2047\n55"
    cropped = image.crop(ImageOps.invert(image).point(lambda v: v > 100 and 255).getbbox())
    assert read(cropped).text == "2047\n55"


def test_points_of_a_column_of_amounts_stay():
    rows = [f"{seed}.{9 - seed}" for seed in range(10)]
    drawing = []
    for seed, text in enumerate(rows):
        drawing += [stroke + (0, 140 * seed) for stroke in written(text, seed)]
    assert read(pixels(drawing, pen=9)).text == read(drawing).text
    assert read(drawing).text.count(".") == 10


def ring_around(drawing):
    """An ellipse around a drawing, not quite closed."""
    points = np.concatenate(drawing)
    middle = (points.min(0) + points.max(0)) / 2
    reach = np.maximum(np.ptp(points, axis=0) * 0.9, 130) + 20
    angle = np.linspace(-1.5, 4.76, 80)[:, None]
    return [middle + reach * np.hstack([np.cos(angle), np.sin(angle)])]


@pytest.mark.parametrize("text", ["7", "0", "20", "20753"])
def test_a_ring_around_digits_is_removed(text):
    digits = side_by_side(text, (50,) * len(text))
    drawing = [stroke + 300 for stroke in [*digits, *ring_around(digits)]]
    assert read(pixels(drawing)).text == text
    if len(text) == 1:
        assert RECOGNIZER.predict(pixels(drawing)).digit == int(text)


def test_a_ring_without_digits_in_it_is_a_zero():
    zero = ring_around([np.zeros((1, 2))])
    specks = [np.array([(x, y), (x + 4, y + 4.0)]) for x, y in ((0, -70), (0, 70), (30, 0))]
    image = pixels([stroke + 300 for stroke in [*zero, *specks]])
    assert RECOGNIZER.predict(image).digit == 0


def test_ones_on_a_line_are_no_comb():
    ones = side_by_side("1111", (90, 90, 90, 90))
    low, high = np.concatenate(ones).min(0), np.concatenate(ones).max(0)
    line = np.array([(low[0] - 40, high[1]), (high[0] + 40, high[1])])
    assert read(pixels([*ones, line])).text == "1111"


@pytest.mark.parametrize("place", [(500, 225), (680, 560), (225, 370), (1050, 452)])
def test_dirt_beside_a_number_is_removed(place):
    """Above the digits, below them, before the first, and far behind the last."""
    image = ImageOps.expand(pixels(side_by_side("2074", (50, 50, 50, 0))), 200, fill=235)
    x, y = place
    ImageDraw.Draw(image).ellipse((x - 8, y - 8, x + 8, y + 8), fill=30)
    reading = read(image)
    assert reading.text == "2074" and len(reading.characters) == 4


@pytest.mark.parametrize("text", ["47", "00", "58", "12"])
@pytest.mark.parametrize("place", [(0.3, -1.6), (1, -1.3), (0.1, 3), (1.5, 2.5)])
def test_a_tap_far_from_a_number_is_removed(text, place):
    """The place is in digit heights from the first digit's upper left corner."""
    digits = side_by_side(text, (50, 0))
    points = np.concatenate(digits)
    tap = points.min(0) + np.multiply(place, np.ptp(points, axis=0)[1])
    assert read([*digits, tap[None]]).text == text


@pytest.mark.parametrize("light_ink", [False, True])
@pytest.mark.parametrize("text", ["9", "41", "2074"])
def test_a_closely_cropped_number_is_read(text, light_ink):
    for pen in (12, 16, 24):
        for margin in (0, 1, 3, 8):
            image = pixels(side_by_side(text, (50,) * len(text)), pen=pen, margin=margin)
            image = ImageOps.invert(image) if light_ink else image
            assert read(image).text == text, (pen, margin)


@pytest.mark.parametrize("digit", [2, 3, 5, 7, 9])
def test_a_tilted_digit_is_as_large_as_an_upright_one(digit):
    ink, scale = digitlab.find_ink(pixels(turned(digitlab.stored_drawing(digit), 20)))
    image = InkPieces(ink, scale).image([0], np.radians(20))
    rows, columns = np.nonzero(image)
    assert max(np.ptp(rows), np.ptp(columns)) == 19


@pytest.mark.parametrize("pen", range(6, 13))
def test_an_eight_whose_loops_are_closed_is_no_blot(pen):
    narrow = [stroke * (0.23, 0.33) for stroke in side_by_side("83", (60, 0))]
    assert read(pixels(narrow, pen=pen)).text == "83"


def test_punched_holes_and_what_a_scanner_shows_beside_the_paper_are_no_writing():
    image = ImageOps.expand(pixels(side_by_side("2074", (50, 50, 50, 0))), 200, fill=235)
    draw = ImageDraw.Draw(image)
    for y in (100, image.height - 100):
        draw.ellipse((60, y - 25, 110, y + 25), fill=10)
    draw.rectangle((0, 0, 15, image.height), fill=10)
    draw.rectangle((0, 0, image.width, 15), fill=10)
    reading = read(image)
    assert reading.text == "2074" and len(reading.characters) == 4


def test_points_stay_where_dirt_goes():
    digits = side_by_side("2074", (50, 70, 50, 50))
    left = np.concatenate(digits[2:]).min(0)[0]
    point = np.array([(left - 30.0, 255.0), (left - 26, 258)])
    assert read(pixels([*digits, point])).text in ("20.74", "2.074", "207.4")


def test_boxes_are_in_pixels_of_the_picture():
    picture = np.full((1500, 2000), 240, np.uint8)
    picture[600:1000, 500:540] = 20
    picture[600:1000, 900:940] = 20
    reading = read(picture)
    assert reading.text == "11"
    boxes = [digit.box for digit in reading.digits]
    np.testing.assert_allclose(boxes, [(500, 600, 540, 1000), (900, 600, 940, 1000)], atol=12)


def test_nothing_written():
    for empty in ([], [np.zeros((0, 2))], np.zeros((40, 60)), np.full((40, 60, 3), 200, np.uint8)):
        reading = read(empty)
        assert reading.text == "" and reading.rows == () and reading.characters == ()
        assert reading.confidence == 0
        assert str(reading) == "Nothing is written here"


def test_text_and_characters_agree():
    for seed, text in enumerate(numbers(8, seed=3)):
        reading = read(written(text, seed, touching=True))
        assert "".join(c.text for c in reading.characters) == reading.text
        assert [c.text for c in reading.digits] == [str(c.digit) for c in reading.digits]
        assert all(c.text in ".,-?" for c in reading.characters if c.digit is None)
        assert 0 < reading.confidence <= 1
        lefts = [c.box[0] + c.box[2] for c in reading.characters]
        assert lefts == sorted(lefts) or len(lefts) > 1


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e5])
def test_size_and_place_do_not_matter(size):
    drawing = [(stroke - 300) * size for stroke in written("5038")]
    assert read(drawing).text == "5038"


@pytest.mark.parametrize("bad", [5, "204", [[1, 2, 3]], [[(0, np.nan)]], np.zeros((2, 3, 5))])
def test_bad_input_raises_what_predict_raises(bad):
    with pytest.raises((TypeError, ValueError)) as expected:
        RECOGNIZER.predict(bad)
    with pytest.raises((TypeError, ValueError)) as raised:
        digitlab.read_number(bad)
    assert str(raised.value) == str(expected.value)


def test_any_network_will_do():
    def always_three(images):
        return np.tile(np.eye(10)[3], (len(images), 1))

    assert digitlab.Recognizer(always_three).read_number(written("12")).text in ("33", "3")


def test_more_points_than_a_hand_draws_are_read():
    assert read([np.random.default_rng(0).uniform(0, 280, (20_000, 2))]).characters


def odd_drawings():
    """Random walks, dots and straight lines on pads of any size, and the most extreme floats."""
    rng = np.random.default_rng(4)
    for number in range(60):
        strokes = []
        for _ in range(rng.integers(0, 9)):
            stroke = rng.normal(0, 1, (rng.integers(0, 20), 2)).cumsum(0) + rng.uniform(-9, 9, 2)
            stroke[:, : rng.integers(0, 4) % 3] = 3.0  # vertical, or a dot
            strokes.append(stroke * (10.0 ** rng.integers(-300, 300) if number % 3 == 0 else 1.0))
        yield strokes
    for value in (1e308, -1e308, 5e-324):
        yield [np.array([[0, 0], [value, value], [value, 0]])]


def test_odd_drawings_give_a_reading():
    for drawing in odd_drawings():
        reading = read(drawing)
        assert 0 <= reading.confidence <= 1
        assert len(reading.characters) == len("".join(reading.rows))
        assert np.isfinite([character.box for character in reading.characters]).all()
