"""Keep what C++ libraries write to stderr out of notebooks, which show it in red."""

import os
from contextlib import AbstractContextManager

from digitlab._shared import SharedChange

_saved: int | None = None  # a copy of file descriptor 2 while it is redirected


def _redirect() -> None:
    global _saved
    try:
        _saved = os.dup(2)
    except OSError:  # a program without a terminal may have closed it
        return
    with open(os.devnull, "w") as null:
        os.dup2(null.fileno(), 2)


def _restore() -> None:
    global _saved
    if _saved is not None:
        os.dup2(_saved, 2)
        os.close(_saved)
        _saved = None


_silence = SharedChange(_redirect, _restore)


def silent_stderr() -> AbstractContextManager[None]:
    """Drop what any thread of the process writes to file descriptor 2 during a block.

    This is for libraries whose messages no log level turns off; their errors still come as
    exceptions. Several threads may be in such blocks at once: stderr is back when the last block
    ends.
    """
    return _silence.active()
