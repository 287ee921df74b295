"""Read many scans into a table: in blocks, in parallel, and saved block by block.

The work is handed to an executor of `concurrent.futures`: a pool of processes here, or that of a
Dask client. Only this process writes the results, so a block that a cluster computes twice, because
a worker was killed, is in the table once.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tqdm import tqdm

from digitlab._io import atomic_write
from digitlab.bulk.executors import cluster, local_pool, one_thread, read_blocks
from digitlab.bulk.sources import PICTURE_SUFFIXES, Block, Row, as_source
from digitlab.bulk.tables import as_format
from digitlab.images import check_whole
from digitlab.loading import as_network_recognizer
from digitlab.recognizer import PersonalRecognizer, Recognizer
from digitlab.runtimes.litert import LiteRT


def read_to_table(
    source: str | os.PathLike[str],
    table: str | os.PathLike[str],
    client: Any = None,
    *,
    recognizer: Any = None,
    numbers: bool = False,
    processes: int | None = None,
    block_size: int | None = None,
    progress: bool = True,
) -> Path:
    """Read all pictures in a folder, or all images in an array on disk, into a table.

    If a call is stopped or killed, the same call resumes it. A picture that
    cannot be read becomes a row with its error.

    Args:
        source: A folder, whose pictures are all read, including those in subfolders (but only the
            first page of a file with several, and then ``error`` says so); other files, such as
            PDFs, are left out. Or a ``.npy`` file of images, as for `Recognizer.predict_images`.
        table: The file to write, named ``.csv`` or ``.parquet`` (which needs the extra ``scale``).
            It is replaced only when the new one is complete. Until then the results are in a folder
            beside it, whose name ends in ``.parts``.
        client: A ``dask.distributed.Client``, to read on its cluster; without one, processes on
            this machine read. The workers must see the source under the same path, and should have
            one thread each. In a script, the local processes need
            ``if __name__ == "__main__":`` before the call.
        recognizer: A `Recognizer`, a Keras model, or a function from an image, (28, 28) float32 in
            [0, 1], to ten probabilities. Default: the network that comes with the package. To
            resume, pass the same one.
        numbers: Read a number instead of a digit in each picture, see `Recognizer.read_number`.
        processes: How many processes read on this machine. Default: one for each core. With 0, or
            if all scans fit in one block, this process reads.
        block_size: How many scans one worker reads at once. Default: as many as take about half a
            second. Stopping loses at most the blocks that are being read.
        progress: Show a progress bar with the time left.

    Returns:
        The path of the table. The columns are ``file``, the path below the folder, or ``index``;
        ``text``, what was read; ``confidence``, 0 to 1; ``reason``, why there is no digit, as
        `Prediction.reason`; and ``error``. Rows are in the order of the array; pictures are sorted
        by name, those of a folder before those of its subfolders.

    Raises:
        TypeError: The recognizer is none of these, or other processes cannot load it; or the client
            is something else.
        FileNotFoundError: There is no such source, or a worker does not see it; or another call for
            the same table removed its parts.
        ValueError: The source has no scans or is something else, the table's name has another
            ending, or `block_size` or `processes` is too small or not a whole number.
        ModuleNotFoundError: Parquet needs pyarrow.
        ConnectionError: The client has no scheduler, or lost it.
        RuntimeError: A process of this machine was killed.

    Example:
        >>> drawings = [digitlab.stored_drawing(digit) for digit in (5, 7)]
        >>> np.save("scans.npy", [digitlab.render_strokes(drawing) for drawing in drawings])
        >>> table = digitlab.read_to_table("scans.npy", "digits.csv")
        >>> for line in table.read_text().splitlines():
        ...     print(line.split(",")[:2])
        ['index', 'text']
        ['0', '5']
        ['1', '7']
    """
    for name, value, least in (("block_size", block_size, 1), ("processes", processes, 0)):
        if value is not None:
            check_whole(value, name, least)
    path = Path(table).absolute()
    scans = as_source(Path(source).absolute(), numbers)
    form = as_format(path, [scans.column, *Row._fields])
    count, size = scans.count(), block_size or scans.block_size
    if not count:
        endings = " ".join(sorted(PICTURE_SUFFIXES))
        raise ValueError(f"expected pictures ({endings}) or images in {source}, found none")
    reader = _single_threaded(as_network_recognizer(recognizer))
    if client is not None:
        pool = cluster(client, reader)
    elif processes == 0 or count <= size:  # other processes would take longer to start
        pool = one_thread(reader)
    else:
        pool = local_pool(reader, processes)
    folder, identity = path.with_name(f"{path.name}.parts"), _identity(reader)
    parts: list[Path] = []

    def unread() -> Iterator[tuple[Path, Block]]:
        for number, block in enumerate(scans.blocks(size)):
            digest = hashlib.sha256(f"{identity} {block}".encode("utf-8", "backslashreplace"))
            part = folder / f"{number:07}-{digest.hexdigest()[:16]}{path.suffix}"
            parts.append(part)
            if _is_current(part, block):
                bar.update(len(block.keys))
            else:
                yield part, block

    with (
        tqdm(total=count, desc="Reading", delay=2, leave=False, disable=not progress) as bar,
        pool as submit,
    ):
        for part, block, columns in read_blocks(unread(), submit):
            with _explaining_lost_parts(folder), atomic_write(part) as unfinished:
                form.write_part(unfinished, {scans.column: block.keys, **columns})
            bar.update(len(block.keys))
    with _explaining_lost_parts(folder), atomic_write(path) as unfinished:
        form.join(unfinished, parts)
    shutil.rmtree(folder, ignore_errors=True)
    return path


@contextmanager
def _explaining_lost_parts(folder: Path) -> Iterator[None]:
    """Say what has happened if the folder with the parts is gone."""
    try:
        yield
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"expected what was read in {folder}, which is gone: another call for the same table "
            "removed it"
        ) from error


def _single_threaded(recognizer: Recognizer) -> Recognizer:
    """Leave the other cores to the other processes."""
    if type(recognizer) is Recognizer and isinstance(recognizer.model, LiteRT):
        return Recognizer(recognizer.model.with_threads(1))
    return recognizer


def _identity(recognizer: Recognizer) -> str:
    """Return a digest that tells a recognizer from others. All functions have the same one."""
    digest = hashlib.sha256(recognizer.network_checksum.encode())
    if isinstance(recognizer, PersonalRecognizer):
        digest.update(recognizer.images.tobytes() + recognizer.labels.tobytes())
    return digest.hexdigest()


def _is_current(part: Path, block: Block) -> bool:
    """Return whether a part was written after the last change of what its block is read from."""
    try:
        written = part.stat().st_mtime_ns
        changes = (file.stat() for file in block.files())
        # The second time is also new if another file was moved to this place.
        return all(max(file.st_mtime_ns, file.st_ctime_ns) <= written for file in changes)
    except OSError:  # reading the block says what is wrong
        return False
