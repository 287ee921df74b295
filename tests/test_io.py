"""Files: atomic writes survive kills, and files that were cut off or changed are rejected."""

import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import digitlab
from digitlab._io import (
    atomic_write,
    json_with_checksum,
    shipped_path,
    verified_content,
    with_checksum,
)
from digitlab.export.site import build_site
from support.full_disk import largest_file

TESTS = Path(__file__).parent


def test_a_block_that_raises_leaves_the_old_file(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), atomic_write(path) as part:
        part.write_text("new")
        raise ZeroDivisionError
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]
    with pytest.raises(FileNotFoundError), atomic_write(path):
        pass  # write nothing
    with atomic_write(path) as part:
        part.write_text("new")
    assert path.read_text() == "new" and list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_link_stays_and_its_file_is_replaced(tmp_path):
    (tmp_path / "synced").mkdir()
    link, path = tmp_path / "mine.json", tmp_path / "synced" / "mine.json"
    path.write_text("old")
    link.symlink_to(path)
    with atomic_write(link) as part:
        part.write_text("new")
    assert link.is_symlink() and path.read_text() == "new"


@pytest.mark.skipif(os.name == "nt", reason="modes and pipes are of POSIX")
def test_a_private_file_stays_private_and_a_pipe_is_left_alone(tmp_path):
    drawing = digitlab.stored_drawing(5)
    private = tmp_path / "mine.json"
    digitlab.save_drawing(private, drawing)
    private.chmod(0o600)
    digitlab.save_drawing(private, drawing)
    assert private.stat().st_mode & 0o777 == 0o600
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="expected a file to replace, found something else at .*pipe"):
        digitlab.save_drawing(tmp_path / "pipe", drawing)
    assert (tmp_path / "pipe").is_fifo()


def test_a_file_with_the_longest_name_is_written(tmp_path):
    path = tmp_path / ("n" * 250 + ".json")  # 255 bytes
    digitlab.save_drawing(path, digitlab.stored_drawing(5))
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no locks")
def test_a_process_that_was_forked_meanwhile_does_not_keep_a_lock(tmp_path):
    code = f"""import os, time
from pathlib import Path
from digitlab._io import locked
folder = Path({str(tmp_path)!r})
with locked(folder):
    child = os.fork()
    if not child:
        time.sleep(120)
        os._exit(0)
with locked(folder):
    os.kill(child, 9)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.skipif(not hasattr(os, "getgroups") or os.getuid() != 0, reason="needs root")
def test_a_file_of_a_group_stays_one(tmp_path):
    path = tmp_path / "shared.json"
    digitlab.save_drawing(path, digitlab.stored_drawing(5))
    os.chown(path, -1, 5000)
    path.chmod(0o660)
    digitlab.save_drawing(path, digitlab.stored_drawing(6))
    assert path.stat().st_gid == 5000 and path.stat().st_mode & 0o777 == 0o660


def test_a_file_that_others_remove_meanwhile_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "exists", lambda path: True)  # it did a moment ago
    with atomic_write(tmp_path / "file.txt") as part:
        part.write_text("new")
    assert (tmp_path / "file.txt").read_text() == "new"


def test_a_full_disk_leaves_the_old_file(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with (
        largest_file(1000),
        pytest.raises(OSError, match="File too large"),
        atomic_write(path) as part,
    ):
        part.write_bytes(bytes(2000))
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_a_checksum_belongs_to_its_content():
    content = os.urandom(1000)
    assert verified_content(with_checksum(content)) == content
    assert verified_content(with_checksum(b"")) == b""
    for other in (content, b"", with_checksum(content)[:-1], with_checksum(content) + b"\0"):
        with pytest.raises(ValueError, match="cut off or changed"):
            verified_content(other)
    document = json.loads(json_with_checksum({"b": [1.5], "a": "ä"}))
    assert (
        json_with_checksum(document)
        == json.dumps(document)
        != json_with_checksum(document | {"a": "b"})
    )


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork, which Windows lacks")

# Each writer, and the least number of changes of its folder: a temporary folder appears, an empty
# file, its content, its new name, and the temporary folder is gone.
WRITERS = {"Drawing": 5, "Cache": 5, "LiteRT": 5, "TensorFlowJs": 8, "Checkpoint": 5}


def run_killed(*arguments):
    """Run tests/support/killed.py; return what it prints."""
    command = [sys.executable, "-m", "support.killed", *arguments]
    run = subprocess.run(command, cwd=TESTS, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    return json.loads(run.stdout.splitlines()[-1])


def check_killed(name, counts, changes):
    assert counts["killed"] == counts["old"] + counts["new"] >= changes, name
    assert counts["old"] and counts["new"], name


@needs_fork
@pytest.mark.slow
@pytest.mark.once
def test_a_kill_at_any_change_leaves_the_old_or_the_new():
    killed = run_killed(*WRITERS)  # in one process, so as to import TensorFlow once
    assert killed.keys() == WRITERS.keys()
    for name, changes in WRITERS.items():
        check_killed(name, killed[name], changes)


@needs_fork
@pytest.mark.slow
@pytest.mark.once
def test_a_kill_at_any_change_leaves_the_old_or_the_new_site(site):
    check_killed("Site", run_killed("Site")["Site"], 40)


@needs_fork
def test_a_writer_that_writes_in_place_is_found_out():
    """The kills find what they look for: a half-written file, and no other fault."""
    run = subprocess.run(
        [sys.executable, "-m", "support.killed", "InPlace"],
        cwd=TESTS,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1
    assert "neither the old nor the new" in run.stdout + run.stderr


# Networks that were cut off, changed, exchanged, or written by another program.


def flipped(content, place):
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def changes(content):
    """Damaged contents of a file, by what has happened to it."""
    random = np.random.default_rng(0)
    places = random.integers(len(content), size=20)
    return {
        "empty": b"",
        **{f"cut off at {i}/10": content[: len(content) * i // 10] for i in range(1, 10)},
        "cut off by a byte": content[:-1],
        **{f"bit {place} flipped": flipped(content, place) for place in places},
        "bytes after it": content + b"more",
        "a web page": b"<!doctype html><title>Log in</title>",
    }


def test_the_recognizer_rejects_a_changed_network(tmp_path):
    content, path = shipped_path("digits.tflite").read_bytes(), tmp_path / "mine.tflite"
    path.write_bytes(content)
    digitlab.load_recognizer(path)
    others = changes(content) | {"of something else": verified_content(content)}
    for name, other in others.items():
        path.write_bytes(other)
        with pytest.raises(ValueError, match=r"mine\.tflite to be.*Export it again"):
            pytest.fail(f"{name}: {digitlab.load_recognizer(path)}")


@pytest.mark.slow
@needs_fork
def test_changed_networks_with_a_valid_checksum_are_rejected_or_read():
    """Anyone who can change a file can also change its checksum. LiteRT then finds nearly all
    faults in the structure, and the recognizer finds faults in the answers."""
    tried = run_killed("Changed", "400")
    assert tried.pop("crashed", 0) == 0
    assert sum(tried.values()) == 400 and tried["rejected"] > 100 and tried["read"] > 0


def test_a_changed_network_gets_no_page(tmp_path, node):
    folder = tmp_path / "tfjs"
    shutil.copytree(shipped_path("tfjs"), folder)
    (weights,) = folder.glob("*.bin")
    for path in (folder / "model.json", weights):
        content = path.read_bytes()
        for name, other in changes(content).items():
            path.write_bytes(other)
            with pytest.raises(ValueError, match="Export the network again"):
                pytest.fail(f"{path.name}, {name}: {build_site(tmp_path / 'site', folder)}")
        path.write_bytes(content)
    assert not (tmp_path / "site").exists()


def test_a_model_json_names_no_file_elsewhere(tmp_path):
    folder = tmp_path / "tfjs"
    shutil.copytree(shipped_path("tfjs"), folder)
    (weights,) = folder.glob("*.bin")
    shutil.copy(weights, tmp_path)
    document = json.loads((folder / "model.json").read_text())
    document["weightsManifest"][0]["paths"] = [f"../{weights.name}"]
    (folder / "model.json").write_text(json_with_checksum(document))
    with pytest.raises(ValueError, match="something else wrote it"):
        build_site(tmp_path / "site", folder)


@pytest.mark.slow
def test_keras_runs_nothing_of_a_model_file(tmp_path):
    """`keras.models.load_model`, which the notebooks call, rejects code and changed files."""
    keras = pytest.importorskip("keras", reason="needs TensorFlow: pip install 'digitlab[train]'")
    hostile = keras.Sequential([keras.Input((1,)), keras.layers.Lambda(lambda x: x + 1)])
    hostile.save(tmp_path / "hostile.keras")
    with pytest.raises(ValueError, match="safe_mode|unsafe"):
        keras.models.load_model(tmp_path / "hostile.keras")

    content, path = (
        shipped_path("digits.tflite").with_suffix(".keras").read_bytes(),
        tmp_path / "mine.keras",
    )
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        # Names and dates between the archive's members are not part of the network.
        first = archive.getinfo("model.weights.h5").header_offset + 200
    damaged = [content[:-1000], content[: len(content) // 2], b"<html>"]
    # From Python 3.13 on, zipfile no longer checks a member in which Keras jumps back and forth.
    # `digitlab.export.tfjs` checks the whole file before it loads one (tests/test_tfjs.py).
    if sys.version_info < (3, 13):
        damaged.append(flipped(content, first))
    for other in damaged:
        path.write_bytes(other)
        with pytest.raises(Exception):  # noqa: B017  (zipfile, h5py and Keras raise different ones)
            keras.models.load_model(path)
