"""What comes in that should not, and what is killed while it writes: how often, and what was lost.

The tests' own code (tests/test_bad_input.py, tests/killed.py), which stops at the first thing that
goes wrong, counted.
"""

import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np

TESTS = Path(__file__).parent.parent / "tests"
sys.path.append(str(TESTS))
import test_bad_input as bad  # noqa: E402

INPUTS = {
    "drawings: lists of strokes, and what is none": (bad.some_drawing, 55_000),
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
MOMENTS, CHANGED = 50, 2_000


def counted(name: str, count: int) -> dict[str, int]:
    """What tests/killed.py counts."""
    command = [sys.executable, str(TESTS / "killed.py"), name, str(count)]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode != 0:
        raise RuntimeError(run.stdout + run.stderr)
    return json.loads(run.stdout.splitlines()[-1])


def table() -> list[str]:
    """Rows: inputs, kills, changed networks."""
    rows = [
        "| inputs | tried | read | clear errors | anything else | slowest, ms |",
        "|---|---|---|---|---|---|",
    ]
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
        other = count - seen["read"] - clear
        cells = [
            name,
            f"{count:,}",
            f"{seen['read']:,}",
            f"{clear:,}",
            other,
            f"{1000 * slowest:.0f}",
        ]
        rows.append("| " + " | ".join(map(str, cells)) + " |")
    rows += [
        "",
        "| writers | killed at the steps, at random | old left | new there | lost, or in part |",
        "|---|---|---|---|---|",
    ]
    for name, words in WRITERS.items():
        seen = counted(name, MOMENTS)
        tried = seen["steps"] + seen["moments"]
        lost = tried - seen["old"] - seen["new"]
        rows.append(
            f"| {words} | {seen['steps']} + {seen['moments']} ({seen['killed']} before the end) | "
            f"{seen['old']} | {seen['new']} | {lost} |"
        )
    seen = counted("Sealed", CHANGED)
    return [
        *rows,
        "",
        f"{CHANGED:,} LiteRT files, changed or cut off at random and given a right checksum: "
        f"{seen['refused']:,} refused, {seen['read']:,} read with probabilities, "
        f"{seen['crashed']:,} ended Python, in LiteRT.",
    ]
