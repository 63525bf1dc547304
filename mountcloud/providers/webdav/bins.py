"""What Nextcloud keeps of removed and replaced files: the trash bin and older versions (WebDAV facts, 2)."""

from collections.abc import Sequence

from mountcloud.model.errors import Conflict, NotFound, Unsupported
from mountcloud.model.ids import NodeId, Ref, Version
from mountcloud.model.node import Kind
from mountcloud.model.offers import Discarded, PastVersion
from mountcloud.providers.webdav import wire
from mountcloud.providers.webdav.dav import Dav
from mountcloud.providers.webdav.tree import Tree
from mountcloud.providers.webdav.wire import Entry

_FILE_ID, _SIZE = f"{wire.OC}fileid", f"{wire.OC}size"
_NAME, _PLACE, _TIME = (f"{wire.NC}trashbin-{each}" for each in ("filename", "original-location", "deletion-time"))
_ASKED = (*wire.BASIC, _FILE_ID, _SIZE, _NAME, _PLACE, _TIME)


class TrashBin:
    """One account's trash bin. ``dav`` sees its ``trash`` and ``restore``."""

    def __init__(self, dav: Dav, tree: Tree) -> None:
        self._dav = dav
        self._tree = tree
        self._names: dict[str, str] = {}

    async def discarded(self, directory: NodeId) -> Sequence[Discarded]:
        """What was removed at or below the directory, by this account from wherever, the latest first."""
        inside = await self._tree.path(directory)
        found = [each for each in await self._listed() if tuple(each.path.split("/"))[: len(inside)] == inside]
        return sorted(found, key=lambda each: -(each.deleted_at or 0.0))

    async def _listed(self) -> list[Discarded]:
        entries = await self._dav.children(("trash",), _ASKED)
        self._names = {_id(each): each.path[-1] for each in entries}
        return [_discarded(each) for each in entries]

    async def restore(self, discarded: Discarded) -> None:
        """The server brings it back at the top if its directory is gone, so look before. Raises ``NotFound``."""
        above = tuple(discarded.path.split("/"))[:-1]
        await self._demand_directory(above)
        name = await self._name(discarded)
        await self._dav.move(("trash", name), ("restore", name), directory=False, overwrite=False)

    async def _demand_directory(self, path: tuple[str, ...]) -> None:
        try:
            there = (await self._tree.dav.look(path, wire.BASIC, directory=True)).is_directory
        except NotFound:
            there = False
        if not there:
            raise NotFound(f"the directory {'/'.join(path)!r} is gone", hint="restore it first, or make it again")

    async def purge(self, discarded: Discarded) -> None:
        """Remove it for ever, with its versions."""
        await self._dav.delete(("trash", await self._name(discarded)), directory=False)

    async def _name(self, discarded: Discarded) -> str:
        """How it is called in the bin."""
        if discarded.id not in self._names:
            await self._listed()
        if discarded.id not in self._names:
            raise NotFound("that is not in the trash bin")
        return self._names[discarded.id]


def _id(entry: Entry) -> str:
    return entry.text(_FILE_ID) or entry.path[-1]


def _discarded(entry: Entry) -> Discarded:
    place = entry.text(_PLACE) or entry.text(_NAME) or entry.path[-1]
    path = "/".join(name for name in place.split("/") if name not in {"", "."})
    kind = Kind.DIRECTORY if entry.is_directory else Kind.FILE
    size = entry.number(_SIZE) if entry.is_directory else entry.size
    deleted_at = entry.number(_TIME)
    return Discarded(_id(entry), path, kind, size, None if deleted_at is None else float(deleted_at))


class OldVersions:
    """Older contents of one account's files. ``dav`` sees its ``versions`` and ``restore``.

    The server names a content by its time in seconds. It lists the present one too, since Nextcloud 26.
    """

    def __init__(self, dav: Dav, tree: Tree) -> None:
        self._dav = dav
        self._tree = tree

    async def versions(self, ref: Ref) -> Sequence[PastVersion]:
        """All contents of a file, the newest first."""
        entry, present = await self._present(ref)
        older = [
            PastVersion(Version(each.path[-1]), each.size, float(each.path[-1])) for each in await self._older(entry)
        ]
        return [present, *sorted(older, key=lambda each: -(each.changed_at or 0.0))]

    async def restore_version(self, ref: Ref, version: Version) -> None:
        """Bring one back in place: id and shares of the file stay, the present content becomes an older one."""
        entry, present = await self._present(ref)
        if ref.version and ref.version != present.id:
            raise Conflict("the file has new content on the server", hint="mountcloud versions PATH lists it")
        if version == present.id:
            return
        if version not in {each.path[-1] for each in await self._older(entry)}:
            raise NotFound(f"the file has no version {version}", hint="mountcloud versions PATH lists them")
        path = ("versions", entry.text(_FILE_ID), version)
        await self._dav.move(path, ("restore", version), directory=False, overwrite=False)

    async def _present(self, ref: Ref) -> tuple[Entry, PastVersion]:
        entry = await self._tree.seen_alone(ref.id)
        if entry is None:
            raise NotFound("the file is gone")
        if entry.is_directory:
            raise Unsupported("directories have no versions", hint="name a file")
        node = self._tree.to_node(self._tree.place(ref.id), entry)
        return entry, PastVersion(node.version, node.size, float(entry.modified), present=True)

    async def _older(self, entry: Entry) -> list[Entry]:
        listed = await self._dav.children(("versions", entry.text(_FILE_ID)), wire.BASIC)
        return [each for each in listed if each.path[-1].isdecimal() and int(each.path[-1]) != entry.modified]
