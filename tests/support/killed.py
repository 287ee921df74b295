"""Kill a process that writes files in every state that its folder goes through; check what is left.

`python -m support.killed NAME ...`, from the folder `tests`. Each write runs in a fork of this
process, which has imported what it needs but computed nothing yet, because TensorFlow's threads do
not survive a fork. The folder is examined after each call of a C function, because Python changes
files in no other way. The first write is killed at the first change, the next at the second change,
and so on until one write finishes. So the result does not depend on the machine's speed.
"""

import functools
import itertools
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

import digitlab
import digitlab.loading  # before the forks, or each would import it again
from digitlab import mnist
from digitlab._io import json_with_checksum, shipped_path, verified_content, with_checksum
from digitlab.export import site
from digitlab.export.tfjs_files import verified_weights


class Drawing:
    """Each of these classes writes old (0) or new (1) content to a folder, and reads which it is.

    `read` raises an error if it is neither.
    """

    drawings = [[np.arange(2000.0).reshape(-1, 2)], [np.zeros((500, 2))]]

    def write(self, folder: Path, which: int) -> None:
        digitlab.save_drawing(folder / "drawing.json", self.drawings[which])

    def read(self, folder: Path) -> int:
        (stroke,) = digitlab.load_drawing(folder / "drawing.json")
        return [len(strokes[0]) for strokes in self.drawings].index(len(stroke))


class Cache:
    digits = [
        digitlab.Digits(*[np.full((300, 28, 28), i, np.uint8), np.full(300, i)] * 2, name="")
        for i in (0, 2)
    ]

    def write(self, folder: Path, which: int) -> None:
        mnist._cache_file = lambda: folder / mnist.NPZ
        mnist._save_to_cache({}, self.digits[which])

    def read(self, folder: Path) -> int:
        with np.load(folder / mnist.NPZ, allow_pickle=False) as arrays:
            (value,) = {value for name in mnist.ARRAYS for value in np.unique(arrays[name])}
        return int(value) // 2


class LiteRT:
    def __init__(self) -> None:
        import digitlab.export.tflite  # noqa: F401  (before the fork: it takes seconds)

    def write(self, folder: Path, which: int) -> None:
        digitlab.export_tflite(dense(which), folder / "model.tflite")

    def read(self, folder: Path) -> int:
        content = verified_content((folder / "model.tflite").read_bytes())
        return int(np.ones(100, np.float32).tobytes() in content)


class TensorFlowJs:
    def __init__(self) -> None:
        import digitlab.export.tfjs  # noqa: F401

    def write(self, folder: Path, which: int) -> None:
        digitlab.export_tfjs(dense(which), folder / "tfjs")

    def read(self, folder: Path) -> int:
        (weights,) = verified_weights(folder / "tfjs")
        return int(np.frombuffer((folder / "tfjs" / weights).read_bytes(), np.float32).max())


class Checkpoint:
    def __init__(self) -> None:
        import digitlab.training.loop  # noqa: F401

    def write(self, folder: Path, which: int) -> None:
        self.keeper(folder)[0].on_epoch_end(which - 1)

    def read(self, folder: Path) -> int:
        """Read in a fork, because this computes."""
        done = fork(lambda: os._exit(10 + self.keeper(folder)[1]))
        return done - 10

    def keeper(self, folder: Path) -> tuple:
        import keras

        from digitlab.training.checkpoint import BestWeights, Checkpoint
        from digitlab.training.settings import TrainConfig

        model = dense(0)
        model.compile()
        history, best = keras.callbacks.History(), BestWeights("loss")
        keeper = Checkpoint(folder / "training.npz", TrainConfig(), "", history, best)
        done = keeper.resume(model)
        keeper.set_model(model)
        return keeper, done


class Site:
    """Sites of two networks whose files differ in name; each file must be from one of the two."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="digitlab-"))
        self.models = [shipped_path("tfjs"), self.folder / "model"]
        (weights,) = verified_weights(self.models[0])
        self.models[1].mkdir()
        renamed = "other-" + weights.rpartition("-")[2]
        shutil.copyfile(self.models[0] / weights, self.models[1] / renamed)
        document = json.loads((self.models[0] / "model.json").read_text())
        document["weightsManifest"][0]["paths"] = [renamed]
        (self.models[1] / "model.json").write_text(json_with_checksum(document))
        # Compose once per network, not in each fork: composing changes no file in the folder.
        site._compose = functools.cache(site._compose)
        for which in range(2):
            self.write(self.folder / str(which), which)

    def write(self, folder: Path, which: int) -> None:
        digitlab.build_site(folder / "site", self.models[which])

    def read(self, folder: Path) -> int:
        weights = verified_weights(folder / "site" / "model")
        for path in (folder / "site").rglob("*.*"):
            if path.is_file() and not any(part.startswith(".site-") for part in path.parts):
                name = path.relative_to(folder)
                both = [self.folder / str(which) / name for which in range(2)]
                assert path.read_bytes() in [p.read_bytes() for p in both if p.exists()], name
        return int(weights[0].startswith("other-"))


class InPlace:
    """Overwrites the old file, which nothing in the package does. The kills must find this out."""

    def write(self, folder: Path, which: int) -> None:
        (folder / "file.txt").write_text(["old", "new"][which])

    def read(self, folder: Path) -> int:
        content = (folder / "file.txt").read_text()
        assert content in ("old", "new"), "neither the old nor the new"
        return int(content == "new")


KINDS = (Drawing, Cache, LiteRT, TensorFlowJs, Checkpoint, Site, InPlace)
WRITERS = {kind.__name__: kind for kind in KINDS}


def dense(value: int) -> Any:
    import keras

    layers = [keras.Input((28, 28, 1)), keras.layers.Flatten()]
    layers.append(keras.layers.Dense(10, kernel_initializer=["zeros", "ones"][value]))
    return keras.Sequential(layers)


def fork(action: Callable[[], object]) -> int:
    """Run the action in a process of its own; return the exit code."""
    pid = os.fork()
    if pid == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        try:
            action()
            os._exit(0)
        except BaseException:
            traceback.print_exc(file=sys.stdout)
            sys.stdout.flush()
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def state(folder: str) -> list[tuple]:
    """What a reader of the folder can notice: the names, sizes and times of all files in it."""
    seen, folders = [], [folder]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                status = entry.stat(follow_symlinks=False)
                seen.append((entry.path, status.st_ino, status.st_size, status.st_mtime_ns))
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
    return seen


def kill_at(change: int, folder: Path) -> None:
    """Have this process killed at the folder's change number `change`, counted from 0."""
    here, left = str(folder), change
    last = state(here)

    def look(frame: FrameType, event: str, function: Any) -> None:
        nonlocal last, left
        if event != "c_return":
            return
        now = state(here)
        if now != last:
            last = now
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1

    def begin(event: str, arguments: tuple) -> None:
        """Start looking at the first call that names the folder, because looking takes time."""
        if not sys.getprofile() and arguments and str(arguments[0]).startswith(here):
            sys.setprofile(look)

    sys.addaudithook(begin)


def killed(name: str) -> dict[str, int]:
    """Kill a writer at each change of its folder, and count the contents found afterwards."""
    writer = WRITERS[name]()
    counts = {"killed": 0, "old": 0, "new": 0}
    with tempfile.TemporaryDirectory(prefix="digitlab-") as temporary:
        old, folder = Path(temporary) / "old", Path(temporary) / "files"
        old.mkdir()
        assert fork(lambda: writer.write(old, 0)) == 0 and writer.read(old) == 0
        for change in itertools.count():
            shutil.copytree(old, folder)

            def write_and_die(change: int = change) -> None:
                kill_at(change, folder)
                writer.write(folder, 1)

            code = fork(write_and_die)
            assert code in (0, -signal.SIGKILL), code
            which = writer.read(folder)  # raises an error if it is neither
            if code == 0:
                assert which == 1
                return counts
            counts["killed"] += 1
            counts["new" if which else "old"] += 1
            # What a killed writer leaves behind does not disturb the next one.
            assert fork(lambda: writer.write(folder, 1)) == 0 and writer.read(folder) == 1
            shutil.rmtree(folder)
    raise AssertionError("unreachable: the writer gets through at last")


def read_changed(tries: int) -> dict[str, int]:
    """Change the shipped network at random, with a valid checksum; count how loading it ends."""
    content, chance = verified_content(shipped_path("digits.tflite").read_bytes()), random.Random(0)
    counts = {"read": 0, "rejected": 0, "crashed": 0}

    def load(path: Path) -> None:
        try:
            answers = digitlab.load_recognizer(path).predict(digitlab.stored_drawing(5))
        except ValueError:
            os._exit(10)
        assert np.isfinite(answers.probabilities).all()

    with tempfile.TemporaryDirectory(prefix="digitlab-") as folder:
        path = Path(folder) / "changed.tflite"
        for _ in range(tries):
            changed = bytearray(content)
            for _ in range(chance.randint(1, 4)):
                # The tables stand at both ends, the kernels between.
                place = chance.choice([chance.randrange(400), -1 - chance.randrange(4000)])
                changed[place] ^= 1 << chance.randrange(8)
            end = chance.choice([None, chance.randrange(len(content))])
            path.write_bytes(with_checksum(bytes(changed[:end])))
            code = fork(lambda: load(path))
            counts[{0: "read", 10: "rejected"}.get(code, "crashed")] += 1
    return counts


if __name__ == "__main__":
    if sys.argv[1] == "Changed":
        print(json.dumps(read_changed(int(sys.argv[2]))))
    else:
        print(json.dumps({name: killed(name) for name in sys.argv[1:]}))
