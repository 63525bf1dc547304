"""A small file goes up under its final name in one request, where the probe saw that this is safe.

Safe means: the server keeps the old content until the new one is there as a whole, and refuses if the condition does
not hold. Servers may judge the condition when the request begins, so this is for files that are on their way for no
longer than a question and its answer are: the time in which another client could come between is the same then.

A lost answer leaves a file of which the server alone knows whether it is ours. So the digest of what is sent is written
down before, and a file in the same place with the same bytes is known by it.
"""

import hashlib
from dataclasses import dataclass, replace

from mountcloud.model.errors import Conflict, Exists, Failure, NotFound, Unavailable
from mountcloud.model.ids import NodeId, Ref
from mountcloud.model.node import Node
from mountcloud.model.operation import Slot
from mountcloud.model.places import Place
from mountcloud.model.provider import Source, UploadTarget
from mountcloud.providers.webdav.address import Path
from mountcloud.providers.webdav.changes import Changes
from mountcloud.providers.webdav.evidence import digest
from mountcloud.providers.webdav.facts import Binding, Facts, Sent, facts_of
from mountcloud.providers.webdav.tree import Tree
from mountcloud.providers.webdav.wire import Entry

SMALL = 128 << 10
"""Bytes that a line of 10 Mbit/s carries in a tenth of a second."""


@dataclass(frozen=True, slots=True)
class _Errand:
    """``before`` is what the book knew of the place, None for a name that is new to it."""

    place: Place
    before: Place | None
    path: Path
    condition: dict[str, str]
    content: bytes
    sent: Sent


class SmallUploads:
    """Uploads of one request in one account."""

    def __init__(self, tree: Tree, changes: Changes) -> None:
        self._tree = tree
        self._dav = tree.dav
        self._changes = changes

    def take(self, target: UploadTarget) -> bool:
        """True for what may go this way on this server."""
        can = self._tree.abilities
        honest = can.put_if_none if target.replaces is None else can.put_if_match
        return target.size <= SMALL and honest and can.whole_put and can.precise

    async def upload(self, target: UploadTarget, parent: NodeId, source: Source) -> Node | None:
        """As ``Provider.upload``; None if the server would not have it this way, though nothing speaks against it."""
        content = await source.pread(target.size, 0)
        if len(content) != target.size:
            raise Unavailable("the file changed while it was sent")
        sent = Sent(hashlib.sha256(content).hexdigest(), target.size, target.mtime_ns)
        async with self._tree.turns.changing(parent):
            if target.replaces is None:
                return await self._make(Slot(parent, target.name), content, sent)
            return await self._replace(target.replaces, content, sent)

    async def _make(self, slot: Slot, content: bytes, sent: Sent) -> Node:
        await self._check_free(slot)
        before = self._tree.places.find(slot.parent, slot.name)
        doubtful = () if before is None else facts_of(before.facts).sent
        place = replace(self._tree.new_place(slot, is_directory=False), facts=Facts(sent=doubtful).text)
        path = (*await self._tree.path(slot.parent), slot.name)
        errand = _Errand(place, before, path, {"If-None-Match": "*"}, content, sent)
        self._write_down(errand)
        try:
            async with self._changes.needing_a_free_name(slot, path):
                await self._dav.put_whole(path, content, errand.condition)
        except Exists:
            entry = await self._look(path)
            if not await self._is_ours(path, entry, sent):
                self._strike_out(errand)
                raise
            return await self._arrived(errand, entry)
        except Failure as failure:
            self._after_refusal(errand, failure)
            raise
        return await self._arrived(errand, await self._look(path))

    async def _check_free(self, slot: Slot) -> None:
        """A holder that the book knows keeps its place there if it is there; what we sent to it before may be that."""
        holder = self._tree.places.find(slot.parent, slot.name)
        if holder is None:
            return
        try:
            await self._tree.look(holder.id)
        except NotFound:
            return
        raise Exists(f"the name {slot.name!r} is taken")

    async def _replace(self, base: Ref, content: bytes, sent: Sent) -> Node | None:
        path, place = await self._tree.path(base.id), self._tree.place(base.id)
        facts = facts_of(place.facts)
        expected = facts.expected(base.version)
        if facts.sent or expected is None or not expected.etag:
            return None
        errand = _Errand(place, place, path, {"If-Match": f'"{expected.etag}"'}, content, sent)
        self._write_down(errand)
        try:
            await self._dav.put_whole(path, content, errand.condition)
        except (Conflict, NotFound):
            return await self._met_another(errand, base)
        except Failure as failure:
            self._after_refusal(errand, failure)
            raise
        return await self._arrived(errand, await self._look(path))

    async def _met_another(self, errand: _Errand, base: Ref) -> Node | None:
        """Raises ``Conflict`` and ``NotFound`` where they are true; a server may only not know its tag again."""
        self._strike_out(errand)
        entry = await self._tree.look(base.id)
        if await self._is_ours(errand.path, entry, errand.sent):
            return await self._arrived(errand, entry)
        self._changes.check_version(self._tree.place(base.id), entry, base)
        return None

    async def _look(self, path: Path) -> Entry:
        """What the server made of it; raises ``Unavailable`` if another client removed it just now."""
        try:
            return await self._dav.look(path, self._tree.props)
        except NotFound as gone:
            raise Unavailable("the file is gone as soon as it came") from gone

    async def _is_ours(self, path: Path, entry: Entry, sent: Sent) -> bool:
        """True if an attempt whose answer was lost, or another client, brought just these bytes."""
        if entry.is_directory or entry.size != sent.size:
            return False
        return await digest(self._dav, path, entry) == sent.digest

    def _write_down(self, errand: _Errand) -> None:
        facts = facts_of(errand.place.facts).sending(errand.sent)
        self._tree.places.change(put=[replace(errand.place, facts=facts.text)])

    def _after_refusal(self, errand: _Errand, failure: Failure) -> None:
        if not failure.transient:
            self._strike_out(errand)

    def _strike_out(self, errand: _Errand) -> None:
        """It did not arrive."""
        if errand.before is None:
            self._tree.places.change(remove=[errand.place.id])
        else:
            self._tree.places.change(put=[errand.before])

    async def _arrived(self, errand: _Errand, entry: Entry) -> Node:
        if entry.size != errand.sent.size:
            raise Unavailable(f"the server holds {entry.size} bytes of {errand.sent.size}")
        token, sent = entry.token, errand.sent
        facts = facts_of(errand.place.facts).arrived(Binding(token, self._tree.fresh_version(token), sent.mtime_ns))
        place = replace(errand.place, facts=facts.text)
        self._tree.places.change(put=[place])
        await self._changes.keep_time(errand.path, entry, sent.mtime_ns)
        return self._tree.to_node(place, entry)
