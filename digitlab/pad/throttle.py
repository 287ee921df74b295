"""When to read while the pen moves: often, but so that slow recognizers leave time for the ink."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

INTERVAL = 0.05  # seconds, at least, from the start of one run to the start of the next
SHARE = 0.25  # of the time, at most, that slow runs take


def _call_later(seconds: float, function: Callable[[], None]) -> Any:
    """Have the running event loop call a function; return something to cancel, or None."""
    try:
        return asyncio.get_running_loop().call_later(seconds, function)
    except RuntimeError:
        return None  # no loop, so no browser, and nobody watches


class Throttle:
    """Runs a function on request, but no more often than `INTERVAL` and `SHARE` allow.

    Args:
        function: What to run. It calls `pace` around its work.
        clock: Returns the time in seconds.
        call_later: Like the method of asyncio's event loops; returns None if it cannot.
    """

    def __init__(
        self,
        function: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
        call_later: Callable[[float, Callable[[], None]], Any] = _call_later,
    ):
        self._function, self._clock, self._call_later = function, clock, call_later
        self._due = 0.0  # when the next run may start
        self._pending: Any = None  # that run, if it has been requested

    def request(self) -> None:
        """Run now, or as soon as a run is due. Requests until then need no run of their own."""
        if self._pending is not None:
            return
        wait = self._due - self._clock()
        if wait <= 0:
            self._function()
        else:
            self._pending = self._call_later(wait, self._function)

    @contextmanager
    def pace(self) -> Iterator[None]:
        """Measure a run, requested or not, to tell when the next one is due."""
        self.cancel()  # this run serves the request as well
        begun = self._clock()
        try:
            yield
        finally:
            now = self._clock()
            self._due = max(begun + INTERVAL, now + (1 / SHARE - 1) * (now - begun))

    def cancel(self) -> None:
        """Drop the request that waits, if there is one."""
        if self._pending is not None:
            self._pending.cancel()
            self._pending = None
