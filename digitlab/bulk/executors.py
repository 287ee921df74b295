"""Where blocks are read: in this process, in others on this machine, or on a Dask cluster.

All three are executors of `concurrent.futures`. The network is handed over once: to each process
when it starts; to a cluster as a result that its workers pass on to each other and keep.
"""

import multiprocessing
import os
import pickle
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from signal import SIG_IGN, SIGINT, signal
from threading import Thread
from typing import Any, TypeVar

from digitlab.bulk.sources import Block, Row
from digitlab.bulk.tables import Columns
from digitlab.recognizer import Recognizer

_AHEAD = 512  # blocks that wait or are being read: plenty for a cluster, and only a few MB of names

Submit = Callable[[Block], "Future[Columns]"]
Name = TypeVar("Name")


@contextmanager
def one_thread(recognizer: Recognizer) -> Iterator[Submit]:
    """Read in this process."""
    executor = ThreadPoolExecutor(1)
    try:
        yield lambda block: executor.submit(_read, recognizer, block)
    finally:
        executor.shutdown(cancel_futures=True)


@contextmanager
def local_pool(recognizer: Recognizer, count: int | None) -> Iterator[Submit]:
    """Read in `count` processes on this machine; None means one for each core.

    Raises:
        TypeError: Another process cannot load the recognizer.
        RuntimeError: A process was killed.
    """
    # Not a fork: this process may have threads, as a notebook's kernel and TensorFlow do.
    spawn = multiprocessing.get_context("spawn")
    # In a file: a process that ends before it has taken more than 64 KB from Python leaves this one
    # waiting forever.
    with tempfile.TemporaryDirectory(prefix="digitlab-", ignore_cleanup_errors=True) as folder:
        handed_over = Path(folder, "recognizer")
        with _explaining_pickles():
            handed_over.write_bytes(pickle.dumps(recognizer))
        executor = ProcessPoolExecutor(count, spawn, _start, (handed_over,))
        try:
            yield lambda block: executor.submit(_read_in_process, block)
        except BrokenProcessPool as error:
            raise RuntimeError(
                "a worker process ended: it was killed, perhaps for lack of memory, or could not "
                "start, as in a script without `if __name__ == '__main__':`. Make the same call "
                "again to resume"
            ) from error
        finally:
            executor.shutdown(cancel_futures=True)


@contextmanager
def cluster(client: Any, recognizer: Recognizer) -> Iterator[Submit]:
    """Read on the workers of a Dask client. They may come and go.

    Raises:
        TypeError: It is not a Dask client.
        ConnectionError: There is no scheduler, or it is gone.
    """
    if not hasattr(client, "get_executor"):
        raise TypeError(f"expected a dask.distributed.Client, got {type(client).__name__}")
    if getattr(client, "asynchronous", False):  # nothing would run its event loop meanwhile
        raise TypeError("expected a dask.distributed.Client, got an asynchronous one")
    if client.status != "running":
        raise ConnectionError(f"expected a client with a scheduler; the one of {client!r} is gone")
    # A result can be computed again if the worker that holds it is killed; scattered data cannot.
    network = client.submit(_same, recognizer, pure=False)
    executor = client.get_executor(pure=False)
    try:
        yield lambda block: executor.submit(_read, network, block)
    except CancelledError as error:
        raise ConnectionError(
            "lost the scheduler of the Dask cluster. Make the same call with a new client to resume"
        ) from error
    finally:
        if client.status == "running":
            executor.shutdown(wait=False)  # cancels blocks that nobody waits for


def read_blocks(
    blocks: Iterable[tuple[Name, Block]], submit: Submit
) -> Iterator[tuple[Name, Block, Columns]]:
    """Have blocks read; yield each with its name and the columns of `Row` once it is read."""
    done: SimpleQueue[Future[Columns]] = SimpleQueue()
    pending: dict[Future[Columns], tuple[Name, Block]] = {}
    for name, block in blocks:
        if len(pending) == _AHEAD:
            future = done.get()
            yield *pending.pop(future), future.result()
        future = submit(block)
        pending[future] = name, block
        future.add_done_callback(done.put)
    while pending:
        future = done.get()
        yield *pending.pop(future), future.result()


def _same(recognizer: Recognizer) -> Recognizer:
    return recognizer


def _read(recognizer: Recognizer, block: Block) -> Columns:
    # Dask packs each element of a list by itself: packing rows would take a third as long as
    # reading the images.
    columns = map(list, zip(*block.read(recognizer), strict=True))
    return dict(zip(Row._fields, columns, strict=True))


@contextmanager
def _explaining_pickles() -> Iterator[None]:
    """Say what to do if a recognizer cannot be pickled, or not be loaded in another process."""
    try:
        yield
    except Exception as error:  # pickle raises many kinds
        raise TypeError(
            f"expected a recognizer that other processes can load: {error}. Move functions and "
            "classes of a notebook to a module that it imports, or pass processes=0"
        ) from error


_recognizer: Recognizer | TypeError  # in each process of the pool; or why there is none


def _start(handed_over: Path) -> None:
    global _recognizer
    try:
        with _explaining_pickles():
            _recognizer = pickle.loads(handed_over.read_bytes())
    except TypeError as error:  # raised here, it would look like a process that was killed
        _recognizer = error
    signal(SIGINT, SIG_IGN)  # Ctrl-C goes to all processes; the parent ends the others
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process when its parent has ended, even if that was killed."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _read_in_process(block: Block) -> Columns:
    if isinstance(_recognizer, TypeError):
        raise _recognizer
    return _read(_recognizer, block)
