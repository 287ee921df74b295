"""A disk that is full for the files of one process."""

from contextlib import contextmanager

import pytest


@contextmanager
def largest_file(size):
    """No file can grow beyond this many bytes; skip the test where the system has no such limit."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
