"""For any input, the result is a Prediction or one error that says what was expected."""

import datetime
import decimal
import io
import json
import struct
import time
import warnings
import zlib
from collections import Counter
from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image, ImageCms

from digitlab import DrawingPad, Prediction, load_drawing, load_recognizer, save_drawing

RECOGNIZER = load_recognizer()
SEED = 20261124
HANG = 10  # seconds of processor time, far more than any input takes
settings.register_profile(
    "here",
    max_examples=300,
    deadline=None,  # this counts wall-clock time, which a busy machine exceeds; HANG is the limit
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("here")


def outcome(function, *arguments):
    """Call a function; return its result, or the name of its error, which must be clear."""
    begun = time.process_time()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            result = function(*arguments)
        except (ValueError, TypeError) as error:
            assert "expected" in str(error), f"unclear: {error!r} for {arguments!r:.300}"
            assert len(str(error)) < 1000, error
            result = type(error).__name__
    assert time.process_time() - begun < HANG, f"{arguments!r:.300}"
    # Pillow may warn of a damaged file, and Python may close files that other tests left open.
    ours = [w for w in warned if "PIL" not in w.filename and w.category is not ResourceWarning]
    assert not ours and len(warned) <= 5, f"{warned[0].message} for {arguments!r:.300}"
    return result


def read(drawing):
    prediction = outcome(RECOGNIZER.predict, drawing)
    if isinstance(prediction, str):
        return prediction
    assert isinstance(prediction, Prediction)
    check_probabilities(prediction.probabilities[None])
    assert prediction.image.shape == (28, 28) and prediction.image.dtype == np.float32
    assert 0 <= prediction.image.min() <= prediction.image.max() <= 1
    if prediction.digit is None:
        assert prediction.reason in ("empty", "not a digit") and prediction.confidence == 0
    else:
        assert prediction.confidence == prediction.probabilities[prediction.digit] > 0
    assert str(prediction)
    return "read"


def check_probabilities(probabilities):
    assert probabilities.shape[1] == 10 and np.isfinite(probabilities).all()
    assert probabilities.min(initial=0) >= 0 and probabilities.max(initial=0) <= 1
    assert np.abs(probabilities.sum(1) - 1).max(initial=0) <= 1e-5


# A hundred thousand inputs, of all kinds that we could think of.

NUMBERS = "b i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 g".split()
NOT_NUMBERS = "c8 c16 U3 S3 M8[s] m8[s] O V4".split()
MODES = "1 L LA La P PA RGB RGBA RGBa RGBX CMYK YCbCr LAB HSV I F I;16 I;16B".split()
FORMATS = "PNG JPEG GIF BMP TIFF WEBP PPM".split()
STRANGE = [
    None, "5", b"5", object(), 1j, {}, {1, 2}, {"x": 1}, [[1, 2], [3]], [[[1, 2]], [[3, 4, 5]]],
    [[]], [None, None], [["1", "2"]], [[1, "b"]], 10**400, [[10**400, 1]], [[-(10**30), 1]],
    float("nan"), True, 3, [1, 2], [[1, 2, 3]], range(4), iter([[1, 2]]), (x for x in [[1, 2]]),
    [[decimal.Decimal(1), 2]], [[datetime.date(2000, 1, 1), 1]], Ellipsis, int, np.float64(3),
    np.array(None), np.array(3.0), np.ma.masked_all((3, 2)), memoryview(b"abcd"), bytearray(b"12"),
    np.array([[1, 2], [3, 4]], object), np.zeros(3, "f8,f8"), [np.zeros((2, 2, 2))],
]  # fmt: skip


def some_drawing(rng):
    strokes = []
    scale, offset = 10.0 ** rng.choice([0, 1, 2, 2, 2, 2, 3, 6, -6, -300, 300, 307]), 0.0
    if rng.random() < 0.2:
        offset = rng.normal() * 10.0 ** rng.integers(0, 12)
    for _ in range(rng.choice([0, 1, 1, 1, 2, 3, 8])):
        points = rng.normal(size=(rng.choice([0, 1, 1, 2, 2, 3, 10, 60]), 2))
        if rng.random() < 0.5:  # as a hand moves, not at random
            points = points.cumsum(0) / 5
        with np.errstate(over="ignore"):
            points = points * scale + offset
        chance = rng.random()
        if chance < 0.1 and points.size:
            points[rng.integers(len(points)), rng.integers(2)] = rng.choice(
                [np.nan, np.inf, -np.inf]
            )
        elif chance < 0.3:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                points = points.astype(rng.choice(NUMBERS if chance < 0.25 else NOT_NUMBERS[:4]))
        elif chance < 0.4:
            points = points[::-2] if chance < 0.35 else np.asfortranarray(points)
        elif chance < 0.43:
            points = rng.normal(size=rng.integers(0, 4, rng.integers(0, 4)))
        elif chance < 0.6:
            points = points.tolist()
        elif chance < 0.65:
            points = STRANGE[rng.integers(len(STRANGE))]
        strokes.append(points)
    chance = rng.random()
    if chance < 0.03:
        return STRANGE[rng.integers(len(STRANGE))]
    return tuple(strokes) if chance < 0.1 else strokes


def some_array(rng):
    sides = [0, 1, 2, 3, 5, 10, 28, 28, 28, 40, 60]
    shape = tuple(rng.choice(sides, 2))
    shape += ((), (), (), (1,), (3,), (4,), (2,), (0,), (5,), (3, 3))[rng.integers(10)]
    if rng.random() < 0.03:
        shape = shape[: rng.integers(2)]
    values = np.zeros(shape)
    if values.ndim >= 2 and values.size:
        top, left = rng.integers(shape[0]), rng.integers(shape[1])
        values[top:, left : left + 3] = 1
    if rng.random() < 0.5:
        values = values + rng.normal(size=shape) * 10.0 ** rng.integers(-3, 1)
    values = values * rng.choice([1, 1, 255, 255, -255, 65535, 1e-300, 1e30, 3e38, 1e300])
    if rng.random() < 0.1 and values.size:
        values.flat[rng.integers(values.size)] = rng.choice([np.nan, np.inf, -np.inf])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kind = rng.choice(NUMBERS + ["u1"] * 20 + ["f4"] * 10 + NOT_NUMBERS)
        values = np.asarray(values.astype(kind))
    chance = rng.random()
    if chance < 0.1 and values.ndim:
        values = values[::-1]
    elif chance < 0.2:
        values.flags.writeable = False
    elif chance < 0.25 and values.ndim == 2:
        values = np.ma.masked_array(values, rng.random(shape) < 0.5)
    return values


def some_image(rng):
    size = tuple(int(side) for side in rng.choice([1, 2, 5, 28, 40, 90], 2))
    grey = Image.fromarray(rng.integers(0, 256, size[::-1], dtype=np.uint8))
    if rng.random() < 0.7:
        grey = Image.new("L", size, int(rng.integers(256)))
        grey.paste(int(rng.integers(256)), (size[0] // 3, 0, size[0] // 2 + 1, size[1]))
    mode = str(rng.choice(MODES))
    try:
        image = grey.convert(mode)
    except ValueError:  # Pillow cannot convert grey to this mode
        image = Image.new(mode, size)
    if rng.random() < 0.1:
        image.info["transparency"] = [0, b"\0\1", (0, 0, 0), "x"][rng.integers(4)]
    return image


def some_file(rng):
    """An image from a file that is whole, cut off, or changed in some bytes, if Pillow opens it."""
    frames = [Image.fromarray(rng.integers(0, 256, (30, 40, 3), np.uint8)) for _ in range(2)]
    for frame in frames:
        frame.paste((0, 0, 90), (5, 0, 20, 30))
    kind = str(rng.choice(FORMATS))
    if kind == "GIF":  # Pillow would need 10 ms for the best palette
        frames = [frame.convert("P") for frame in frames]
    several = {"save_all": True, "append_images": frames[1:]} if kind in ("GIF", "WEBP") else {}
    file = io.BytesIO()
    frames[0].save(file, kind, **several)
    while True:
        content = bytearray(file.getvalue())
        if rng.random() < 0.4:
            content = content[: rng.integers(1, len(content))]
        for _ in range(rng.integers(0, 4)):
            content[rng.integers(len(content))] = rng.integers(256)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                image = Image.open(io.BytesIO(content))
                if rng.random() < 0.2 and getattr(image, "n_frames", 1) > 1:
                    image.seek(1)
                return image
            except Exception:
                continue  # here a user sees Pillow's error and has no picture to give us


@pytest.fixture
def fast_lab(monkeypatch):
    """Prepare conversions to and from LAB once. Pillow does it for each image, in 20 ms."""
    for name in ("createProfile", "buildTransform"):
        monkeypatch.setattr(ImageCms, name, cache(getattr(ImageCms, name)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("some", "count"),
    [
        pytest.param(some_drawing, 55_000, marks=pytest.mark.once),
        pytest.param(some_array, 30_000, marks=pytest.mark.once),
        pytest.param(some_image, 10_000, marks=pytest.mark.once),
        pytest.param(some_file, 4_500, marks=pytest.mark.once),
        (some_file, 500),  # with any Pillow, because Pillow is what finds damage in files
    ],
)
def test_a_hundred_thousand_inputs(some, count, fast_lab):
    rng = np.random.default_rng([SEED, count])
    seen = Counter(read(given) for given in (some(rng) for _ in range(count)))
    assert seen.total() == count
    assert seen["read"] > count / 10 and seen["ValueError"] > count / 50, seen


# Inputs that nobody could think of.

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
    | st.complex_numbers() | st.decimals() | st.dates(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
)  # fmt: skip
points = arrays.arrays(
    arrays.floating_dtypes() | arrays.integer_dtypes() | st.just(np.dtype(bool)),
    st.tuples(st.integers(0, 30), st.just(2)),
)


@given(anything)
@example("digit.png")
@example([[[1, 2], [3]]])
def test_any_object(thing):
    assert read(thing) in ("read", "TypeError", "ValueError")


@given(st.lists(points, max_size=5))
@example([np.full((2, 2), np.finfo(float).max)])
@example([np.array([[-1.7e308, 0], [1.7e308, 0]])])
@example([np.array([[5e-324, 0], [0, 0]])])
def test_any_strokes(drawing):
    finite = all(np.isfinite(stroke.astype(float)).all() for stroke in drawing)
    assert read(drawing) == ("read" if finite else "ValueError")


@given(
    arrays.arrays(
        arrays.floating_dtypes() | arrays.integer_dtypes() | st.just(np.dtype(bool)),
        arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=30),
    )
)
def test_any_array(array):
    read(array)
    probabilities = outcome(RECOGNIZER.predict_images, array)
    if not isinstance(probabilities, str):
        check_probabilities(probabilities)


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
                    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))  # fmt: skip
def test_any_json(tmp_path, document):
    path = tmp_path / "drawing.json"
    header = {"format": "digitlab drawing", "version": 1, "size": 280}
    for content in (document, header | {"strokes": document}, header | {"size": document}):
        path.write_text(json.dumps(content), encoding="utf-8", errors="surrogatepass")
        try:
            drawing = load_drawing(path)
        except ValueError as error:
            assert "drawing" in str(error) or "expected" in str(error)
        else:
            assert all(np.isfinite(stroke).all() for stroke in drawing)


@given(anything)
def test_a_pad_and_a_file_take_drawings_alone(tmp_path, thing):
    pad = test_a_pad_and_a_file_take_drawings_alone.pad
    pad.clear()
    for put in (pad.draw, lambda drawing: save_drawing(tmp_path / "it.json", drawing)):
        outcome(put, thing)
    assert pad.prediction.probabilities.sum() == pytest.approx(1, abs=1e-5)


test_a_pad_and_a_file_take_drawings_alone.pad = DrawingPad(RECOGNIZER)


# Inputs that are large, or claim to be large.


def test_a_hundred_thousand_points_are_read_and_a_million_are_not():
    rng = np.random.default_rng(0)
    assert read([rng.uniform(0, 280, (100_000, 2))]) == "read"
    with pytest.raises(ValueError, match="at most 100,000 points, got 1,000,000"):
        RECOGNIZER.predict([rng.uniform(0, 280, (1_000_000, 2))])


def test_a_picture_of_a_telephone_is_read_and_one_of_a_satellite_is_not():
    photo = np.full((8_000, 6_000, 3), 200, np.uint8)
    photo[2_000:6_000, 3_000:3_200] = 30
    assert RECOGNIZER.predict(photo).digit == 1
    assert RECOGNIZER.predict(Image.fromarray(photo[::4, ::4])).digit == 1
    for large in (np.zeros((20_000, 20_000), bool), Image.new("1", (20_000, 20_000))):
        with pytest.raises(ValueError, match="at most 64,000,000 pixels, got 20000 x 20000"):
            RECOGNIZER.predict(large)


def test_a_file_that_says_that_it_is_large_is_not_read():
    def chunk(name, content):
        body = name + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", 9_000, 9_000, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(9_001 * 9_000), 9)  # 80 kB that become 81 MB
    bomb = (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )
    with Image.open(io.BytesIO(bomb)) as image:
        with pytest.raises(ValueError, match="at most 64,000,000 pixels, got 9000 x 9000"):
            RECOGNIZER.predict(image)
        assert not getattr(image, "_im", None), "not a pixel was unpacked"


def test_a_file_that_is_cut_off_is_an_error_that_says_so():
    file = io.BytesIO()
    Image.new("L", (300, 300), 255).save(file, "PNG")
    image = Image.open(io.BytesIO(file.getvalue()[:-40]))
    with pytest.raises(ValueError, match="picture that can be read.*mode L, 300 x 300"):
        RECOGNIZER.predict(image)
