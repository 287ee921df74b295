"""Bad input and killed writers: how many were tried, and what was lost.

This uses the code of the tests (tests/test_bad_input.py, tests/support/killed.py), which stop at
the first failure.
"""

import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np

import test_bad_input as bad
from benchmarks.tables import Table

TESTS = Path(__file__).parents[1] / "tests"
INPUTS = {
    "drawings and other lists": (bad.some_drawing, 55_000),
    "arrays of any shape and type": (bad.some_array, 30_000),
    "Pillow images of any mode": (bad.some_image, 10_000),
    "image files, cut off and changed": (bad.some_file, 5_000),
}
WRITERS = {
    "Drawing": "`save_drawing`",
    "Cache": "the cache of MNIST",
    "LiteRT": "`export_tflite`",
    "TensorFlowJs": "`export_tfjs`",
    "Checkpoint": "the checkpoint of `train`",
    "Site": "`build_site`",
}
CHANGED = 2_000  # networks with changed bytes


def counted(*arguments: str) -> dict:
    """Return what tests/support/killed.py counts."""
    command = [sys.executable, "-m", "support.killed", *arguments]
    run = subprocess.run(command, cwd=TESTS, capture_output=True, text=True)
    if run.returncode != 0:
        raise RuntimeError(run.stdout + run.stderr)
    return json.loads(run.stdout.splitlines()[-1])


def bad_input() -> Table:
    """Count the outcomes of bad input."""
    rows = []
    for name, (some, count) in INPUTS.items():
        rng = np.random.default_rng(bad.SEED)
        seen: Counter[str] = Counter()
        slowest = 0.0
        for _ in range(count):
            thing = some(rng)
            begun = time.perf_counter()
            seen[bad.read(thing)] += 1
            slowest = max(slowest, time.perf_counter() - begun)
        clear = seen["ValueError"] + seen["TypeError"]
        counts = [count, seen["read"], clear, count - seen["read"] - clear]
        rows.append([name, *(f"{number:,}" for number in counts), f"{1000 * slowest:.0f}"])
    columns = ["inputs", "tried", "read", "clear errors", "anything else", "slowest, ms"]
    return {"columns": columns, "rows": rows}


def killed_writers() -> Table:
    """Count what killed writers leave behind."""
    rows = []
    for writer, counts in counted(*WRITERS).items():
        killed, old, new = counts["killed"], counts["old"], counts["new"]
        rows.append([WRITERS[writer], *map(str, (killed, old, new, killed - old - new))])
    columns = ["function", "killed", "old content left", "new content there", "lost or partial"]
    return {"columns": columns, "rows": rows}


def content() -> list[Table | str]:
    """Measure both."""
    seen = counted("Changed", str(CHANGED))
    networks = (
        f"{CHANGED:,} LiteRT files, changed or cut off at random and given a correct checksum: "
        f"{seen['rejected']:,} rejected with an error, {seen['read']:,} loaded with valid "
        f"probabilities, {seen['crashed']:,} crashed Python in LiteRT."
    )
    return [bad_input(), killed_writers(), networks]
