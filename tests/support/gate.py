"""A network that a test can watch, and hold up, in other processes."""

import os
import time

from digitlab import load_recognizer

PATIENCE = 600  # seconds; usually a moment is enough, but not on a busy machine


def wait_for(something):
    end = time.monotonic() + PATIENCE
    while not (found := something()):
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.01)
    return found


class Gate:
    """The shipped network. It logs what it reads, and waits or fails at an image with a mark.

    The mark is ink in a corner. Once a file named "open" exists, the network goes on.
    """

    def __init__(self, folder, fails=False):
        self.folder, self.fails, self.network = folder, fails, load_recognizer().model

    def __setstate__(self, state):
        self.__dict__ = state
        with (self.folder / "loads").open("a") as log:
            log.write(f"{os.getpid()}\n")

    def __call__(self, batch):
        with (self.folder / "log").open("a") as log:
            log.write(f"{len(batch)}\n")  # a line this short is written in one piece
        is_open = (self.folder / "open").exists
        if batch[:, 0, 0].any() and not is_open():
            if self.fails:
                raise RuntimeError("out of paper")
            (self.folder / f"at-{os.getpid()}").touch()
            wait_for(is_open)
        return self.network(batch)

    def waiting(self):
        """The ids of the processes that wait."""
        return [int(path.name.removeprefix("at-")) for path in self.folder.glob("at-*")]

    def log(self):
        """The sizes of the batches that were read since the last call."""
        sizes = [int(line) for line in (self.folder / "log").read_text().split()]
        (self.folder / "log").unlink()
        return sizes
