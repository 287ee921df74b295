"""Many scans to a table: in this process, in a pool, and on a Dask cluster that loses parts."""

import asyncio
import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from digitlab import (
    load_drawings,
    load_recognizer,
    read_to_table,
    render_strokes,
    save_drawing,
    stored_drawing,
)
from digitlab.recognizer import Recognizer
from support.gate import PATIENCE, Gate, wait_for

HEAD = ["text", "confidence", "reason", "error"]


def image_of(digit):
    return (255 * render_strokes(stored_drawing(digit))).round().astype(np.uint8)


def rows(table):
    with table.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


@pytest.fixture
def scans(tmp_path):
    """An array of 60 images on disk: digits, an empty image, and a scribble."""
    images = np.array([image_of(i % 10) for i in range(60)])
    images[7] = 0
    images[23, 4:-4, 4:-4] = np.random.default_rng(0).integers(0, 256, (20, 20))
    np.save(tmp_path / "scans.npy", images)
    return tmp_path / "scans.npy"


def expected(path):
    """The table that a plain loop over the array gives."""
    recognizer, found = load_recognizer(), [["index", *HEAD]]
    for index, image in enumerate(np.load(path)):
        # Not `predict`, which would normalise the image to MNIST's geometry again.
        confidence, digit = max(
            (p, d) for d, p in enumerate(recognizer.predict_images(image[None])[0])
        )
        reason = "" if image.any() else "empty"
        if image.any() and recognizer.rejects(image[None])[0]:
            reason = "not a digit"
        text, confidence = ("", 0.0) if reason else (str(digit), float(confidence))
        found.append([str(index), text, str(confidence), reason, ""])
    return found


def test_an_array_is_read_as_by_a_loop(scans, tmp_path):
    table = read_to_table(scans, tmp_path / "digits.csv", progress=False)
    assert table == tmp_path / "digits.csv"
    assert rows(table) == expected(scans)
    assert {row[3] for row in rows(table)[1:]} == {"", "empty", "not a digit"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["digits.csv", "scans.npy"]


def test_an_image_out_of_range_is_a_row_with_its_error(tmp_path):
    images = np.array([image_of(digit) for digit in range(10)], np.float32) / 255
    images[3, 5, 5] = np.nan
    np.save(tmp_path / "scans.npy", images.reshape(10, 784))
    found = rows(read_to_table(tmp_path / "scans.npy", tmp_path / "digits.csv"))[1:]
    assert [row[1] for row in found] == list("012") + [""] + list("456789")
    assert found[3][4].startswith(
        "ValueError: expected float images in [0, 1], got values from nan"
    )


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures"
    (folder / "b" / "deep").mkdir(parents=True)
    for name, digit in {"z.png": 1, "b/2.JPG": 2, "b/deep/3.bmp": 3, "a é,\n.png": 4}.items():
        ink = np.pad(image_of(digit), 20)
        Image.fromarray(255 - ink).save(folder / name, "jpeg" if name.endswith("JPG") else None)
    whole = (folder / "z.png").read_bytes()
    (folder / "b" / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.png").touch()
    (folder / "text.png").write_text("no picture")
    Image.new("L", (50, 50), "white").save(folder / "white.png")
    (folder / "notes.txt").write_text("left out")
    (folder / ".hidden.png").write_text("left out")
    return folder


NAMES = ["a é,\n.png", "empty.png", "text.png", "white.png", "z.png", "b/2.JPG", "b/cut.png"]
NAMES.append("b/deep/3.bmp")


def test_a_corrupt_picture_is_a_row_with_its_error(pictures, tmp_path):
    head, *found = rows(read_to_table(pictures, tmp_path / "digits.csv"))
    assert head == ["file", *HEAD]
    assert [row[0] for row in found] == NAMES
    assert [row[1] for row in found] == ["4", "", "", "", "1", "2", "", "3"]
    assert [row[3] for row in found] == ["", "", "", "empty", "", "", "", ""]
    for name, *_, error in found:
        assert bool(error) == (name in ("empty.png", "text.png", "b/cut.png")), name
        assert "\n" not in error


def test_a_file_of_several_pages_says_that_only_the_first_was_read(tmp_path):
    pages = [Image.fromarray(255 - image_of(digit)) for digit in (4, 7, 1)]
    (tmp_path / "faxes").mkdir()
    pages[0].save(tmp_path / "faxes" / "fax.tif", save_all=True, append_images=pages[1:])
    pages[0].convert("RGB").save(tmp_path / "faxes" / "photo.jfif", "JPEG")
    for numbers in (False, True):
        table = read_to_table(tmp_path / "faxes", tmp_path / "table.csv", numbers=numbers)
        (_, fax, *_, said), (_, photo, *_, nothing) = rows(table)[1:]
        assert (fax, photo, nothing) == ("4", "4", "")
        assert said == "expected one page, got 3; only the first was read"


def test_what_another_call_has_removed_is_missed(scans, tmp_path):
    table, parts, read = tmp_path / "digits.csv", tmp_path / "digits.csv.parts", []

    def clear_away(images):
        read.extend(images)
        if len(read) == 60:  # the last block
            wait_for(lambda: list(parts.glob("0*.csv")))
            shutil.rmtree(parts, ignore_errors=True)
        return np.full((len(images), 10), 0.1)

    with pytest.raises(FileNotFoundError, match="another call for the same table removed it"):
        read_to_table(
            scans, table, recognizer=Recognizer(clear_away), processes=0, block_size=10,
            progress=False,
        )  # fmt: skip
    assert not table.exists()


def test_folders_are_followed_but_not_hidden_ones(tmp_path):
    inside, beside = tmp_path / "in", tmp_path / "beside"
    picture = Image.fromarray(image_of(5))
    for folder in (inside, inside / ".hidden", beside):
        folder.mkdir()
        picture.save(folder / "five.png")
    (inside / "linked").symlink_to(beside)
    (beside / "around").symlink_to(inside)  # and back again
    read_to_table(inside, tmp_path / "table.csv")
    assert [row[0] for row in rows(tmp_path / "table.csv")[1:]] == ["five.png", "linked/five.png"]
    save_drawing(beside / "4.json", stored_drawing(4))
    assert load_drawings(inside).labels.tolist() == [4]


class Refusing(Recognizer):
    """Somebody's own recognizer, which sees no digit in anything."""

    def rejects(self, images):
        return np.full(len(images), True)


def test_a_class_of_ones_own_reads_its_own_way(scans, tmp_path):
    recognizer = Refusing(load_recognizer().model)
    read_to_table(scans, tmp_path / "table.csv", recognizer=recognizer)
    reasons = {row[3] for row in rows(tmp_path / "table.csv")[1:]}
    assert reasons == {"not a digit", "empty"}


def test_numbers_are_read(tmp_path):
    two = np.hstack([np.pad(image_of(digit), 8) for digit in (4, 2)])
    (tmp_path / "pictures").mkdir()
    Image.fromarray(255 - two).save(tmp_path / "pictures" / "42.png")
    Image.new("L", (50, 50), "white").save(tmp_path / "pictures" / "white.png")
    table = read_to_table(tmp_path / "pictures", tmp_path / "numbers.csv", numbers=True)
    (_, read, confidence, *_), white = rows(table)[1:]
    assert read == "42" and 0.5 < float(confidence) <= 1
    assert white == ["white.png", "", "0.0", "empty", ""]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_names_that_are_no_text(tmp_path):
    (tmp_path / "pictures").mkdir()
    with open(os.fsencode(tmp_path / "pictures") + b"/\xff.png", "wb"):
        pass
    pytest.importorskip("pyarrow")
    import pyarrow.parquet

    (row,) = rows(read_to_table(tmp_path / "pictures", tmp_path / "digits.csv"))[1:]
    table = read_to_table(tmp_path / "pictures", tmp_path / "digits.parquet")
    assert row[0] == "\\udcff.png" and "cannot identify image file" in row[-1]
    assert pyarrow.parquet.read_table(table).column("file").to_pylist() == [row[0]]


def test_parquet_holds_the_same(scans, pictures, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    for source, kind in (scans, "int64"), (pictures, "string"):
        one = rows(read_to_table(source, tmp_path / "table.csv"))
        table = parquet.read_table(read_to_table(source, tmp_path / "table.parquet", processes=1))
        assert table.column_names == one[0]
        assert [str(field.type) for field in table.schema] == [
            kind,
            "string",
            "float",
            *2 * ["string"],
        ]
        found = [[str(cell) for cell in row.values()] for row in table.to_pylist()]
        assert found == one[1:]


def test_small_blocks_make_no_small_row_groups(scans, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    table = read_to_table(scans, tmp_path / "digits.parquet", processes=0, block_size=1)
    assert parquet.ParquetFile(table).num_row_groups == 1


@pytest.mark.parametrize(
    ("source", "table", "error", "said"),
    [
        ("nothing", "digits.csv", FileNotFoundError, "expected a folder of pictures or a .npy"),
        (
            "bare",
            "digits.csv",
            ValueError,
            r"pictures \(.*\.tif .*\) or images in .*, found none",
        ),
        (
            "none.npy",
            "digits.csv",
            ValueError,
            r"pictures \(.*\.tif .*\) or images in .*, found none",
        ),
        (
            "scans.npy",
            "digits.xls",
            ValueError,
            "expected a table whose name ends in .csv or .parquet",
        ),
        ("notes.txt", "digits.csv", ValueError, "expected a folder of pictures or a .npy"),
        ("cut.npy", "digits.csv", ValueError, "cut.npy cannot be read"),
        ("wide.npy", "digits.csv", ValueError, "wide.npy cannot be read: expected images of"),
    ],
)
def test_one_error_says_what_was_expected(source, table, error, said, scans, tmp_path):
    (tmp_path / "bare").mkdir()
    (tmp_path / "notes.txt").touch()
    (tmp_path / "cut.npy").write_bytes(scans.read_bytes()[:40])
    np.save(tmp_path / "none.npy", np.zeros((0, 28, 28), np.uint8))
    np.save(tmp_path / "wide.npy", np.zeros((3, 28, 29), np.uint8))
    with pytest.raises(error, match=said):
        read_to_table(tmp_path / source, tmp_path / table)
    assert not list(tmp_path.glob("digits*"))


def test_any_network_reads_but_no_other_object(scans, tmp_path):
    def seven(image):
        return np.eye(10)[7]

    table = read_to_table(scans, tmp_path / "digits.csv", recognizer=seven, progress=False)
    assert {line.split(",")[1] for line in table.read_text().splitlines()[1:]} == {"7", ""}
    with pytest.raises(TypeError, match="expected a recognizer with predict.*got dict"):
        read_to_table(scans, tmp_path / "digits.csv", recognizer={})
    with pytest.raises(TypeError, match=r"expected a dask.distributed.Client, got int"):
        read_to_table(scans, tmp_path / "digits.csv", client=5)


def test_an_asynchronous_client_is_refused(scans, tmp_path):
    async def read():
        async with Client(asynchronous=True, processes=False, dashboard_address=None) as client:
            with pytest.raises(TypeError, match="got an asynchronous one"):
                read_to_table(scans, tmp_path / "digits.csv", client=client)

    Client = pytest.importorskip("dask.distributed").Client
    asyncio.run(read())


@pytest.mark.parametrize(
    "wrong", [{"block_size": -1}, {"block_size": True}, {"block_size": "10"}, {"processes": -1}]
)
def test_a_wrong_number_leaves_the_table(wrong, scans, tmp_path):
    table = read_to_table(scans, tmp_path / "digits.csv", progress=False)
    before = table.read_bytes()
    with pytest.raises(ValueError, match="to be a whole number, at least [01], got"):
        read_to_table(scans, table, progress=False, **wrong)
    assert table.read_bytes() == before


def test_an_error_here_does_not_wait_for_what_is_queued(scans, tmp_path):
    """With `processes=0`, one block is being read; the others are dropped."""
    read = []

    def stop(images):
        read.append(len(images))
        time.sleep(0.1)
        return np.full((len(images), 10), 0.1)

    (tmp_path / "digits.csv.parts").write_text("a file in the way of the folder for the parts")
    with pytest.raises(OSError):
        read_to_table(
            scans, tmp_path / "digits.csv", recognizer=Recognizer(stop),
            processes=0, block_size=1, progress=False,
        )  # fmt: skip
    assert len(read) < 10


def test_without_pyarrow_it_says_what_to_install(scans, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(
        ModuleNotFoundError, match=r"pip install 'digitlab\[scale\]'; or name a .csv"
    ):
        read_to_table(scans, tmp_path / "digits.parquet")


def test_numbers_are_not_read_in_an_array(scans, tmp_path):
    with pytest.raises(ValueError, match="expected a folder of pictures to read numbers in"):
        read_to_table(scans, tmp_path / "digits.csv", numbers=True)


@pytest.fixture
def marked(scans):
    images = np.load(scans)
    images[40, 0, 0] = 255
    np.save(scans, images)
    return scans


def test_a_killed_process_loses_no_more_than_its_block(marked, tmp_path):
    gate, parts = Gate(tmp_path), tmp_path / "digits.csv.parts"

    def read(processes):
        return read_to_table(
            marked,
            tmp_path / "digits.csv",
            recognizer=Recognizer(gate),
            processes=processes,
            block_size=10,
        )

    with ThreadPoolExecutor(1) as thread:
        reading = thread.submit(read, 2)
        # One process waits; the other one reads all blocks except that one.
        (pid,) = wait_for(gate.waiting)
        wait_for(lambda: len(list(parts.glob("0*.csv"))) == 5)
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(RuntimeError, match="was killed.* Make the same call again to resume"):
            reading.result()
    assert not (tmp_path / "digits.csv").exists()

    (tmp_path / "open").touch()
    gate.log()
    assert rows(read(0)) == expected(marked)
    assert gate.log() == [10]
    assert not parts.exists()


@pytest.mark.parametrize("recognizer", ["None", "max"])
def test_a_script_that_starts_itself_again_is_an_error_that_says_so(marked, recognizer, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import digitlab\n"
        f"digitlab.read_to_table({str(marked)!r}, 'digits.csv', recognizer={recognizer},"
        " processes=2, block_size=10)\n"
    )
    run = subprocess.run(
        [sys.executable, script], cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE
    )
    assert run.returncode == 1
    assert "RuntimeError: a worker process ended" in run.stderr
    assert "without `if __name__ == '__main__':`" in run.stderr


def test_a_function_that_no_process_can_load_is_an_error_that_says_so(scans, tmp_path):
    table = tmp_path / "table.csv"
    with pytest.raises(TypeError, match=r"processes can load: .*local.* or pass processes=0"):
        read_to_table(scans, table, recognizer=lambda image: [0.1] * 10, block_size=30, processes=1)
    # Like a notebook, code on the command line has a `__main__` that cannot be imported.
    code = f"""import digitlab
def guess(image):
    return [0.1] * 10
digitlab.read_to_table({str(scans)!r}, {str(table)!r}, recognizer=guess, block_size=30, processes=1)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert "TypeError: expected a recognizer that other processes can load" in run.stderr
    assert "'guess'" in run.stderr and "a worker process ended" not in run.stderr
    assert not table.exists()


def test_what_has_changed_since_a_stop_is_read_again(marked, tmp_path):
    gate = Gate(tmp_path, fails=True)

    def read():
        return read_to_table(
            marked, tmp_path / "digits.csv", recognizer=Recognizer(gate), processes=0, block_size=10
        )

    with pytest.raises(RuntimeError, match="out of paper"):
        read()
    assert len(list((tmp_path / "digits.csv.parts").glob("0*.csv"))) == 4
    np.save(marked, np.load(marked)[::-1])
    (tmp_path / "open").touch()
    gate.log()
    assert rows(read()) == expected(marked)
    assert gate.log() == [10] * 6


@contextmanager
def started(*command, folder):
    """A command of Dask, which is killed at the end if it still runs."""
    environment = os.environ | {
        "PYTHONPATH": str(Path(__file__).parent),
        # It may drop a worker's copy of the network near the end, which is then fetched again.
        "DASK_DISTRIBUTED__SCHEDULER__ACTIVE_MEMORY_MANAGER__START": "False",
    }
    with (folder / f"{command[0]}.log").open("a") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "dask", *command, "--scheduler-file", folder / "scheduler.json"],
            env=environment, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A scheduler with two workers of one process each, and a client."""
    distributed = pytest.importorskip("distributed")
    folder = tmp_path_factory.mktemp("cluster")
    here = "--host", "127.0.0.1"
    worker = "worker", *here, "--no-nanny", "--nthreads", "1", "--no-dashboard"
    worker += "--local-directory", str(folder), "--death-timeout", str(PATIENCE)
    with (
        started("scheduler", *here, "--port", "0", "--no-dashboard", folder=folder) as scheduler,
        started(*worker, folder=folder),
        started(*worker, folder=folder),
    ):
        wait_for((folder / "scheduler.json").exists)
        with distributed.Client(scheduler_file=folder / "scheduler.json") as client:
            client.wait_for_workers(2, timeout=PATIENCE)
            yield client, scheduler


def test_a_cluster_reads_the_same_in_the_same_order(cluster, scans, pictures, tmp_path):
    client, _ = cluster
    table = read_to_table(scans, tmp_path / "digits.csv", client, block_size=7)
    assert rows(table) == expected(scans)
    local = rows(read_to_table(pictures, tmp_path / "local.csv"))
    assert rows(read_to_table(pictures, tmp_path / "far.csv", client, block_size=3)) == local


def test_the_network_is_handed_to_each_worker_once(cluster, scans, tmp_path):
    client, scheduler = cluster
    (tmp_path / "open").touch()
    read = {"recognizer": Recognizer(Gate(tmp_path)), "block_size": 1}
    assert rows(read_to_table(scans, tmp_path / "digits.csv", client, **read)) == expected(scans)
    pids = [int(pid) for pid in (tmp_path / "loads").read_text().split()]
    assert len(pids) == len(set(pids))
    assert len(set(pids) - {scheduler.pid}) == 2  # Dask's scheduler loads tasks, too


def test_a_worker_that_is_killed_loses_and_doubles_nothing(cluster, marked, tmp_path):
    client, _ = cluster
    gate = Gate(tmp_path)
    with ThreadPoolExecutor(1) as thread:
        reading = thread.submit(
            read_to_table, marked, tmp_path / "digits.csv", client,
            recognizer=Recognizer(gate), block_size=10,
        )  # fmt: skip
        (pid,) = wait_for(gate.waiting)
        os.kill(pid, signal.SIGKILL)
        (other,) = wait_for(lambda: set(gate.waiting()) - {pid})  # this one is given the block
        (tmp_path / "open").touch()
        assert rows(reading.result()) == expected(marked)
    assert len(client.nthreads()) == 1


def test_a_lost_scheduler_is_one_error_and_no_loss(cluster, marked, tmp_path):
    client, scheduler = cluster
    gate = Gate(tmp_path)

    def read(client, **how):
        recognizer = Recognizer(gate)
        return read_to_table(
            marked, tmp_path / "digits.csv", client, recognizer=recognizer, block_size=10, **how
        )

    with ThreadPoolExecutor(1) as thread:
        reading = thread.submit(read, client)
        wait_for(gate.waiting)
        scheduler.kill()
        with pytest.raises(ConnectionError, match="lost the scheduler.* to resume"):
            reading.result()
    with pytest.raises(ConnectionError, match="expected a client with a scheduler"):
        read(client)
    (tmp_path / "open").touch()
    assert rows(read(None, processes=0)) == expected(marked)
