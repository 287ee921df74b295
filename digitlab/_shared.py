"""Process-wide changes that several threads may need at the same time.

Such a change (where stderr goes, a Keras setting) must be undone by the last thread that needs it.
If each thread saved the current state and later restored it, one might save another's change.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class SharedChange:
    """A change that lasts while any thread is in one of its `active` blocks.

    Args:
        make: Makes the change, when the first block begins.
        undo: Undoes it, when the last block ends.
    """

    def __init__(self, make: Callable[[], None], undo: Callable[[], None]) -> None:
        self._make, self._undo = make, undo
        # Reentrant, because a signal handler or a finaliser may run while the lock is held.
        self._lock = threading.RLock()
        self._blocks: dict[object, int] = {}  # the blocks that are open, each with its thread
        self._made = False
        if hasattr(os, "register_at_fork"):  # not on Windows
            os.register_at_fork(
                before=self._lock.acquire,
                after_in_parent=self._lock.release,
                after_in_child=self._forget_other_threads,
            )

    @contextmanager
    def active(self) -> Iterator[None]:
        """Keep the change made during the block. Blocks may be nested, and overlap in threads."""
        block = object()
        try:
            with self._lock:
                self._blocks[block] = threading.get_ident()
                if not self._made:
                    self._made = True
                    self._make()
            yield
        finally:
            with self._lock:
                self._blocks.pop(block, None)
                self._undo_if_unused()

    def _undo_if_unused(self) -> None:
        if self._made and not self._blocks:
            self._made = False
            self._undo()

    def _forget_other_threads(self) -> None:
        """Drop other threads' blocks: in a forked process, only the thread that forked runs on."""
        here = threading.get_ident()
        self._blocks = {block: thread for block, thread in self._blocks.items() if thread == here}
        try:
            self._undo_if_unused()
        finally:
            self._lock.release()
