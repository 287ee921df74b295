"""A classroom on one machine: forty kernels, each with a pad that is drawn on and read.

The kernels are real. This module sends them the same messages as a browser would: a pen reports 120
places a second, which the pad's overlay sends 20 times a second, for strokes of 0.5 to 1 s. Times
count from the moment when a message was due, so they include waiting for a busy machine.
"""

import heapq
import itertools
import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

import numpy as np
import psutil
import zmq
from jupyter_client.manager import KernelManager

import digitlab
from benchmarks.tables import Table

KERNELS = 40
SECONDS, SECONDS_ALONE = 30, 10  # of drawing: on all pads, on a few
TENSORFLOW_KERNELS = 3
MODEL = Path(__file__).parents[1] / "models" / "digits.keras"

SETUP = """import time
import digitlab
from digitlab.pad.overlay import Overlay

class Timed:
    def __init__(self, recognizer):
        self.recognizer, self.times = recognizer, []

    def predict(self, strokes):
        begun = time.perf_counter()
        prediction = self.recognizer.predict(strokes)
        self.times.append(1000 * (time.perf_counter() - begun))
        return prediction

def overlays(widget):
    children = getattr(widget, "children", ())
    return [widget] if isinstance(widget, Overlay) else sum(map(overlays, children), [])

pad = digitlab.DrawingPad(Timed({}))
pad.draw(digitlab.stored_drawing(5))
assert pad.prediction.digit == 5
pad"""
OVERLAY = "overlays(pad)[0].model_id"
SHIPPED = "digitlab.load_recognizer()"
TENSORFLOW = f"digitlab.Recognizer(__import__('keras').models.load_model({str(MODEL)!r}))"


class Kernel:
    """A kernel that was started a moment ago, and makes a pad."""

    def __init__(self, recognizer: str):
        self.begun = time.time()
        # Unix sockets, because TCP would take 200 ports, which may not stay free meanwhile.
        self.folder = tempfile.TemporaryDirectory()
        self.manager = KernelManager(transport="ipc", ip=f"{self.folder.name}/kernel")
        # A folder of its own, because kernels would lock a common history for each other.
        self.manager.start_kernel(env={**os.environ, "IPYTHONDIR": self.folder.name})
        self.client = self.manager.blocking_client()
        self.client.start_channels(hb=False, stdin=False)
        self.client.execute(SETUP.format(recognizer), user_expressions={"overlay": OVERLAY})
        self.numbers = itertools.count()
        self.process = psutil.Process(getattr(self.manager.provisioner, "pid", None))

    def wait(self) -> float:
        """Wait until the pad has read a first digit; return the seconds from the start to that."""
        while not self.client.shell_channel.msg_ready():
            assert self.manager.is_alive(), "the kernel has died"
            time.sleep(0.01)
        answer = self.client.get_shell_msg()
        content = answer["content"]
        assert content["status"] == "ok", content
        self.overlay = content["user_expressions"]["overlay"]["data"]["text/plain"].strip("'")
        self._send({"method": "update", "state": {"alive": True}, "buffer_paths": []})
        return answer["header"]["date"].timestamp() - self.begun

    def ask(self, expression: str) -> list[float]:
        """Return the value of an expression in the kernel."""
        asked = self.client.execute("", user_expressions={"it": expression})
        while (answer := self.client.get_shell_msg(timeout=60))["parent_header"]["msg_id"] != asked:
            pass
        return json.loads(answer["content"]["user_expressions"]["it"]["data"]["text/plain"])

    def _send(self, data: dict) -> str:
        socket, session = self.client.shell_channel.socket, self.client.session
        message = session.send(socket, "comm_msg", {"comm_id": self.overlay, "data": data})
        return message["header"]["msg_id"]

    def tell_pad(self, content: dict) -> str:
        """Send what the pad's overlay sends; return the message's name."""
        content = {"view": "view", "number": next(self.numbers), **content}
        return self._send({"method": "custom", "content": content})

    def said(self) -> Iterator[tuple[str, float, str]]:
        """Yield the pad's new replies: to which message, when (by time.time), and what."""
        topic = f"comm-{self.overlay}".encode()
        socket = self.client.iopub_channel.socket
        while socket.poll(0):
            frames = socket.recv_multipart()
            if frames[0] != topic:
                continue
            header, parent, _, content = map(json.loads, frames[3:7])
            if sentence := content["data"].get("content", {}).get("say"):
                sent = datetime.fromisoformat(header["date"].replace("Z", "+00:00"))
                yield parent["msg_id"], sent.timestamp(), sentence

    def close(self) -> None:
        """Stop the kernel."""
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.folder.cleanup()


def drawn_by_hand(kernel: Kernel, begin: float, end: float, seed: int) -> Iterator[tuple]:
    """Yield what a hand sends, one digit after another: when, to which kernel, what, which digit.

    The digit comes with the end of its last stroke, None with all other messages.
    """
    rng = np.random.default_rng(seed)
    at = begin + rng.uniform(0, 2)
    for count in itertools.count():
        if at > end:
            return
        yield at, kernel, {"action": "clear"}, None
        at += 0.3
        digit = int(rng.integers(10))
        drawing = digitlab.stored_drawing(digit)
        for index, stroke in enumerate(drawing):
            name = f"view-{count}-{index}"
            steps = round(20 * rng.uniform(0.5, 1))
            where = np.linspace(0, len(stroke) - 1, 6 * steps + 1)
            x, y = (np.interp(where, np.arange(len(stroke)), axis) for axis in stroke.T)
            points = np.stack([x, y], 1).round(2).tolist()
            yield at, kernel, {"stroke": name, "points": points[:1], "end": False}, None
            for step in range(steps):
                at += 1 / 20
                some, last = points[6 * step + 1 : 6 * step + 7], step == steps - 1
                whole = last and index == len(drawing) - 1
                message = {"stroke": name, "points": some, "end": last}
                yield at, kernel, message, digit if whole else None
            at += rng.uniform(0.2, 0.4)  # pause until the next stroke
        at += rng.uniform(0.5, 1.5)  # time to look at the reading


def draw_all(kernels: list[Kernel], seconds: float) -> tuple[list[float], float]:
    """Draw on all pads; return ms from each stroke's planned end to its reading, and accuracy."""
    begin = time.time() + 0.5
    hands = [
        drawn_by_hand(kernel, begin, begin + seconds, seed) for seed, kernel in enumerate(kernels)
    ]
    poller, by_socket = zmq.Poller(), {}
    for kernel in kernels:
        list(kernel.said())
        poller.register(kernel.client.iopub_channel.socket, zmq.POLLIN)
        by_socket[kernel.client.iopub_channel.socket] = kernel
    waiting: dict[str, tuple[float, int | None]] = {}  # when each stroke's end was due
    latencies, right = [], []

    def listen(until: float) -> None:
        while True:
            for socket, _ in poller.poll(max(0, round(1000 * (until - time.time())))):
                for name, sent, sentence in by_socket[socket].said():
                    if name in waiting:
                        due, digit = waiting.pop(name)
                        latencies.append(1000 * (sent - due))
                        if digit is not None:
                            right.append(f" {digit} (" in sentence)
            if time.time() >= until:
                return

    for at, kernel, content, digit in heapq.merge(*hands, key=lambda event: event[0]):
        listen(at)
        name = kernel.tell_pad(content)
        if content.get("end"):
            waiting[name] = at, digit
    deadline = time.time() + 60
    while waiting:
        assert time.time() < deadline, f"{len(waiting)} strokes were not read"
        listen(time.time() + 0.1)
    return latencies, float(np.mean(right))


def memory(kernels: list[Kernel]) -> tuple[float, float, float]:
    """Sums over the kernels, in MB: PSS, RSS, and USS (what each kernel shares with no other)."""
    infos = [kernel.process.memory_full_info() for kernel in kernels]
    return tuple(sum(getattr(i, name) for i in infos) / 1e6 for name in ("pss", "rss", "uss"))


def cpu(kernels: list[Kernel]) -> float:
    """Seconds of computing that the kernels have taken."""
    return sum(sum(kernel.process.cpu_times()[:2]) for kernel in kernels)


def median_and_p95(times: list[float]) -> str:
    """Return the median and the 95th percentile, as text."""
    return " / ".join(f"{value:.1f}" for value in np.percentile(times, [50, 95]))


def started(stack: ExitStack, count: int, recognizer: str) -> tuple[list[Kernel], list[float]]:
    """Start kernels at once; return them, and the seconds until each has read a first digit."""
    kernels = []
    for _ in range(count):
        kernels.append(Kernel(recognizer))
        stack.callback(kernels[-1].close)
    return kernels, [kernel.wait() for kernel in kernels]


def content() -> list[Table | str]:
    """Measure one kernel, forty of them, and some with TensorFlow."""
    alone = []
    for _ in range(3):
        with ExitStack() as stack:
            alone += started(stack, 1, SHIPPED)[1]
    with ExitStack() as stack:
        (kernel,), _ = started(stack, 1, SHIPPED)
        latency_alone, _ = draw_all([kernel], SECONDS_ALONE)
        times_alone = kernel.ask("pad.recognizer.times[1:]")
    with ExitStack() as stack:
        many, first = started(stack, KERNELS, SHIPPED)
        busy = cpu(many)
        latency, right = draw_all(many, SECONDS)
        busy = cpu(many) - busy
        times = [time for kernel in many for time in kernel.ask("pad.recognizer.times[1:]")]
        pss, rss, _ = memory(many)
    with ExitStack() as stack:
        _, tensorflow_alone = started(stack, 1, TENSORFLOW)
    with ExitStack() as stack:
        few, tensorflow_first = started(stack, TENSORFLOW_KERNELS, TENSORFLOW)
        tensorflow_latency, _ = draw_all(few, SECONDS_ALONE)
        tensorflow_times = [time for k in few for time in k.ask("pad.recognizer.times[1:]")]
        tensorflow_pss, tensorflow_rss, own = memory(few)
    # What the kernels share is in memory once, however many kernels there are.
    shared, own = tensorflow_pss - own, own / len(few)
    drawn = (
        f"{len(latency)} strokes on {KERNELS} pads, {right:.1%} of their digits classified "
        f"correctly; the kernels took {busy / SECONDS:.2f} cores.".replace("%", " %")
    )
    many_mb = f"{pss / KERNELS:.0f} ({rss / KERNELS:.0f}), of {KERNELS}"
    few_mb = f"{tensorflow_pss / len(few):.0f} ({tensorflow_rss / len(few):.0f}), of {len(few)}"
    many_start = f"{np.median(first):.1f} / {max(first):.1f}, of {KERNELS}"
    few_start = f"{np.median(tensorflow_first):.1f} / {max(tensorflow_first):.1f}, of {len(few)}"
    rows = [
        ["MB of a kernel with a pad, PSS (RSS)", many_mb, few_mb],
        [
            f"GB of {KERNELS} kernels, PSS",
            f"{pss / 1000:.2f}",
            f"{(shared + KERNELS * own) / 1000:.1f}, from {len(few)}",
        ],
        [
            "s from a kernel's start to its first prediction, alone",
            f"{np.median(alone):.2f}",
            f"{tensorflow_alone[0]:.1f}",
        ],
        ["the same, all started at once, median / slowest", many_start, few_start],
        [
            "ms from the end of a stroke to its reading, median / p95, few drawing",
            f"{median_and_p95(latency_alone)}, 1",
            f"{median_and_p95(tensorflow_latency)}, {len(few)}",
        ],
        [f"the same, {KERNELS} drawing", median_and_p95(latency), ""],
        [
            "ms of it in `recognizer.predict`, few drawing",
            f"{median_and_p95(times_alone)}, 1",
            f"{median_and_p95(tensorflow_times)}, {len(few)}",
        ],
        [f"the same, {KERNELS} drawing", median_and_p95(times), ""],
    ]
    columns = ["", "`load_recognizer()`", "TensorFlow's `Recognizer(keras_model)`"]
    return [drawn, {"columns": columns, "rows": rows}]


if __name__ == "__main__":
    print(json.dumps(content()))
