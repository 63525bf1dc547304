"""A whole file goes up: all or nothing for every observer, and nothing that it was not based on is overwritten.

Plain servers write a PUT in place, so a transfer that breaks off would leave half a file under its final name, and a
condition that held when a long transfer began says nothing of its end. There a file goes up under a hidden name of its
own and is moved, which takes no longer for a large one; small ones have a shorter way on good servers (``small.py``).
Nextcloud and ownCloud write beside by themselves, and a move over a file would take its versions, shares and id away:
there it is a PUT in place, under a condition.
"""

import secrets
from dataclasses import dataclass, replace
from email.utils import formatdate

import trio

from mountcloud.model.errors import Conflict, Exists, Failure, NotFound, Unavailable
from mountcloud.model.ids import NodeId, Ref, Version
from mountcloud.model.node import Node
from mountcloud.model.operation import Slot
from mountcloud.model.places import Place
from mountcloud.model.provider import Source, UploadProgress, UploadTarget
from mountcloud.net.http import Response
from mountcloud.providers.webdav import tokens, wire
from mountcloud.providers.webdav.address import Path
from mountcloud.providers.webdav.changes import Changes
from mountcloud.providers.webdav.chunks import Chunks, checksum_of
from mountcloud.providers.webdav.facts import Binding, Facts, facts_of
from mountcloud.providers.webdav.small import SmallUploads
from mountcloud.providers.webdav.tokens import Token
from mountcloud.providers.webdav.tree import HIDDEN, Tree
from mountcloud.providers.webdav.wire import Entry

_NS = 10**9
_CLEAN_UP_S = 5.0
_MOST_LETTERS = 1000
_WORTH_A_LOOK = 1 << 20
"""Bytes from which on a conflict is looked for before the transfer as well."""


@dataclass(frozen=True, slots=True)
class _Aim:
    """Where a file goes; ``etag`` is that of what is there, "*" where that cannot be told, empty for a free name.

    ``letters`` are the rights to it (oc:permissions), empty if they are not known yet.
    """

    path: Path
    etag: str
    mtime: int
    letters: str = ""

    @property
    def condition(self) -> dict[str, str]:
        """For a PUT."""
        return {"If-Match": self.etag} if self.etag else {"If-None-Match": "*"}

    def condition_of_move(self, url: str) -> dict[str, str]:
        """What holds for the target of a MOVE is said in the If header (RFC 4918, 10.4)."""
        if not self.etag:
            return {"Overwrite": "F"}
        return {} if self.etag == "*" else {"If": f"<{url}> ([{self.etag}])"}


class Uploads:
    """Uploads of one account. ``chunks`` are set where the server takes large files in pieces."""

    def __init__(self, tree: Tree, changes: Changes) -> None:
        self.chunks: Chunks | None = None
        self._tree = tree
        self._dav = tree.dav
        self._changes = changes
        self._letters: dict[NodeId, str] = {}
        self._small = SmallUploads(tree, changes)

    async def upload(self, target: UploadTarget, source: Source, progress: UploadProgress | None = None) -> Node:
        """Store a file; see ``Provider.upload``."""
        parent = target.parent if target.replaces is None else self._parent_of(target.replaces.id)
        if target.replaces is None:
            self._tree.place(parent)
        if target.size >= _WORTH_A_LOOK:
            await self._look_first(target)
        if self._tree.abilities.owncloud:
            return await self._in_place(target, parent, source, progress)
        node = await self._small.upload(target, parent, source) if self._small.take(target) else None
        return node or await self._beside(target, parent, source)

    def _parent_of(self, node: NodeId) -> NodeId:
        parent = self._tree.place(node).parent
        if parent is None:
            raise NotFound("the root is no file")
        return parent

    async def _look_first(self, target: UploadTarget) -> None:
        if target.replaces is not None:
            async with self._tree.turns.looking(self._parent_of(target.replaces.id)):
                entry = await self._tree.look(target.replaces.id)
                self._changes.check_version(self._tree.place(target.replaces.id), entry, target.replaces)

    async def _beside(self, target: UploadTarget, parent: NodeId, source: Source) -> Node:
        name = f"{HIDDEN}upload-{secrets.token_hex(8)}"
        try:
            draft = await self._send(parent, name, target, source)
            async with self._tree.turns.changing(parent):
                path = (*await self._tree.path(parent), name)
                if target.replaces is None:
                    return await self._name(path, draft, Slot(parent, target.name), target.mtime_ns)
                return await self._replace(path, draft, target.replaces, target.mtime_ns)
        except BaseException:
            with trio.move_on_after(_CLEAN_UP_S, shield=True):
                await self._clear(parent, name)
            raise

    async def _send(self, parent: NodeId, name: str, target: UploadTarget, source: Source) -> Entry:
        """The draft as the server shows it, which must be as long as what was sent."""
        async with self._tree.turns.staying():
            path = (*await self._tree.path(parent), name)
        async with self._changes.blaming_the_parent(parent):
            await self._dav.put(path, source, {})
        async with self._tree.turns.staying():
            path = (*await self._tree.path(parent), name)
            draft = await self._dav.look(path, self._tree.props)
            if draft.size != target.size:
                raise Unavailable(f"the server holds {draft.size} bytes of {target.size}")
            await self._changes.keep_time(path, draft, target.mtime_ns)
        return draft

    async def _clear(self, parent: NodeId, name: str) -> None:
        try:
            await self._dav.delete((*await self._tree.path(parent), name), directory=False)
        except Failure:
            return  # It hides itself, and is removed with what is left of other uploads.

    async def _name(self, draft_path: Path, draft: Entry, slot: Slot, mtime_ns: int) -> Node:
        """Give the draft a name that must be free."""
        await self._check_free(slot, draft_path)
        facts = Facts().bound(Binding(draft.token, self._tree.fresh_version(draft.token), mtime_ns))
        place = replace(self._tree.new_place(slot, is_directory=False), facts=facts.text)
        # Written down before: if the answer is lost, the file is known again by its token.
        self._tree.places.change(put=[place])
        try:
            await self._changes.relocate(draft_path, slot, directory=False, overwrite=False)
        except Failure as failure:
            if not failure.transient:
                self._tree.places.change(remove=[place.id])
            raise
        return await self._seen(place, draft)

    async def _check_free(self, slot: Slot, draft_path: Path) -> None:
        """A holder that the book knows keeps its place in the book if it is there."""
        if self._tree.places.find(slot.parent, slot.name) is None:
            return
        try:
            await self._dav.look((*draft_path[:-1], slot.name), wire.BASIC)
        except NotFound:
            return
        raise Exists(f"the name {slot.name!r} is taken")

    async def _replace(self, draft_path: Path, draft: Entry, base: Ref, mtime_ns: int) -> Node:
        """Put the draft in the place of a file that must be at the version on which it is based."""
        present = await self._tree.look(base.id)
        place = self._tree.place(base.id)
        self._changes.check_version(place, present, base)
        binding = Binding(draft.token, self._tree.fresh_version(draft.token), mtime_ns)
        place = replace(place, facts=facts_of(place.facts).bound(binding).text)
        self._tree.places.change(put=[place])
        slot = Slot(place.parent or place.id, place.name)
        await self._changes.relocate(draft_path, slot, directory=False, overwrite=True)
        return await self._seen(place, draft)

    async def _seen(self, place: Place, draft: Entry) -> Node:
        if self._tree.abilities.move_keeps:
            return self._tree.to_node(place, draft)
        now = await self._tree.look(place.id)
        binding = facts_of(place.facts).binding(draft.token)
        if binding is not None and now.size == draft.size:
            place = replace(place, facts=facts_of(place.facts).bound(replace(binding, token=now.token)).text)
            self._tree.places.change(put=[place])
        return self._tree.to_node(place, now)

    async def _in_place(
        self, target: UploadTarget, parent: NodeId, source: Source, progress: UploadProgress | None
    ) -> Node:
        """The condition is checked by the server at the end of the transfer, where it counts."""
        async with self._tree.turns.looking(parent):
            aim = await self._aim(target)
        if target.replaces is not None:
            parent = self._parent_of(target.replaces.id)  # a move of it may just have turned out to be done
        try:
            async with self._changes.blaming_the_parent(parent):
                answer, checksum = await self._transfer(aim, source, progress)
        except Conflict as conflict:
            raise conflict if target.replaces else Exists(f"the name {target.name!r} is taken") from conflict
        slot, etag = Slot(parent, aim.path[-1]), tokens.etag(answer.headers.get("oc-etag", ""))
        # No list is under way now that may lack the file.
        async with self._tree.turns.changing(parent):
            entry = _told(aim, target, answer, checksum)
            if entry is None:
                entry = await self._dav.look((*await self._tree.path(parent), slot.name), self._tree.props)
                self._learn(parent, entry, answer)
            return self._adopted(slot, target, entry, etag)

    def _learn(self, directory: NodeId, entry: Entry, answer: Response) -> None:
        """What may be done with one new file of a directory may be done with the next; a list corrects it."""
        if len(self._letters) > _MOST_LETTERS:
            self._letters.clear()
        if answer.headers.get("oc-fileid") == entry.text(wire.ID):
            self._letters[directory] = entry.text(wire.PERMISSIONS)

    async def _aim(self, target: UploadTarget) -> "_Aim":
        mtime = target.mtime_ns // _NS
        if target.replaces is None:
            letters = self._letters.get(target.parent, "")
            return _Aim((*await self._tree.path(target.parent), target.name), "", mtime, letters)
        entry = await self._tree.look(target.replaces.id)
        self._changes.check_version(self._tree.place(target.replaces.id), entry, target.replaces)
        path, letters = await self._tree.path(target.replaces.id), entry.text(wire.PERMISSIONS)
        return _Aim(path, entry.condition or "*", mtime, letters)

    async def _transfer(self, aim: "_Aim", source: Source, progress: UploadProgress | None) -> tuple[Response, str]:
        """The answer, and the checksum that a small file went with."""
        time = {"X-OC-Mtime": str(aim.mtime)}
        if self.chunks is not None and self.chunks.wants(source.size):
            url = self._dav.url(aim.path)
            return await self.chunks.send(url, source, {**time, **aim.condition_of_move(url)}, progress), ""
        checksum = await checksum_of(source)
        headers = {**time, **aim.condition, "OC-Checksum": checksum}
        answer = await self._dav.put(aim.path, source, headers)
        return answer, checksum

    def _adopted(self, slot: Slot, target: UploadTarget, entry: Entry, etag: str) -> Node:
        """``etag`` is what the server said of our own content: another client may have been quick to replace it."""
        if etag and entry.token.etag != etag:
            replaced = self._tree.adopt(slot, entry, Facts())
            ours = Token(etag, target.size, target.mtime_ns // _NS)
            return replace(replaced, size=target.size, version=Version(ours.text), mtime_ns=ours.modified * _NS)
        if entry.size != target.size:
            raise Unavailable(f"the server holds {entry.size} bytes of {target.size}")
        facts = Facts() if target.replaces is None else facts_of(self._tree.place(target.replaces.id).facts)
        # The server keeps seconds; this machine remembers what the program set, as long as the content is ours.
        kept = target.mtime_ns if entry.modified == target.mtime_ns // _NS else None
        binding = Binding(entry.token, self._tree.fresh_version(entry.token), kept)
        return self._tree.adopt(slot, entry, facts.bound(binding))


def _told(aim: _Aim, target: UploadTarget, answer: Response, checksum: str) -> Entry | None:
    """The file as a look would show it, where the answer to a PUT tells all of it, as Nextcloud's does (facts, 2)."""
    told = answer.headers
    etag, given = told.get("oc-etag", ""), told.get("oc-fileid", "")
    known = etag and given and checksum and aim.letters and told.get("x-oc-mtime") == "accepted"
    if not known or (target.replaces is not None and target.replaces.id != f"oc:{given}"):
        return None
    date = formatdate(aim.mtime, usegmt=True)
    size = str(target.size)
    basic = {wire.LENGTH: size, wire.ETAG: etag, wire.MODIFIED: date}
    return wire.file_entry(aim.path, {**basic, wire.ID: given, wire.PERMISSIONS: aim.letters, wire.CHECKSUMS: checksum})
