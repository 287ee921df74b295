"""Kill what writes files, at every step of its writing and at random moments; print what was left.

`python killed.py NAME MOMENTS`. Each write runs in a fork of this process, which has imported
what it needs and has computed nothing yet, for TensorFlow's threads would not live on in a fork.
"""

import itertools
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import numpy as np

import digitlab
from digitlab import data, site
from digitlab._io import verified_content, with_checksum, with_checksum_json
from digitlab.recognizer import shipped_model

STEPS = ("open", "os.mkdir", "os.remove", "os.rename", "os.rmdir")  # what Python's audit reports


class Drawing:
    """Each of these writes old (0) or new (1) content to a folder, and says which is there.

    `read` raises where it is neither.
    """

    drawings = [[np.arange(2000.0).reshape(-1, 2)], [np.zeros((500, 2))]]

    def write(self, folder: Path, which: int) -> None:
        digitlab.save_drawing(folder / "drawing.json", self.drawings[which])

    def read(self, folder: Path) -> int:
        (stroke,) = digitlab.load_drawing(folder / "drawing.json")
        return [len(strokes[0]) for strokes in self.drawings].index(len(stroke))


class Cache:
    digits = [
        digitlab.Digits(
            **{name: np.full((300, 28, 28), i, np.uint8) for name in data.ARRAYS}, name=""
        )
        for i in range(2)
    ]

    def write(self, folder: Path, which: int) -> None:
        data._cache_file = lambda: folder / data.NPZ
        data._keep({}, self.digits[which])

    def read(self, folder: Path) -> int:
        with np.load(folder / data.NPZ, allow_pickle=False) as arrays:
            (value,) = {value for name in data.ARRAYS for value in np.unique(arrays[name])}
        return int(value)


class LiteRT:
    def __init__(self) -> None:
        import digitlab.export.tflite  # noqa: F401  (before the fork, for it takes seconds)

    def write(self, folder: Path, which: int) -> None:
        digitlab.export_tflite(dense(which), folder / "model.tflite")

    def read(self, folder: Path) -> int:
        content = verified_content((folder / "model.tflite").read_bytes())
        return int(np.ones(100, np.float32).tobytes() in content)


class TensorFlowJs:
    def __init__(self) -> None:
        from digitlab import tfjs

        tfjs._write_artifacts()

    def write(self, folder: Path, which: int) -> None:
        digitlab.export_tfjs(dense(which), folder / "tfjs")

    def read(self, folder: Path) -> int:
        (weights,) = site._weights(folder / "tfjs")
        return int(np.frombuffer((folder / "tfjs" / weights).read_bytes(), np.float32).max())


class Checkpoint:
    def __init__(self) -> None:
        import digitlab.training.loop  # noqa: F401

    def write(self, folder: Path, which: int) -> None:
        self.keeper(folder)[0].on_epoch_end(which - 1)

    def read(self, folder: Path) -> int:
        """In a fork: it computes."""
        done = fork(lambda: os._exit(10 + self.keeper(folder)[1]))
        return done - 10

    def keeper(self, folder: Path) -> tuple:
        import keras

        from digitlab.training.loop import TrainConfig, _BestWeights, _Checkpoint

        model = dense(0)
        model.compile()
        history, best = keras.callbacks.History(), _BestWeights("loss")
        keeper = _Checkpoint(folder / "training.npz", TrainConfig(), history, best)
        done = keeper.resume(model)
        keeper.set_model(model)
        return keeper, done


class Site:
    """Of two networks whose files have other names; each file must be of one of the two sites."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="digitlab-"))
        self.models = [site.shipped_model(), self.folder / "model"]
        (weights,) = site._weights(self.models[0])
        self.models[1].mkdir()
        renamed = "other-" + weights.rpartition("-")[2]
        shutil.copyfile(self.models[0] / weights, self.models[1] / renamed)
        document = json.loads((self.models[0] / "model.json").read_text())
        document["weightsManifest"][0]["paths"] = [renamed]
        (self.models[1] / "model.json").write_text(with_checksum_json(document))
        for which in range(2):
            self.write(self.folder / str(which), which)

    def write(self, folder: Path, which: int) -> None:
        digitlab.build_site(folder / "site", self.models[which])

    def read(self, folder: Path) -> int:
        weights = site._weights(folder / "site" / "model")
        for path in (folder / "site").rglob("*.*"):
            if path.is_file() and not any(part.startswith(".site-") for part in path.parts):
                name = path.relative_to(folder)
                both = [self.folder / str(which) / name for which in range(2)]
                assert path.read_bytes() in [p.read_bytes() for p in both if p.exists()], name
        return int(weights[0].startswith("other-"))


WRITERS = {kind.__name__: kind for kind in (Drawing, Cache, LiteRT, TensorFlowJs, Checkpoint, Site)}


def dense(value: int) -> "keras.Model":  # noqa: F821
    import keras

    layers = [keras.Input((28, 28, 1)), keras.layers.Flatten()]
    layers.append(keras.layers.Dense(10, kernel_initializer=["zeros", "ones"][value]))
    return keras.Sequential(layers)


def fork(action: Callable[[], object], killed_after: float | None = None) -> int:
    """Run in a process of its own, which can be killed after some seconds; return its exit code."""
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
    if killed_after is not None:
        time.sleep(killed_after)
        os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def kill_at(step: int, folder: Path, after: bool) -> None:
    """Have this process killed before or after it changes the folder for the n-th time."""
    left = step

    def kill() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def hook(event: str, arguments: tuple) -> None:
        nonlocal left
        if event in STEPS and str(arguments[0]).startswith(str(folder)):
            if left == 0 and not after:
                kill()
            if left == 0:  # a file that was opened is empty when the next thing happens
                sys.setprofile(lambda frame, *_: None if frame.f_code is hook.__code__ else kill())
            left -= 1

    sys.addaudithook(hook)


def killed(name: str, moments: int) -> dict[str, int]:
    """Kill it again and again, and count what is there afterwards."""
    writer, chance = WRITERS[name](), random.Random(0)
    counts = {"steps": 0, "moments": 0, "killed": 0, "old": 0, "new": 0}

    def try_once(count: str, action: Callable[[Path], object], after: float | None = None) -> bool:
        with tempfile.TemporaryDirectory(prefix="digitlab-") as temporary:
            folder = Path(temporary) / "files"
            shutil.copytree(old, folder)
            code = fork(lambda: action(folder), after)
            assert code in (0, -signal.SIGKILL), code
            counts[count] += 1
            counts["killed"] += code != 0
            which = writer.read(folder)  # raises where it is neither
            assert code or which == 1
            counts["new" if which else "old"] += 1
            if after is None:  # what is left behind is in nobody's way
                assert fork(lambda: writer.write(folder, 1)) == 0 and writer.read(folder) == 1
        return code == 0

    with tempfile.TemporaryDirectory(prefix="digitlab-") as temporary:
        old = Path(temporary) / "old"
        old.mkdir()
        times = []
        for _ in range(3):
            begun = time.monotonic()
            assert fork(lambda: writer.write(old, 0)) == 0 and writer.read(old) == 0
            times.append(time.monotonic() - begun)

        for after in (False, True):
            for step in itertools.count():

                def to_step(folder: Path, step: int = step, after: bool = after) -> None:
                    kill_at(step, folder, after)
                    writer.write(folder, 1)

                if try_once("steps", to_step):
                    break
        for _ in range(moments):
            try_once(
                "moments", lambda folder: writer.write(folder, 1), chance.uniform(0, min(times))
            )
    return counts


def read_changed(tries: int) -> dict[str, int]:
    """Change the shipped network at random, with a right checksum; count what loading it does."""
    content, chance = verified_content(shipped_model().read_bytes()), random.Random(0)
    counts = {"read": 0, "refused": 0, "crashed": 0}

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
            counts[{0: "read", 10: "refused"}.get(code, "crashed")] += 1
    return counts


if __name__ == "__main__":
    name, count = sys.argv[1], int(sys.argv[2])
    print(json.dumps(read_changed(count) if name == "Sealed" else killed(name, count)))
