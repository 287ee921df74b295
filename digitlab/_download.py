"""Downloads that give up on a silent network within seconds.

pooch downloads a file, checks its hash and cleans up. This module adds what pooch lacks: a download
stops after a few seconds of silence, after far too many bytes and on Ctrl-C, and an error says if
the server sent a web page instead of the file.
"""

import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pooch
from tqdm.auto import tqdm

# Seconds to wait for the next kilobyte, whichever part does not answer: a name server, the
# connection or the download.
TIMEOUT = 4.0

_THREAD = "digitlab download"


@dataclass(frozen=True)
class RemoteFile:
    """A file on the network."""

    name: str
    url: str
    hash: str  # "algorithm:hexdigest"
    size: int  # bytes


def download(files: Sequence[RemoteFile], title: str) -> dict[str, bytes]:
    """Download files, show one progress bar for all, and return their content by name.

    Raises:
        OSError: A server cannot be reached, reports an error, is silent or stops half way; or
            there is no room for temporary files.
        ValueError: A server sent something else.
    """
    logger = pooch.get_logger()
    logger.addFilter(_from_other_threads)  # the progress bar says enough
    try:
        with (
            # Windows cannot remove open files, and a thread may still have one open after Ctrl-C.
            tempfile.TemporaryDirectory(prefix="digitlab-", ignore_cleanup_errors=True) as folder,
            tqdm(
                desc=title,
                total=sum(file.size for file in files),
                unit="B",
                unit_scale=True,
                leave=False,  # remove the bar of a download that failed
            ) as bar,
        ):
            for file in files:
                _download(file, folder, bar)
            bar.leave = True
            return {file.name: Path(folder, file.name).read_bytes() for file in files}
    finally:
        logger.removeFilter(_from_other_threads)


def _from_other_threads(record: Any) -> bool:
    return record.threadName != _THREAD


def _download(file: RemoteFile, folder: str, bar: tqdm) -> None:
    """Download one file to a folder.

    A thread does it, because socket time-outs are not enough: a name look-up has no time-out, and
    each address of a host has its own.
    """
    progress = _Progress(file, bar)
    responses: list[Any] = []
    receive = pooch.HTTPDownloader(
        progressbar=progress,
        # Connecting gets half the time, so that a second address can be tried: the first, often
        # IPv6, may lead nowhere.
        timeout=(TIMEOUT / 2, TIMEOUT),
        headers={"Accept-Encoding": "identity"},  # the hash is that of the file's own bytes
        hooks={"response": lambda response, **_: responses.append(response)},
    )
    errors: list[Exception] = []
    ended = threading.Event()

    def receive_no_page(url: str, path: str, repository: Any) -> None:
        receive(url, path, repository)
        with open(path, "rb") as received:
            if received.read(1000).lstrip().startswith(b"<"):
                raise ValueError(
                    f"sent a web page as {file.name}; does this network ask you to log in?"
                )

    def work() -> None:
        try:
            pooch.retrieve(file.url, file.hash, file.name, folder, downloader=receive_no_page)
        except Exception as error:
            errors.append(error)
        finally:
            for response in responses:  # pooch leaves them open after an error
                response.close()
            ended.set()

    try:  # Ctrl-C may come as soon as the thread has started
        threading.Thread(target=work, name=_THREAD, daemon=True).start()
        while not ended.wait(progress.seconds_left()):
            if progress.seconds_left() == 0:
                raise TimeoutError(f"silent for {TIMEOUT:g} seconds, given up")
    finally:
        progress.stopped = True
    for error in errors:
        if isinstance(error, ValueError) and not isinstance(error, OSError):
            raise ValueError(str(error)) from None
        cause: BaseException = error
        while cause.__context__:  # the first cause, such as "Connection refused"
            cause = cause.__context__
        raise OSError(f"{type(cause).__name__}: {cause}") from None
    bar.update(file.size - progress.shown)


class _Progress:
    """The progress bar that pooch updates after each kilobyte; it stops a download by raising."""

    total = 0  # pooch sets it

    def __init__(self, file: RemoteFile, bar: tqdm) -> None:
        self.file, self.bar = file, bar
        self.stopped = False
        self.received = self.shown = 0  # bytes
        self.last = time.monotonic()  # when something was received

    def seconds_left(self) -> float:
        """Return the seconds until the download counts as silent."""
        return max(self.last + TIMEOUT - time.monotonic(), 0.0)

    def update(self, count: int) -> None:
        """Count received bytes: pooch's chunk size each time, although the last may be short."""
        if self.stopped:
            raise InterruptedError("stopped")
        self.last = time.monotonic()
        if self.received > self.file.size:
            raise ValueError(f"sent more than the {self.file.size:,} bytes of {self.file.name}")
        self.received += count
        step = min(count, self.file.size - self.shown)
        self.shown += step
        self.bar.update(step)

    def reset(self) -> None:
        """Start again: pooch then counts all bytes once more, after the last one."""
        self.received = 0

    def close(self) -> None:
        """Leave the bar open for the next file."""
