"""load_digits: every place where it looks, every way a download ends, and the bundled sample.

Downloads come from a real HTTP server on this machine. Most tests replace MNIST by a tiny stand-in
of the same form, so that they run anywhere; two send MNIST itself.
"""

import contextlib
import dataclasses
import gzip
import hashlib
import importlib.util
import io
import itertools
import logging
import os
import pickle
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import tracemalloc
import warnings
import zipfile
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import numpy as np
import pytest
import requests  # noqa: F401  # pooch would import it within a time-out

from digitlab import Digits, _download, load_digits
from digitlab import mnist as mnist_module
from support.full_disk import largest_file
from support.server import serving

ROOT = Path(__file__).parents[1]
WAIT = 30  # seconds that a silent server stays silent, unless the test ends before

Arrays = dict[str, np.ndarray]


def as_npz(arrays: Arrays) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def as_idx(arrays: Arrays) -> dict[str, bytes]:
    """The four uncompressed files, with headers written by hand after MNIST's description."""
    return {
        "train-images-idx3-ubyte": b"\0\0\x08\x03"
        + struct.pack(">3I", *arrays["x_train"].shape)
        + arrays["x_train"].tobytes(),
        "train-labels-idx1-ubyte": b"\0\0\x08\x01"
        + struct.pack(">I", len(arrays["y_train"]))
        + arrays["y_train"].tobytes(),
        "t10k-images-idx3-ubyte": b"\0\0\x08\x03"
        + struct.pack(">3I", *arrays["x_test"].shape)
        + arrays["x_test"].tobytes(),
        "t10k-labels-idx1-ubyte": b"\0\0\x08\x01"
        + struct.pack(">I", len(arrays["y_test"]))
        + arrays["y_test"].tobytes(),
    }


def random_arrays(seed: int) -> Arrays:
    rng = np.random.default_rng(seed)
    return {
        "x_train": rng.integers(0, 256, (20, 28, 28), np.uint8),
        "y_train": rng.integers(0, 10, 20, np.uint8),
        "x_test": rng.integers(0, 256, (10, 28, 28), np.uint8),
        "y_test": rng.integers(0, 10, 10, np.uint8),
    }


def is_mnist(digits: Digits, arrays: Arrays) -> bool:
    return digits.name == "MNIST" and all(
        np.array_equal(getattr(digits, name), arrays[name]) for name in arrays
    )


class Server:
    """A real HTTP server; `routes` has the answer for each path, `requests` what was asked for."""

    def __init__(self):
        self.routes = {}  # path -> a function of the handler
        self.requests = []
        self.closing = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                server.requests.append(self.path)
                with contextlib.suppress(OSError):  # the client has disconnected, as it should
                    server.routes.get(self.path, missing)(self)

            def log_message(self, *args):
                pass

        self.serving = contextlib.ExitStack()
        self.url = self.serving.enter_context(serving(Handler))

    def close(self):
        self.closing.set()
        self.serving.close()


def answer(handler, content, length=None, kind="application/octet-stream"):
    handler.send_response(200)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(content) if length is None else length))
    handler.end_headers()
    handler.wfile.write(content)


def missing(handler):
    handler.send_error(404)


def whole(content):
    return lambda handler: answer(handler, content)


def truncated(content):
    """Announces the whole content and sends half."""
    return lambda handler: answer(handler, content[: len(content) // 2], len(content))


def short(content):
    """Sends half and announces it as the whole."""
    return lambda handler: answer(handler, content[: len(content) // 2])


def wrong(content):
    return lambda handler: answer(handler, content[:-1] + bytes([content[-1] ^ 1]))


def page(content):
    html = b"<!doctype html><title>Welcome to our Wi-Fi</title>"
    return lambda handler: answer(handler, html, kind="text/html")


def zipped_when_allowed(content):
    def route(handler):
        if "gzip" not in handler.headers.get("Accept-Encoding", "gzip"):
            return answer(handler, content)
        handler.send_response(200)
        handler.send_header("Content-Encoding", "gzip")
        handler.end_headers()
        handler.wfile.write(gzip.compress(gzip.compress(content)))

    return route


@pytest.fixture
def server():
    server = Server()
    yield server
    server.close()


@pytest.fixture
def silent(server):
    """Sends nothing at all."""
    return lambda content: lambda handler: server.closing.wait(WAIT)


@pytest.fixture
def stalled(server):
    """Sends half, and then nothing."""

    def make(content):
        def route(handler):
            answer(handler, content[: len(content) // 2], len(content))
            handler.wfile.flush()
            server.closing.wait(WAIT)

        return route

    return make


@pytest.fixture
def slow(server):
    """Sends everything. This takes longer than `TIMEOUT`, but no silence does."""

    def make(content):
        def route(handler):
            answer(handler, b"", len(content))
            for part in np.array_split(np.frombuffer(content, np.uint8), 8):
                handler.wfile.write(part.tobytes())
                handler.wfile.flush()
                server.closing.wait(_download.TIMEOUT / 4)

        return route

    return make


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """A machine without MNIST: an empty cache, an empty Keras cache, nothing named, no proxy."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name == "DIGITLAB_DATA":
            monkeypatch.delenv(name)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(
        mnist_module.pooch, "os_cache", lambda project: tmp_path / "cache" / project
    )
    (tmp_path / "temporary").mkdir()  # below tmp_path, so that tests also see what is left there
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return tmp_path


@pytest.fixture
def tiny(monkeypatch):
    """Thirty images that are taken for MNIST during the test."""
    arrays = random_arrays(1)
    monkeypatch.setattr(mnist_module, "ARRAYS", described(arrays))
    return arrays


def described(arrays: Arrays) -> dict:
    return {
        name: (array.shape, hashlib.sha256(array.tobytes()).hexdigest())
        for name, array in arrays.items()
    }


@pytest.fixture
def mirrors(server, folders, monkeypatch):
    """Put arrays on both mirrors, in the forms that they serve; return the contents by path."""

    def make(arrays: Arrays) -> dict[str, bytes]:
        files = {"mnist.npz": as_npz(arrays)}
        files |= {f"{k}.gz": gzip.compress(v, 1) for k, v in as_idx(arrays).items()}
        contents = {}
        changed = []
        for mirror in mnist_module.MIRRORS:
            changed.append([])
            for remote in mirror:
                contents[f"/{remote.name}"] = content = files[remote.name]
                algorithm = remote.hash.split(":")[0]
                digest = hashlib.new(algorithm, content).hexdigest()
                changed[-1].append(
                    dataclasses.replace(
                        remote,
                        url=f"{server.url}/{remote.name}",
                        hash=f"{algorithm}:{digest}",
                        size=len(content),
                    )
                )
        monkeypatch.setattr(mnist_module, "MIRRORS", tuple(map(tuple, changed)))
        for path, content in contents.items():
            server.routes[path] = whole(content)
        return contents

    return make


def files_below(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


KERAS = "/mnist.npz"
IDX_FIRST = "/train-images-idx3-ubyte.gz"
IDX_LAST = "/t10k-labels-idx1-ubyte.gz"
CACHED = ["cache/digitlab/mnist.npz"]

# --- Downloads -----------------------------------------------------------------------------------


def test_a_download_shows_one_line_and_is_kept(tiny, mirrors, server, folders, capfd):
    mirrors(tiny)
    digits = load_digits(sample=False)
    assert is_mnist(digits, tiny)
    assert server.requests == [KERAS]
    assert files_below(folders) == CACHED
    out, err = capfd.readouterr()
    assert out == ""
    assert "Downloading MNIST from 127.0.0.1" in err and "100%" in err
    assert err.count("\n") == 1

    server.close()
    assert is_mnist(load_digits(sample=False), tiny), "the cache is used when the server is down"
    assert capfd.readouterr() == ("", ""), "nothing is shown when MNIST is found"


def test_second_mirror_takes_over_and_fills_the_cache(tiny, mirrors, server, folders):
    mirrors(tiny)
    server.routes[KERAS] = missing
    assert is_mnist(load_digits(sample=False), tiny)
    assert server.requests[:2] == [KERAS, IDX_FIRST] and len(server.requests) == 5
    assert files_below(folders) == CACHED
    server.close()
    assert is_mnist(load_digits(sample=False), tiny)


@pytest.mark.parametrize(
    ("ending", "said"),
    [
        (missing, "404 Client Error"),
        (truncated, "more expected"),
        (short, "does not match the known hash"),
        (wrong, "does not match the known hash"),
        (page, "does this network ask you to log in?"),
    ],
)
def test_other_content_is_rejected_and_never_kept(ending, said, tiny, mirrors, server, folders):
    for path, content in mirrors(tiny).items():
        server.routes[path] = ending if ending is missing else ending(content)
    with pytest.raises(OSError, match="neither be found nor downloaded") as caught:
        load_digits(sample=False)
    assert server.requests == [KERAS, IDX_FIRST]
    assert str(caught.value).count(said) == 2, "each mirror has its reason"
    assert files_below(folders) == []


def flood(content, swallowed):
    """Sends far more than a socket buffers, and notes whether the client took all of it."""

    def route(handler):
        handler.send_response(200)
        handler.end_headers()
        for _ in range(4000):
            handler.wfile.write(content)
        swallowed.append(len(content) * 4000)

    return route


def wait_for_downloads():
    for thread in threading.enumerate():
        if thread.name == "digitlab download":
            thread.join(20)
            assert not thread.is_alive(), "nothing goes on behind your back"


def broken(handler):
    handler.send_error(500)


def round_and_round(handler):
    handler.send_response(302)
    handler.send_header("Location", handler.path)
    handler.end_headers()


def changed(content):
    """Yield what a server may send in place of a file: a name, and a route that sends it."""
    random = np.random.default_rng(0)
    bits = bytearray(content)
    yield "a server's error", broken
    yield "a redirection to itself", round_and_round
    for tenth in range(10):
        part = content[: len(content) * tenth // 10]
        yield (
            f"{tenth}/10, and the connection ends",
            partial(answer, content=part, length=len(content)),
        )
        yield f"{tenth}/10, called the whole", partial(answer, content=part)
    for place in random.integers(len(content), size=10):
        bits = bytearray(content)
        bits[place] ^= 1 << random.integers(8)
        yield f"a bit of byte {place} flipped", partial(answer, content=bytes(bits))


def test_nothing_but_the_file_is_taken_for_it(tiny, mirrors, server, folders):
    contents, tried = mirrors(tiny), 0
    for path in (IDX_FIRST, IDX_LAST, KERAS):
        for name, route in changed(contents[path]):
            server.routes = {key: whole(content) for key, content in contents.items()}
            server.routes[KERAS] = server.routes[path] = route
            if path == KERAS:  # the second mirror still has the right files
                assert is_mnist(load_digits(sample=False), tiny), name
                (folders / CACHED[0]).unlink()
            else:
                with pytest.raises(OSError, match="neither be found nor downloaded"):
                    pytest.fail(f"{path}, {name}: {load_digits(sample=False)}")
            assert files_below(folders) == [], name
            tried += 1
    assert tried == 3 * 32


def test_a_redirection_is_followed(tiny, mirrors, server, folders):
    server.routes["/elsewhere"] = whole(mirrors(tiny)[KERAS])

    def elsewhere(handler):
        handler.send_response(302)
        handler.send_header("Location", "/elsewhere")
        handler.end_headers()

    server.routes[KERAS] = elsewhere
    assert is_mnist(load_digits(sample=False), tiny)
    assert server.requests == [KERAS, "/elsewhere"] and files_below(folders) == CACHED


def test_a_redirection_to_a_disk_is_not_followed(tiny, mirrors, server, folders):
    contents = mirrors(tiny)
    put(folders / "local.npz", contents[KERAS])

    def to_a_file(handler):
        handler.send_response(302)
        handler.send_header("Location", (folders / "local.npz").as_uri())
        handler.end_headers()

    server.routes[KERAS] = server.routes[IDX_FIRST] = to_a_file
    with pytest.raises(OSError, match="neither be found nor downloaded"):
        load_digits(sample=False)


def test_more_than_the_file_is_cut_short(tiny, mirrors, server):
    swallowed = []
    server.routes[KERAS] = flood(mirrors(tiny)[KERAS], swallowed)
    assert is_mnist(load_digits(sample=False), tiny), "the second mirror's"
    wait_for_downloads()
    assert not swallowed


def test_last_of_four_files_wrong_keeps_none(tiny, mirrors, server, folders):
    contents = mirrors(tiny)
    server.routes[KERAS] = missing
    server.routes[IDX_LAST] = wrong(contents[IDX_LAST])
    with pytest.raises(OSError, match=r"t10k-labels-idx1-ubyte.gz\) does not match the known hash"):
        load_digits(sample=False)
    assert files_below(folders) == []


def test_right_files_with_other_arrays_are_rejected(tiny, mirrors, folders):
    """The files' own hashes match, so only the hashes of the arrays can tell."""
    mirrors(random_arrays(2))
    with pytest.raises(OSError, match="is not MNIST: expected the bytes of x_train") as caught:
        load_digits(sample=False)
    assert str(caught.value).count("is not MNIST") == 2
    assert files_below(folders) == []


def test_download_asks_for_the_bytes_as_they_are(tiny, mirrors, server):
    for path, content in mirrors(tiny).items():
        server.routes[path] = zipped_when_allowed(content)
    assert is_mnist(load_digits(sample=False), tiny)
    assert server.requests == [KERAS]


# --- Silence -------------------------------------------------------------------------------------


def test_slow_but_alive_takes_as_long_as_it_needs(tiny, mirrors, server, slow, monkeypatch):
    monkeypatch.setattr(_download, "TIMEOUT", 3.0)  # a busy machine may stall for a second
    server.routes[KERAS] = slow(mirrors(tiny)[KERAS])
    start = time.monotonic()
    assert is_mnist(load_digits(sample=False), tiny)
    assert time.monotonic() - start > _download.TIMEOUT
    assert server.requests == [KERAS]


@pytest.mark.parametrize("ending", ["silent", "stalled"])
def test_second_mirror_takes_over_from_silence(
    ending, tiny, mirrors, server, folders, request, monkeypatch
):
    monkeypatch.setattr(_download, "TIMEOUT", 3.0)  # see above
    server.routes[KERAS] = request.getfixturevalue(ending)(mirrors(tiny)[KERAS])
    assert is_mnist(load_digits(sample=False), tiny)
    assert files_below(folders) == CACHED


@pytest.mark.parametrize("ending", ["silent", "stalled"])
def test_silence_everywhere_ends_in_the_sample(
    ending, tiny, mirrors, server, folders, request, monkeypatch
):
    monkeypatch.setattr(_download, "TIMEOUT", 0.5)
    for path, content in mirrors(tiny).items():
        server.routes[path] = request.getfixturevalue(ending)(content)
    start = time.monotonic()
    with pytest.warns(UserWarning, match="This is NOT MNIST"):
        digits = load_digits()
    assert time.monotonic() - start < 10 < WAIT
    assert digits.name == mnist_module.SAMPLE_NAME
    assert files_below(folders) == []


def test_name_that_is_looked_up_for_ever_ends_in_the_sample(tiny, mirrors, server, monkeypatch):
    """No socket time-out covers the look-up, and an unresponsive resolver takes half a minute.

    There is no such resolver here, so the test delays the look-up itself.
    """
    mirrors(tiny)
    monkeypatch.setattr(_download, "TIMEOUT", 0.5)
    monkeypatch.setattr("socket.getaddrinfo", lambda *args, **kwargs: server.closing.wait(WAIT))
    start = time.monotonic()
    with pytest.warns(UserWarning, match="silent for 0.5 seconds"):
        assert load_digits().name == mnist_module.SAMPLE_NAME
    assert time.monotonic() - start < 10


def test_off_the_network_it_answers_within_ten_seconds(folders, monkeypatch):
    """With the default time-outs, and two host names that exist in no network."""
    nowhere = tuple(
        tuple(
            dataclasses.replace(remote, url=f"http://mirror{number}.invalid/{remote.name}")
            for remote in mirror
        )
        for number, mirror in enumerate(mnist_module.MIRRORS)
    )
    monkeypatch.setattr(mnist_module, "MIRRORS", nowhere)
    start = time.monotonic()
    with pytest.warns(UserWarning) as caught:
        digits = load_digits()
    assert time.monotonic() - start < 10
    assert digits.name == mnist_module.SAMPLE_NAME
    assert len(caught) == 1, "one warning"
    assert caught[0].filename == __file__, "it points to the line that asked"
    for part in ("NOT MNIST", "mirror0.invalid", "mirror1.invalid", "DIGITLAB_DATA"):
        assert part in str(caught[0].message)
    assert files_below(folders) == []


def test_patience_that_ships_leaves_time_for_the_sample():
    assert len(mnist_module.MIRRORS) * _download.TIMEOUT <= 9


def test_without_sample_it_raises_with_every_try_and_what_to_do(tiny, mirrors, server, folders):
    mirrors(tiny)
    server.close()
    with pytest.raises(OSError) as caught, warnings.catch_warnings():
        warnings.simplefilter("error")
        load_digits(sample=False)
    message = str(caught.value)
    assert message.count("ConnectionRefusedError") == 2
    for part in (folders / "cache/digitlab/mnist.npz", folders / "keras/datasets/mnist.npz"):
        assert f"{part}: not there" in message
    assert "DIGITLAB_DATA" in message and mnist_module.MIRRORS[0][0].url in message


def test_pooch_reports_only_downloads_of_others(tiny, mirrors, server, folders):
    """It would report each file that it saves. For ours, the progress bar says enough."""
    contents = mirrors(tiny)
    reports: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = reports.append
    logger = _download.pooch.get_logger()
    logger.addHandler(handler)
    try:
        load_digits(sample=False)
        assert reports == []
        known = f"md5:{hashlib.md5(contents[KERAS]).hexdigest()}"
        _download.pooch.retrieve(f"{server.url}{KERAS}", known, "other.npz", folders)
        assert len(reports) == 1
    finally:
        logger.removeHandler(handler)


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_ctrl_c_stops_at_once_and_leaves_nothing(tiny, mirrors, server, folders, monkeypatch):
    mirrors(tiny)
    large = dataclasses.replace(mnist_module.MIRRORS[0][0], size=10**9)
    monkeypatch.setattr(mnist_module, "MIRRORS", ((large,),))
    main = threading.main_thread().ident
    swallowed = []

    def interrupted(handler):
        signal.pthread_kill(main, signal.SIGINT)
        flood(bytes(20_000), swallowed)(handler)

    server.routes[KERAS] = interrupted
    # A shell starts background jobs with this signal ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            load_digits()
    finally:
        signal.signal(signal.SIGINT, before)
    wait_for_downloads()
    assert not swallowed
    assert files_below(folders) == []


# --- The caches ----------------------------------------------------------------------------------


def put(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_cache_of_keras_is_used_and_not_copied(tiny, mirrors, server, folders, capfd):
    mirrors(tiny)
    put(folders / "keras/datasets/mnist.npz", as_npz(tiny))
    assert is_mnist(load_digits(sample=False), tiny)
    assert server.requests == []
    assert files_below(folders) == ["keras/datasets/mnist.npz"]
    assert capfd.readouterr() == ("", "")


def test_cache_of_keras_is_found_at_home_without_keras_home(tiny, folders, monkeypatch):
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", str(folders))
    monkeypatch.setenv("USERPROFILE", str(folders))
    put(folders / ".keras/datasets/mnist.npz", as_npz(tiny))
    assert is_mnist(load_digits(sample=False), tiny)


@pytest.mark.parametrize("content", [b"", b"damaged", as_npz(random_arrays(2))[:-100]])
def test_damaged_cache_is_replaced(content, tiny, mirrors, server, folders):
    mirrors(tiny)
    cached = put(folders / CACHED[0], content)
    put(folders / "keras/datasets/mnist.npz", as_npz(random_arrays(2)))
    assert is_mnist(load_digits(sample=False), tiny)
    assert server.requests == [KERAS]
    assert cached.read_bytes() == as_npz(tiny)


def test_damaged_caches_are_named_when_nothing_else_is_there(tiny, mirrors, server, folders):
    mirrors(tiny)
    server.close()
    put(folders / CACHED[0], b"damaged")
    put(folders / "keras/datasets/mnist.npz", as_npz(random_arrays(2)))
    with pytest.raises(OSError) as caught:
        load_digits(sample=False)
    assert "this file cannot be read as MNIST: it is not an npz file" in str(caught.value)
    assert "this file is not MNIST" in str(caught.value)


@pytest.mark.parametrize("idx", [False, True])
@pytest.mark.parametrize("obstacle", ["cache", "cache/digitlab/mnist.npz/folder"])
def test_cache_that_cannot_be_written_is_no_obstacle(obstacle, idx, tiny, mirrors, server, folders):
    """A file where its folder should be, or a folder where the file should be."""
    mirrors(tiny)
    if idx:
        server.routes[KERAS] = missing
    put(folders / obstacle, b"")
    with pytest.warns(UserWarning, match="cannot be kept") as caught:
        assert is_mnist(load_digits(), tiny)
    assert [w.filename for w in caught] == [__file__], [str(w.message) for w in caught]
    assert files_below(folders) == [obstacle]


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_a_full_disk_of_the_cache_is_no_obstacle(tiny, mirrors, server, folders):
    """There is room for each of the four files, but not for all of them in one file."""
    contents = mirrors(tiny)
    server.routes[KERAS] = missing
    with (
        largest_file(max(map(len, contents.values())) - 2000),
        pytest.warns(UserWarning, match="cannot be kept.*File too large"),
    ):
        assert is_mnist(load_digits(), tiny)
    assert files_below(folders) == []


def test_a_full_disk_is_named(tiny, mirrors, server, folders):
    mirrors(tiny)
    with largest_file(1000), pytest.raises(OSError, match="neither be found nor") as caught:
        load_digits(sample=False)
    assert str(caught.value).count("File too large") == 2
    assert files_below(folders) == []


def test_processes_at_once(tiny, mirrors, server, folders):
    """Four processes start with an empty cache: each gets MNIST, and one whole file stays."""
    mirrors(tiny)
    program = (
        "import sys, pickle; from pathlib import Path; from digitlab import mnist\n"
        "mnist.ARRAYS, mnist.MIRRORS, cache = pickle.load(sys.stdin.buffer)\n"
        "mnist.pooch.os_cache = lambda project: Path(cache, project)\n"
        "for _ in range(8):\n"
        "    print(mnist.load_digits(sample=False).name)\n"
        "    (Path(cache) / 'digitlab' / 'mnist.npz').unlink(missing_ok=True)\n"
        "mnist.load_digits(sample=False)\n"
    )
    given = pickle.dumps((mnist_module.ARRAYS, mnist_module.MIRRORS, str(folders / "cache")))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    processes = []
    for _ in range(4):
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
        )
        process.stdin.write(given)
        process.stdin.close()
        process.stdin = None
        processes.append(process)
    for process in processes:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err.decode()
        assert out.split() == [b"MNIST"] * 8
    assert files_below(folders) in ([], CACHED)


# --- DIGITLAB_DATA -------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["npz", "named", "idx", "gz", "dots"])
def test_named_data_is_read_in_every_form(form, tiny, mirrors, server, folders, monkeypatch):
    mirrors(tiny)
    put(folders / CACHED[0], as_npz(random_arrays(2)))  # must not be read
    place = folders / "named"
    if form in ("npz", "named"):
        file = put(place / ("mnist.npz" if form == "npz" else "my digits.npz"), as_npz(tiny))
        place = file if form == "named" else place
    for name, content in as_idx(tiny).items():
        if form == "idx":
            put(place / name, content)
        if form == "gz":
            put(place / f"{name}.gz", gzip.compress(content))
        if form == "dots":
            put(place / name.replace("-idx", ".idx"), content)
    before = files_below(folders)
    monkeypatch.setenv("DIGITLAB_DATA", str(place))
    digits = load_digits(sample=False)
    assert is_mnist(digits, tiny)
    assert all(getattr(digits, name).flags.writeable for name in tiny)
    assert server.requests == [] and files_below(folders) == before


def test_named_data_may_begin_at_home(tiny, folders, monkeypatch):
    put(folders / "mnist.npz", as_npz(tiny))
    monkeypatch.setenv("HOME", str(folders))
    monkeypatch.setenv("USERPROFILE", str(folders))
    monkeypatch.setenv("DIGITLAB_DATA", "~/mnist.npz")
    assert is_mnist(load_digits(), tiny)


def test_empty_variable_counts_as_none(tiny, mirrors, monkeypatch):
    mirrors(tiny)
    monkeypatch.setenv("DIGITLAB_DATA", "")
    assert is_mnist(load_digits(sample=False), tiny)


def npz_with(arrays: Arrays, **other) -> dict[str, bytes]:
    return {"mnist.npz": as_npz({k: v for k, v in (arrays | other).items() if v is not None})}


def idx_with(arrays: Arrays, change) -> dict[str, bytes]:
    name = "train-images-idx3-ubyte"
    files = as_idx(arrays)
    return files | {name: change(files[name])}


NAMED_WRONG = {
    "nothing there": (lambda a: None, FileNotFoundError, "no such file or folder"),
    "empty folder": (lambda a: {"README": b""}, FileNotFoundError, "neither mnist.npz nor"),
    "three of four": (
        lambda a: {k: v for k, v in as_idx(a).items() if not k.startswith("t10k-l")},
        FileNotFoundError,
        r"nor t10k-labels-idx1-ubyte \(or",
    ),
    "no npz": (lambda a: {"mnist.npz": b"<html>"}, ValueError, "it is not an npz file"),
    "half": (lambda a: {"mnist.npz": as_npz(a)[:9999]}, ValueError, "or only part of one"),
    "array missing": (lambda a: npz_with(a, y_test=None), ValueError, "it does not hold y_test"),
    "objects": (
        lambda a: npz_with(a, x_test=np.array([{}], object)),
        ValueError,
        "cannot be read as MNIST: .*allow_pickle",
    ),
    "floats": (
        lambda a: npz_with(a, x_train=a["x_train"] / 255),
        ValueError,
        r"expected x_train to be uint8 \(20, 28, 28\), got float64",
    ),
    "flat": (
        lambda a: npz_with(a, x_train=a["x_train"].reshape(20, -1)),
        ValueError,
        r"got uint8 \(20, 784\)",
    ),
    "one label": (
        lambda a: npz_with(a, y_train=a["y_train"] ^ np.eye(20, dtype=np.uint8)[7]),
        ValueError,
        "expected the bytes of y_train to have SHA-256",
    ),
    "idx cut": (lambda a: idx_with(a, lambda c: c[:-1]), ValueError, "cannot be read as MNIST"),
    "idx of ints": (
        lambda a: idx_with(a, lambda c: b"\0\0\x0c\x03" + c[4:]),
        ValueError,
        "it is not an IDX file of unsigned bytes",
    ),
    "gz cut": (
        lambda a: idx_with(a, lambda c: gzip.compress(c)[:-99]),
        ValueError,
        "cannot be read as MNIST",
    ),
    "one pixel": (
        lambda a: idx_with(a, lambda c: c[:-1] + bytes([c[-1] ^ 1])),
        ValueError,
        "expected the bytes of x_train to have SHA-256",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("form", ["npz", "gz"])
def test_a_small_file_that_unpacks_to_much_is_rejected(form, tiny, folders, monkeypatch):
    """A gigabyte of zeros, compressed to a megabyte."""
    much = io.BytesIO()
    if form == "npz":
        archive = zipfile.ZipFile(much, "w", zipfile.ZIP_DEFLATED)
        with archive, archive.open("x_train.npy", "w") as member:
            for _ in range(1000):
                member.write(bytes(1_000_000))
        put(folders / "mnist.npz", much.getvalue())
    else:
        with gzip.open(much, "wb") as file:
            file.write(b"\0\0\x08\1" + struct.pack(">I", 1_000_000_000))
            for _ in range(1000):
                file.write(bytes(1_000_000))
        for name in mnist_module.IDX:
            put(folders / f"{name}.gz", much.getvalue())
    monkeypatch.setenv("DIGITLAB_DATA", str(folders))
    tracemalloc.start()
    with pytest.raises(ValueError, match="far more than MNIST"):
        load_digits()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 3 * mnist_module._LARGEST


@pytest.mark.parametrize("case", NAMED_WRONG)
def test_named_data_that_is_wrong_is_an_error(case, tiny, mirrors, server, folders, monkeypatch):
    """It is never a reason to look elsewhere."""
    mirrors(tiny)
    put(folders / CACHED[0], as_npz(tiny))
    files, error, said = NAMED_WRONG[case]
    for name, content in (files(tiny) or {}).items():
        put(folders / "named" / name, content)
    monkeypatch.setenv("DIGITLAB_DATA", str(folders / "named"))
    with pytest.raises(error, match=said) as caught:
        load_digits()
    assert "DIGITLAB_DATA" in str(caught.value) and str(folders / "named") in str(caught.value)
    assert server.requests == []


# --- MNIST itself --------------------------------------------------------------------------------


def arrays_of(digits: Digits) -> Arrays:
    return {name: getattr(digits, name) for name in mnist_module.ARRAYS}


def test_mnist_comes_whole_from_either_mirror(mnist, mirrors, server, folders):
    mirrors(arrays_of(mnist))
    assert is_mnist(load_digits(sample=False), arrays_of(mnist))
    assert server.requests == [KERAS] and files_below(folders) == CACHED

    (folders / CACHED[0]).unlink()
    server.routes[KERAS] = missing
    assert is_mnist(load_digits(sample=False), arrays_of(mnist))
    assert len(server.requests) == 6 and files_below(folders) == CACHED

    server.close()
    digits = load_digits(sample=False)
    assert is_mnist(digits, arrays_of(mnist))
    assert repr(digits) == "<Digits: MNIST, 60,000 images for training, 10,000 for the test>"


def test_mnist_has_the_md5_sums_that_its_makers_published(mnist):
    """Sums of the four uncompressed files, independent of the SHA-256 sums in the package."""
    known = {
        "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
        "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
        "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
        "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
    }
    for name, content in as_idx(arrays_of(mnist)).items():
        assert hashlib.md5(content).hexdigest() == known[name]


def test_mirrors_are_complete():
    for mirror in mnist_module.MIRRORS:
        names = [remote.name.removesuffix(".gz") for remote in mirror]
        assert names in ([mnist_module.NPZ], list(mnist_module.IDX))
    for remote in itertools.chain(*mnist_module.MIRRORS):
        algorithm, digest = remote.hash.split(":")
        assert len(digest) == 2 * hashlib.new(algorithm).digest_size
        assert remote.url.startswith("https://") and remote.url.endswith(f"/{remote.name}")


# --- The sample ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sample() -> Arrays:
    with np.load(mnist_module.SAMPLE, allow_pickle=False) as arrays:
        return dict(arrays)


def test_sample_has_the_form_of_mnist(sample):
    assert mnist_module.SAMPLE.stat().st_size < 400_000
    assert sorted(sample) == sorted(mnist_module.ARRAYS)
    for part, expected in (("train", 1433), ("test", 364)):
        x, y = sample[f"x_{part}"], sample[f"y_{part}"]
        assert x.shape == (expected, 28, 28) and y.shape == (expected,)
        assert x.dtype == y.dtype == np.uint8
        shares = np.bincount(y, minlength=10) / expected
        assert (abs(shares - 0.1) < 0.005).all(), "stratified"
        assert len(set(y[:50])) == 10, "shuffled"


def test_sample_has_the_geometry_of_mnist(sample):
    x = np.concatenate([sample["x_train"], sample["x_test"]]).astype(float)
    for image in x:
        rows, columns = np.nonzero(image)
        assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
    mass = x.sum((1, 2))
    for axis in (1, 2):
        centre = (x.sum(axis) @ np.arange(28)) / mass
        assert (abs(centre - 14) <= 0.51).all(), "by whole pixels: at most half a pixel off"
    assert 0.11 < x.mean() / 255 < 0.15, "MNIST's mean pixel has 0.131 of full ink"


def test_sample_can_be_learned(sample):
    """A nearest-neighbour classifier reads at least 95 %, and no digit is in both parts."""
    train, test = (sample[f"x_{part}"].reshape(-1, 784) / 255.0 for part in ("train", "test"))
    squared = (test**2).sum(1)[:, None] - 2 * test @ train.T + (train**2).sum(1)
    read = sample["y_train"][squared.argmin(1)]
    assert (read == sample["y_test"]).mean() >= 0.95
    assert squared.min() > 1e-6


def test_sample_is_what_its_script_makes(sample, optional, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path, str(optional)])
    spec = importlib.util.spec_from_file_location("make_sample", ROOT / "scripts/make_sample.py")
    make_sample = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_sample)
    source = make_sample.load_sklearn_digits()
    train, test = make_sample.split(source.target)
    assert np.array_equal(source.target[train], sample["y_train"])
    assert np.array_equal(source.target[test], sample["y_test"])
    made = np.stack([make_sample.enlarge(source.images[index]) for index in test[:30]])
    # Not equal to the byte, because another Pillow or SciPy may round differently.
    assert abs(made.astype(int) - sample["x_test"][:30]).mean() < 1


def test_each_call_gives_arrays_of_its_own(folders, monkeypatch):
    nowhere = dataclasses.replace(mnist_module.MIRRORS[0][0], url="http://mirror.invalid/")
    monkeypatch.setattr(mnist_module, "MIRRORS", ((nowhere,),))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        first, second = load_digits(), load_digits()
    first.x_train[:] = 7
    assert not np.array_equal(first.x_train, second.x_train)
    with pytest.raises(dataclasses.FrozenInstanceError):
        first.name = "MNIST"


def digits_of(arrays: Arrays, **options) -> Digits:
    return Digits(**arrays, name="mine", **options)


def test_digits_are_copies_of_what_they_are_made_of():
    arrays = random_arrays(3)
    digits = digits_of(arrays)
    for name, array in arrays.items():
        kept = getattr(digits, name).copy()
        array[:] = 7
        np.testing.assert_array_equal(getattr(digits, name), kept)
        assert getattr(digits, name).flags.writeable
    part = dataclasses.replace(digits, x_train=digits.x_train[:5], y_train=digits.y_train[:5])
    part.x_train[:] = part.x_test[:] = 0
    assert digits.x_train.any() and digits.x_test.any()


@pytest.mark.parametrize("dtype", [np.uint8, np.int64])
def test_images_of_0_and_1_are_asked_for_as_float(dtype):
    images = np.eye(28, dtype=dtype)[None]
    with pytest.raises(ValueError, match="only 0 and 1; pass them as float"):
        Digits(images, [1], None, None, "binary")
    assert Digits(images.astype(float), [1], None, None, "binary").x_train.max() == 255


def test_large_arrays_need_not_be_copied():
    arrays = random_arrays(3)
    digits = digits_of(arrays, copy=False)
    assert digits.x_train is arrays["x_train"] and digits.x_test is arrays["x_test"]


def test_no_test_set_is_none():
    arrays = random_arrays(3) | {"x_test": None, "y_test": None}
    digits = digits_of(arrays)
    assert digits.x_test.shape == (0, 28, 28) and digits.y_test.shape == (0,)
    with pytest.raises(ValueError, match="images"):
        digits_of(arrays | {"y_test": [1]})
    with pytest.raises(ValueError, match="images"):
        digits_of(arrays | {"x_train": None})
