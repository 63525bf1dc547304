"""A whole file goes up: all or nothing for every observer, and nothing that it was not based on is overwritten.

The service replaces whatever has the name of what comes, without any condition, and reads the names in forms in its
own way. So a file goes up under a hidden name in plain ASCII, is measured, and is renamed, which takes no longer for a
large one.
"""

import secrets
from dataclasses import dataclass, replace

import trio

from mountcloud.model.errors import Conflict, Failure, NotFound, Unavailable
from mountcloud.model.ids import NodeId, Ref
from mountcloud.model.node import Node
from mountcloud.model.operation import Slot
from mountcloud.model.places import Place
from mountcloud.model.provider import Source, UploadProgress, UploadTarget
from mountcloud.providers.smartfile.attempts import Attempts, Named, named_of
from mountcloud.providers.smartfile.changes import Changes
from mountcloud.providers.smartfile.delta import Delta, Deltas, Sent, digest_of, scratch, sent_of
from mountcloud.providers.smartfile.facts import Binding, Facts, facts_of, fresh_version
from mountcloud.providers.smartfile.trails import mark_of
from mountcloud.providers.smartfile.tree import HIDDEN, RACY_S, Tree
from mountcloud.providers.smartfile.wire import Entry, Path

_CLEAN_UP_S = 5.0
_WORTH_A_LOOK = 1 << 20
"""Bytes from which on a conflict is looked for before the transfer as well."""


@dataclass(slots=True)
class _Forgotten:
    """Of an upload that nobody will try again; implements ``UploadProgress``."""

    state: str = ""

    def save(self, state: str) -> None:
        self.state = state


class Uploads:
    """Uploads of one account."""

    def __init__(self, tree: Tree, changes: Changes, deltas: Deltas) -> None:
        self._tree = tree
        self._api = tree.api
        self._changes = changes
        self._deltas = deltas
        self._attempts = Attempts(tree)

    async def upload(self, target: UploadTarget, source: Source, progress: UploadProgress | None = None) -> Node:
        """Store a file; see ``Provider.upload``."""
        progress = progress or _Forgotten()
        named = named_of(progress.state)
        if named is not None:
            earlier = await self._earlier(named, target, source)
            if isinstance(earlier, Node):
                return earlier
            if earlier is None:
                progress.save("")
            else:
                target = replace(target, replaces=earlier)
        return await self._upload(target, source, progress)

    async def _upload(self, target: UploadTarget, source: Source, progress: UploadProgress) -> Node:
        if target.replaces is None:
            self._tree.place(target.parent)
            return await self._whole(target, target.parent, source, progress)
        parent = self._parent_of(target.replaces.id)
        if target.size >= _WORTH_A_LOOK or self._deltas.wants(target.size):
            patched = await self._patched(target, target.replaces, parent, source, progress)
            if isinstance(patched, Node):
                return patched
            target = replace(target, replaces=patched)
        return await self._whole(target, parent, source, progress)

    async def _earlier(self, named: Named, target: UploadTarget, source: Source) -> Node | Ref | None:
        """What an earlier attempt made, wherever another client has moved it: as it is to be, or to be replaced."""
        node = await self._attempts.where(named, self._directory_of(target))
        if node is None:
            return None
        async with self._tree.looking_at(node):
            present, path = await self._tree.look(node), await self._tree.path(node)
            if await self._deltas.is_there(path, await digest_of(source)):
                return await self._dated(node, present, target.mtime_ns)
            return self._as_base(node, present) if mark_of(present) == named.mark else None

    def _directory_of(self, target: UploadTarget) -> NodeId:
        known = None if target.replaces is None else self._tree.places.get(target.replaces.id)
        return target.parent if known is None or known.parent is None else known.parent

    async def _whole(self, target: UploadTarget, parent: NodeId, source: Source, progress: UploadProgress) -> Node:
        name = f"{HIDDEN}upload-{secrets.token_hex(8)}"
        try:
            draft = await self._send(parent, name, source)
            async with self._tree.turns.changing(parent):
                path = (*await self._tree.path(parent), name)
                if target.replaces is None:
                    return await self._name(path, draft, Slot(parent, target.name), target.mtime_ns, progress)
                return await self._replace(path, draft, target.replaces, target.mtime_ns, progress)
        except BaseException:
            with trio.move_on_after(_CLEAN_UP_S, shield=True):
                if await self._clear(parent, name):
                    progress.save("")
            raise

    def _parent_of(self, node: NodeId) -> NodeId:
        parent = self._tree.place(node).parent
        if parent is None:
            raise NotFound("the root is no file")
        return parent

    async def _patched(
        self, target: UploadTarget, base: Ref, parent: NodeId, source: Source, progress: UploadProgress
    ) -> Node | Ref:
        """The node, if only what differs had to be sent; else what is to be replaced by the whole file.

        Raises ``Conflict`` if the file is not what this is based on.
        """
        async with self._tree.turns.looking(parent):
            present, path = await self._tree.look(base.id), await self._tree.path(base.id)
            sent = sent_of(progress.state)
            if sent is not None and await self._arrived(sent, present, path, base):
                if sent.digest == await digest_of(source):
                    return await self._dated(base.id, present, target.mtime_ns)
                base = self._as_base(base.id, present)
            self._changes.check_version(self._tree.place(base.id), present, base)
        young = present.token.is_young(present.now, RACY_S)
        if young or not self._deltas.wants(present.size, target.size):
            return base
        with scratch() as file:
            delta = await self._deltas.made(path, source, file)
            if delta is None:
                return base
            async with self._tree.turns.changing(parent):
                return await self._patch(target, base, present, delta, progress)

    async def _arrived(self, sent: Sent, present: Entry, path: Path, base: Ref) -> bool:
        """True if what is there now was made by the patch of an earlier attempt."""
        version = self._tree.version(facts_of(self._tree.place(base.id).facts), present)
        if version == base.version or sent.size != present.size:
            return False
        return await self._deltas.is_there(path, sent.digest)

    async def _patch(
        self, target: UploadTarget, base: Ref, seen: Entry, delta: Delta, progress: UploadProgress
    ) -> Node | Ref:
        """As ``_patched``, once the delta is there. A result that is wrong is to be replaced as a whole."""
        present, path = await self._tree.look(base.id), await self._tree.path(base.id)
        if present.token != seen.token:
            raise Conflict("the file has new content on the service")
        progress.save(Sent(delta.digest, target.size).text)
        applied = await self._deltas.applied(path, delta)
        now = await self._tree.look(base.id)
        if now.token not in {seen.token, None if applied.made is None else applied.made.token}:
            raise Conflict("another client wrote the file while it was patched")
        if applied.right and now.token != seen.token and now.size == target.size:
            return await self._dated(base.id, now, target.mtime_ns)
        return self._as_base(base.id, now)

    def _as_base(self, node: NodeId, now: Entry) -> Ref:
        """What is there is our own doing, so it may be replaced."""
        facts = facts_of(self._tree.place(node).facts)
        if facts.binding(now.token) is None:
            facts = facts.bound(Binding(now.token, fresh_version(now.token)))
            self._tree.places.change(put=[replace(self._tree.place(node), facts=facts.text)])
        return Ref(node, self._tree.version(facts, now))

    async def _dated(self, node: NodeId, now: Entry, mtime_ns: int) -> Node:
        """What is there is our new content."""
        place = self._tree.place(node)
        binding = Binding(now.token, fresh_version(now.token), mtime_ns)
        place = replace(place, facts=facts_of(place.facts).bound(binding).text)
        self._tree.places.change(put=[place])
        return await self._changes.keep_time(place, now, mtime_ns)

    async def _send(self, parent: NodeId, name: str, source: Source) -> Entry:
        """The draft as the service shows it, which must be as long as what was sent."""
        async with self._tree.turns.staying():
            directory = await self._tree.path(parent)
        async with self._changes.blaming_the_parent(parent):
            draft = await self._api.upload(directory, name, source)
        if draft.size != source.size:
            raise Unavailable(f"the service holds {draft.size} bytes of {source.size}")
        return draft

    async def _clear(self, parent: NodeId, name: str) -> bool:
        """True if the draft was still there under its hidden name, and is gone."""
        try:
            path = (*await self._tree.path(parent), name)
        except Failure:
            return False
        return await self._tree.discard(path)

    async def _name(self, draft_path: Path, draft: Entry, slot: Slot, mtime_ns: int, progress: UploadProgress) -> Node:
        """Give the draft a name that must be free."""
        facts = Facts().bound(Binding(draft.token, fresh_version(draft.token), mtime_ns))
        place = replace(self._tree.new_place(slot, is_directory=False), facts=facts.text, mark=mark_of(draft))
        await self._changes.check_free(slot)
        # Written down before: if the answer is lost, the file is known again by its token, and elsewhere by its mark.
        self._tree.places.change(put=[place])
        progress.save(Named(place.id, place.mark, draft_path[-1]).text)
        try:
            now = await self._changes.relocate(draft_path, slot)
        except Failure as failure:
            if not failure.transient:
                self._tree.places.change(remove=[place.id])
            raise
        place = replace(place, mark=mark_of(now))
        self._tree.places.change(put=[place])
        return await self._seen(place, draft, now, mtime_ns)

    async def _replace(
        self, draft_path: Path, draft: Entry, base: Ref, mtime_ns: int, progress: UploadProgress
    ) -> Node:
        """Put the draft in the place of a file that must be at the version on which it is based."""
        present = await self._tree.look(base.id)
        place = self._tree.bound(self._tree.place(base.id), present)
        self._changes.check_version(place, present, base)
        binding = Binding(draft.token, fresh_version(draft.token), mtime_ns)
        place = replace(place, facts=facts_of(place.facts).bound(binding).text)
        self._tree.places.change(put=[place])
        progress.save(Named(place.id, mark_of(draft), draft_path[-1]).text)
        now = await self._changes.take_over(draft_path, place, present)
        place = replace(place, mark=mark_of(now))
        self._tree.places.change(put=[place])
        return await self._seen(place, draft, now, mtime_ns)

    async def _seen(self, place: Place, draft: Entry, now: Entry, mtime_ns: int) -> Node:
        self._tree.trails.learn(draft, now)
        place = self._tree.rebound(place, draft.token, now)
        return await self._changes.keep_time(place, now, mtime_ns)
