"""The silence of stderr always ends, whatever threads, errors and forks do."""

import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from digitlab._stderr import silent_stderr


def is_null():
    return os.path.samestat(os.fstat(2), os.stat(os.devnull))


def open_files():
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.exists() else None


@contextmanager
def own_stderr():
    """Put a file in place of stderr. At the end it must still be there, with no other file open."""
    original = os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        before = open_files()
        try:
            yield file
            assert os.path.samestat(os.fstat(2), os.fstat(file.fileno()))
            assert open_files() == before
        finally:
            os.dup2(original, 2)
            os.close(original)


def test_a_block_is_silent():
    with own_stderr() as file:
        os.write(2, b"before, ")
        with silent_stderr():
            assert is_null()
            os.write(2, b"not heard, ")
        os.write(2, b"after")
        file.seek(0)
        assert file.read() == b"before, after"


@pytest.mark.parametrize("order", ["first in, first out", "first in, last out"])
def test_blocks_that_overlap(order):
    with own_stderr():
        one, other = silent_stderr(), silent_stderr()
        one.__enter__()
        other.__enter__()
        first, last = (one, other) if order == "first in, first out" else (other, one)
        first.__exit__(None, None, None)
        assert is_null()
        last.__exit__(None, None, None)
        assert not is_null()


def test_errors_end_the_silence():
    for error in (ValueError, KeyboardInterrupt):
        with own_stderr():
            with pytest.raises(error), silent_stderr(), silent_stderr():
                raise error
            assert not is_null()


def test_many_threads():
    def enter_and_leave(depth):
        for _ in range(200):
            enter(depth)

    def enter(depth):
        with silent_stderr():
            assert is_null()
            if depth:
                enter(depth - 1)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with own_stderr(), ThreadPoolExecutor(8) as pool:
            list(pool.map(enter_and_leave, range(8)))
    finally:
        sys.setswitchinterval(interval)


def run(code):
    """Run code in a new process; return what it writes to stdout and stderr."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


IMPORTS = "import os, sys, threading\nfrom digitlab._stderr import silent_stderr\n"


def test_a_closed_stderr_stays_closed():
    code = """
os.close(2)
with silent_stderr(), silent_stderr():
    try:
        os.fstat(2)
    except OSError:
        print("closed")
try:
    os.fstat(2)
except OSError:
    print("closed")
"""
    assert run(IMPORTS + code)[0] == "closed\nclosed\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_process_forked_while_another_thread_is_silent_is_heard():
    code = """
entered, leave = threading.Event(), threading.Event()

def be_silent():
    with silent_stderr():
        entered.set()
        leave.wait()

thread = threading.Thread(target=be_silent)
thread.start()
entered.wait()
child = os.fork()
if child == 0:
    os.write(2, b"child\\n")
    with silent_stderr():
        os.write(2, b"not heard\\n")
    os.write(2, b"child again\\n")
    os._exit(0)
os.waitpid(child, 0)
os.write(2, b"not heard\\n")
leave.set()
thread.join()
os.write(2, b"parent\\n")
"""
    assert run("import warnings; warnings.simplefilter('ignore')\n" + IMPORTS + code)[1] == (
        "child\nchild again\nparent\n"
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_process_forked_within_a_block_is_heard_after_it():
    code = """
with silent_stderr():
    child = os.fork()
    os.write(2, b"not heard\\n")
os.write(2, b"heard\\n")
if child == 0:
    os._exit(0)
os.waitpid(child, 0)
"""
    assert run(IMPORTS + code)[1] == "heard\nheard\n"


def test_networks_loaded_read_and_exported_in_threads_leave_stderr_as_it_was():
    code = """
import os, sys, tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
import numpy as np
import digitlab
from digitlab import export_tfjs, export_tflite, pen_cnn

folder, model = Path(tempfile.mkdtemp()), pen_cnn()
images = np.random.default_rng(0).integers(0, 256, (64, 28, 28), np.uint8)
export_tfjs(model, folder / "first")
recognizer = digitlab.load_recognizer()
before = os.fstat(2)

def work(number):
    if number % 8 == 0:
        export_tflite(model, folder / f"{number}.tflite")
    elif number % 8 == 1:
        export_tfjs(model, folder / str(number))
    elif number % 8 == 2:
        recognizer.predict_images(images)
    else:
        digitlab.load_recognizer().predict_images(images[: number % 5 + 1])

with ThreadPoolExecutor(8) as pool:
    list(pool.map(work, range(48)))
assert os.path.samestat(os.fstat(2), before)
print("do you hear me?", file=sys.stderr)
"""
    out, err = run(code)
    assert err.splitlines()[-1:] == ["do you hear me?"]
