"""Withdraw what the kernel remembers. In a thread of its own: the kernel may make us wait for a request of ours."""

import errno
import logging
import os
import queue
import threading
from collections.abc import Sequence

import pyfuse3
import trio

from mountcloud.model.change import Stale
from mountcloud.model.ids import Inode

log = logging.getLogger(__name__)


class KernelNotifier:
    """Implements ``KernelCache``."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Sequence[Stale] | threading.Event | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """From now on the kernel listens."""
        self._thread = threading.Thread(target=self._work, name="kernel-notifier", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Before the session is closed."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join(timeout=5)
            self._thread = None

    def forget(self, stale: Sequence[Stale]) -> None:
        """Queue it; returns at once."""
        if stale and self._thread is not None:
            self._queue.put(stale)

    async def forget_content(self, inode: Inode) -> None:
        """In a thread: the kernel may wait for a page that one of our tasks is about to bring."""
        if self._thread is not None:
            await trio.to_thread.run_sync(lambda: self._inode(inode, attributes_only=False))

    def wait(self, timeout_s: float) -> None:
        """Return when the kernel has forgotten all that was queued before, or at the latest after ``timeout_s``.

        Blocks, so it must not be called from a task: the kernel may wait for one of ours.
        """
        if self._thread is not None:
            done = threading.Event()
            self._queue.put(done)
            done.wait(timeout_s)

    def _work(self) -> None:
        while (batch := self._queue.get()) is not None:
            if isinstance(batch, threading.Event):
                batch.set()
                continue
            for each in batch:
                self._forget(each)

    def _forget(self, stale: Stale) -> None:
        if stale.parent is not None and stale.name is not None:
            self._entry(stale.parent, os.fsencode(stale.name))
            self._inode(stale.parent, attributes_only=True)
        self._inode(stale.inode, attributes_only=not stale.content)

    def _entry(self, parent: int, name: bytes) -> None:
        try:
            pyfuse3.invalidate_entry(pyfuse3.InodeT(parent), pyfuse3.FileNameT(name))
        except OSError as error:
            _unless_unknown(error)

    def _inode(self, inode: int, *, attributes_only: bool) -> None:
        try:
            pyfuse3.invalidate_inode(pyfuse3.InodeT(inode), attr_only=attributes_only)
        except OSError as error:
            _unless_unknown(error)


def _unless_unknown(error: OSError) -> None:
    """The kernel does not know every node that we know, and a mount that is ending knows none."""
    if error.errno not in {errno.ENOENT, errno.ENOTCONN, errno.EBADF, errno.ENODEV}:
        log.warning("the kernel's cache could not be told of a change: %s", error)
