"""Keep what C++ libraries write to stderr from a notebook, where it would stand in red."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def silent_stderr() -> Iterator[None]:
    """Drop what is written to file descriptor 2, past Python, by all threads of the process.

    For libraries that know no log level that keeps their chatter back. Errors come as exceptions.
    """
    try:
        stderr = os.dup(2)
    except OSError:  # a program without a terminal may have none
        yield
        return
    try:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
            yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
