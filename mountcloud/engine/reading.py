"""Random reads of one version of one file: from this machine's disk, else from the service, decrypted on the way."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

import trio
from cachetools import LRUCache

from mountcloud.engine.background import spared
from mountcloud.engine.fetching import DEADLINE, Fetched, Means
from mountcloud.model.errors import NoKey, Outdated, Unavailable
from mountcloud.model.ids import Ref
from mountcloud.model.node import Node
from mountcloud.model.provider import Content
from mountcloud.model.span import PlainSpan, StoredSpan
from mountcloud.policy.cells import CELL, cover
from mountcloud.policy.readahead import SECONDS, Window, advance, ahead, at_once

_PIECE = 8 << 20
"""Bytes of one request where everything is wanted."""
_KEYLESS_KNOWN = 10_000
_KEPT_OPEN = 512
"""Versions whose keys and addresses are kept after their last reader left."""


@dataclass(slots=True)
class Library:
    """All files being read. ``strict``: nothing of a file is shown before all of it was found genuine."""

    means: Means
    strict: bool = False
    outdated: Callable[[Node], None] = lambda node: None
    _open: OrderedDict[Ref, Fetched] = field(default_factory=OrderedDict)
    _keyless: LRUCache[Ref, bool] = field(default_factory=lambda: LRUCache(_KEYLESS_KNOWN))

    def is_keyless(self, ref: Ref) -> bool:
        """True if the account had no key for this version when it was opened last."""
        return ref in self._keyless

    def note_key(self, ref: Ref, *, missing: bool) -> None:
        """Whether there was a key just now."""
        if missing:
            self._keyless[ref] = True
        else:
            self._keyless.pop(ref, None)

    def reader(self, node: Node) -> "Reader":
        """Read this node at this version; nothing is fetched yet. Close it once."""
        fetched = self._open.setdefault(node.ref, Fetched(self.means, node))
        self._open.move_to_end(node.ref)
        fetched.users += 1
        self.means.buffers.opened()
        self._forget_idle()
        return Reader(self, fetched)

    async def keep(self, node: Node) -> None:
        """Bring all of this version onto this machine. Raises what reading raises."""
        reader = self.reader(node)
        try:
            await reader.bring_all()
        finally:
            await reader.aclose()

    def forgive(self, ref: Ref) -> None:
        """Forget that a version was found to be altered: the next open asks the service anew."""
        fetched = self._open.get(ref)
        if fetched is not None and fetched.failure is not None:
            del self._open[ref]
            self.means.nursery.start_soon(spared, fetched.aclose)

    def _forget_idle(self) -> None:
        """Versions that were read lately stay open, the others are given back."""
        idle = [ref for ref, each in self._open.items() if each.users == 0]
        for ref in idle[: max(len(self._open) - _KEPT_OPEN, 0)]:
            self.means.nursery.start_soon(spared, self._open.pop(ref).aclose)


class Reader:
    """One handle's view of one version."""

    def __init__(self, library: Library, fetched: Fetched) -> None:
        self.node = fetched.node
        self._library = library
        self._fetched = fetched
        self._window = Window()
        self._asked = 0

    async def read(self, offset: int, size: int) -> bytes:
        """Up to ``size`` bytes, fewer only at the end of the file.

        Raises ``Unavailable`` when nothing arrived within the deadline, ``Outdated`` if the version is gone,
        ``Corrupt`` if its content was altered.
        """
        want = PlainSpan(min(offset, self.node.size), min(offset + size, self.node.size))
        if not want.length:
            return b""
        content = self._fetched.opened or await self._open()
        covered = content.cipher.cover(want)
        data = self._fetched.at_hand(covered)
        if data is None:
            data = await self._bring(covered, want)
        self._window = advance(self._window, want.start, want.end)
        self._fetch_ahead(content.stored_size)
        return content.cipher.decrypt(want, covered, data)

    async def bring_all(self) -> None:
        """Fetch whatever is not on this machine."""
        await self._open()
        await self._fetched.bring_all(_PIECE)

    async def _open(self) -> Content:
        try:
            content = await self._opened_in_time()
            self._library.note_key(self.node.ref, missing=False)
            if self._library.strict:
                await self._fetched.verify(_PIECE)
        except NoKey:
            self._library.note_key(self.node.ref, missing=True)
            raise
        except Outdated:
            self._library.outdated(self.node)
            raise
        return content

    async def _opened_in_time(self) -> Content:
        with trio.move_on_after(DEADLINE):
            return await self._fetched.content()
        raise Unavailable(f"{self.node.name!r} could not be opened within {DEADLINE:g} s")

    async def _bring(self, covered: StoredSpan, want: PlainSpan) -> bytes:
        self._asked = 0  # what was asked for may have failed, or made way
        content = await self._fetched.content()
        end = at_once(self._window, want.start, want.end, self.node.size)
        along = content.cipher.cover(PlainSpan(want.start, max(end, want.end)))
        try:
            return await self._fetched.bring(covered, cover(along, content.stored_size))
        except Outdated:
            self._library.outdated(self.node)
            raise

    def _fetch_ahead(self, stored_size: int) -> None:
        """Stored and plaintext offsets are close enough for this purpose in every format.

        What was asked for in this run is not looked at again: a window holds hundreds of cells, and each read moves it.
        """
        window = self._window
        wanted = ahead(window, self._library.means.line.within(SECONDS))
        if not wanted.reach:
            self._asked = 0
            return
        start = max(window.position, self._asked)
        end = min(window.position + wanted.reach, stored_size)
        if start < end and (end - start >= wanted.piece or end == stored_size):
            span = cover(StoredSpan(start, end), stored_size)
            self._asked = self._fetched.start(span, urgent=False, largest=wanted.piece // CELL)

    async def aclose(self) -> None:
        """Give back what it holds; call it once."""
        self._fetched.release()
        self._library.means.buffers.closed()
        await trio.lowlevel.checkpoint()
