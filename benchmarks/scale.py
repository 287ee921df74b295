"""Reading many scans: a plain loop, processes of this machine, and workers of a Dask cluster.

`python -m benchmarks.scale 20000 500 10000,50000` measures speed with 20,000 images and 500
pictures, and memory with arrays of 10,000 and 50,000 images.

The cluster runs on this machine, so its workers share the cores with all else. A comparison with
the same work without a cluster shows what handing over the work costs.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

import digitlab
from benchmarks.tables import Table, load_average

if TYPE_CHECKING:  # not in a pool's processes, which run this file when they start
    from distributed import Client

IMAGES, PICTURES = 200_000, 4_000
SIZES = 10_000, 100_000, 1_000_000  # of the arrays for measuring memory, in images
RUNS = 3
ROOM = 60  # pixels added to a digit's 28: a picture is like a scan of one field of a form


def write_array(path: Path, count: int, digits: np.ndarray) -> None:
    """Write `count` images, repeating the digits (n, 28, 28) as often as needed."""
    images = np.lib.format.open_memmap(path, "w+", np.uint8, (count, *digits.shape[1:]))
    for first in range(0, count, len(digits)):
        images[first : first + len(digits)] = digits[: count - first]


def write_pictures(folder: Path, count: int, digits: np.ndarray) -> None:
    """Write digits as PNG files, dark on paper that is not quite white."""
    folder.mkdir()
    random = np.random.default_rng(0)
    for number, digit in enumerate(digits[np.arange(count) % len(digits)]):
        ink = np.asarray(Image.fromarray(digit).resize((84, 84), Image.Resampling.BICUBIC))
        paper = random.normal(235, 4, (84 + ROOM, 84 + ROOM))
        paper[ROOM // 2 : -ROOM // 2, ROOM // 2 : -ROOM // 2] -= 0.8 * ink
        Image.fromarray(paper.clip(0, 255).astype(np.uint8)).save(folder / f"{number:06}.png")


def read_in_a_loop(source: Path) -> None:
    """Read without `digitlab.read_to_table`, as the baseline."""
    recognizer = digitlab.load_recognizer()
    if source.is_dir():
        for path in sorted(source.iterdir()):
            with Image.open(path) as picture:
                recognizer.predict(picture)
    else:
        recognizer.predict_images(np.load(source, mmap_mode="r"))


def read(
    source: Path,
    client: "Client | None" = None,
    processes: int | None = None,
    block_size: int | None = None,
) -> None:
    """Read with `digitlab.read_to_table`, to a file that nobody needs."""
    with tempfile.TemporaryDirectory() as folder:
        digitlab.read_to_table(
            source,
            Path(folder, "table.csv"),
            client,
            processes=processes,
            block_size=block_size,
            progress=False,
        )


def seconds(action: Callable[[], object]) -> float:
    """Run an action; return how long it took."""
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun


def new_cluster(workers: int, threads: int = 1) -> "Client":
    """Start workers, each in a process of its own."""
    from distributed import Client

    return Client(n_workers=workers, threads_per_worker=threads, dashboard_address=":0")


def peak_memory() -> int:
    """The most memory that this process has had, in bytes."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


def content(
    images: int = IMAGES, pictures: int = PICTURES, sizes: tuple[int, ...] = SIZES
) -> list[Table | str]:
    """Measure speed with this many images and pictures, and memory with arrays of these sizes."""
    digits = digitlab.load_digits(sample=False).x_test
    how = load_average()
    with tempfile.TemporaryDirectory() as folder:
        speeds = speed(Path(folder), digits, images, pictures)
        return [how, *speeds, memory(Path(folder), digits, sizes)]


def speed(folder: Path, digits: np.ndarray, images: int, pictures: int) -> list[Table | str]:
    """Measure the speed for an array and a folder, and for how many images starting pays."""
    few, array, scans = folder / "few.npy", folder / "images.npy", folder / "pictures"
    write_array(few, 2, digits)
    write_array(array, images, digits)
    write_pictures(scans, pictures, digits)
    with (
        new_cluster(1) as one_worker,
        new_cluster(1, threads=2) as two_threads,
        new_cluster(2) as two_workers,
    ):
        # Seconds until two blocks of one image each have become a table.
        first = seconds(lambda: read(few, two_workers, block_size=1))
        for client in (one_worker, two_threads):
            read(few, client, block_size=1)
        starts = {
            "2 processes": seconds(lambda: read(few, processes=2, block_size=1)),
            "Dask, 2 workers": seconds(lambda: read(few, two_workers, block_size=1)),
        }
        ways: dict[str, Callable[[Path], None]] = {
            "a plain loop": read_in_a_loop,
            "in this process": lambda source: read(source, processes=0),
            "1 process": lambda source: read(source, processes=1),
            "2 processes": lambda source: read(source, processes=2),
            "Dask, 1 worker": lambda source: read(source, one_worker),
            "Dask, 1 worker of 2 threads": lambda source: read(source, two_threads),
            "Dask, 2 workers": lambda source: read(source, two_workers),
        }
        taken: dict[str, list[float]] = {way: [] for way in ways}  # seconds per image
        for source, count in (array, images), (scans, pictures):
            # In turn, so that a busy machine slows all of them.
            runs = [[seconds(partial(way, source)) for way in ways.values()] for _ in range(RUNS)]
            for way, times in zip(ways, zip(*runs, strict=True), strict=True):
                taken[way].append(min(times) / count)  # other work can only slow a run
    alone, one, two = taken["in this process"], taken["Dask, 1 worker"], taken["Dask, 2 workers"]
    rates = [[way, *(f"{1 / each:,.0f}" for each in both)] for way, both in taken.items()]
    local = taken["1 process"], taken["2 processes"]
    gains = [
        [f"{a / b:.2f} times" for a, b in zip(*pair, strict=True)] for pair in (local, (one, two))
    ]
    more = [f"{1e6 * (b - a):.0f} \u00b5s" for a, b in zip(alone, one, strict=True)]
    pays: list[list[str]] = []
    for way, start in starts.items():
        numbers = []
        for loop, each, count in zip(
            taken["a plain loop"], taken[way], (images, pictures), strict=True
        ):
            gained = loop - (each - start / count)  # per image, once the workers have started
            numbers.append(f"{start / gained:,.0f}" if gained > 0 else "never")
        pays.append([way, f"{start:.1f}", *numbers])
    return [
        {
            "columns": ["per second", f"images of {images:,}", f"pictures of {pictures:,}"],
            "rows": [
                *rates,
                ["2 processes against 1", *gains[0]],
                ["2 workers of Dask against 1", *gains[1]],
                ["Dask's overhead for each", *more],
            ],
        },
        {
            "columns": ["", "start, s", "faster than a loop from, images", "from, pictures"],
            "rows": [*pays, ["Dask, 2 workers, the first time", f"{first:.1f}", "", ""]],
        },
    ]


def memory(folder: Path, digits: np.ndarray, sizes: tuple[int, ...]) -> Table:
    """Measure the peak memory of workers after arrays of these sizes."""
    most = []
    with new_cluster(2) as client:
        for size in sizes:
            write_array(folder / "images.npy", size, digits)
            read(folder / "images.npy", client)
            most.append(max(client.run(peak_memory).values()))
    return {
        "columns": ["images in the array", *(f"{size:,}" for size in sizes)],
        "rows": [["the most memory of a worker, MB", *(f"{each / 1e6:.0f}" for each in most)]],
    }


def main() -> None:
    """Print the results as JSON; the arguments may give smaller numbers."""
    if arguments := sys.argv[1:]:
        images, pictures, sizes = arguments
        made = content(int(images), int(pictures), tuple(map(int, sizes.split(","))))
    else:
        made = content()
    print(json.dumps(made))


if __name__ == "__main__":
    main()
