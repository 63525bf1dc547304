"""Find out what a server can do, by trying it on a hidden file of our own (WebDAV facts, 1, client rule 1).

What a server says of itself is no help: several announce what they ignore. The trial takes some twenty small requests
once in an account's life, and again at each log-in; what it writes is removed in the end.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

import trio

from mountcloud.model.arrival import Arrival
from mountcloud.model.errors import Failure, NotFound, Unavailable
from mountcloud.model.span import StoredSpan
from mountcloud.net.http import Response
from mountcloud.providers.webdav import wire
from mountcloud.providers.webdav.abilities import Abilities
from mountcloud.providers.webdav.address import Path
from mountcloud.providers.webdav.dav import Dav
from mountcloud.providers.webdav.tree import HIDDEN
from mountcloud.providers.webdav.wire import Entry, KeptTime

_STALE = '"mountcloud-no-such-version"'
_PROPS = (*wire.BASIC, wire.MTIME)
_CLEAN_UP_S = 10.0
_SETTLE_S = 0.3
"""Seconds in which a server notices that a connection broke."""
_TRIES = 4


async def probe(dav: Dav) -> Abilities:
    """What the server can do; of one on which we may not write, what can be seen without writing.

    Raises ``Unavailable`` and ``AuthenticationRequired``, but nothing for a server that can do little.
    """
    root = await dav.look((), (*wire.OWNCLOUD, *wire.QUOTA, *wire.SYNC, *wire.BASIC), directory=True)
    seen = Abilities(
        quota=root.number(wire.QUOTA[1]) is not None,
        sync=wire.offers_sync(root) and await _tells_of_all_below(dav, root.text(wire.SYNC[1])),
        owncloud=bool(root.text(f"{wire.OC}id") or root.text(f"{wire.OC}fileid")),
    )
    name = f"{HIDDEN}probe-{secrets.token_hex(6)}"
    trial = _Trial(dav, (name,), (f"{name}.moved",), (f"{name}.d",))
    try:
        return await trial.run(seen)
    finally:
        with trio.move_on_after(_CLEAN_UP_S, shield=True):
            await trial.clean_up()


async def _tells_of_all_below(dav: Dav, token: str) -> bool:
    """Many servers tell of direct children alone; asked for every directory, that is no better than lists."""
    try:
        return await dav.sync(token, wire.BASIC) is not None
    except Failure as failure:
        if failure.transient:
            raise
        return False


@dataclass(frozen=True, slots=True)
class _Trial:
    """The requests of one probe, on a file, its later name, and a directory."""

    dav: Dav
    file: Path
    moved: Path
    directory: Path

    async def run(self, seen: Abilities) -> Abilities:
        if not (await self._put(b"one", {})).ok:
            return seen
        seen = replace(seen, **await self._conditions())
        seen = replace(seen, precise=seen.owncloud or await self._is_precise(), ranges=await self._has_ranges())
        seen = replace(seen, lists_hidden=await self._lists_hidden(), mkcol_tells=await self._mkcol_tells())
        seen = replace(seen, move_refuses=await self._refuses_directories(), whole_put=await self._is_whole_put())
        seen = replace(seen, **await self._moving())
        seen = replace(seen, delete_if_match=await self._is_refused_removal())
        return replace(seen, moves_semicolons=await self._keeps_semicolons())

    async def _put(self, content: bytes, headers: dict[str, str]) -> Response:
        return await self.dav.send("PUT", self.file, headers=headers, content=content)

    async def _conditions(self) -> dict[str, bool]:
        taken = await self._put(b"two", {"If-None-Match": "*"})
        stale = await self._put(b"two", {"If-Match": _STALE})
        return {"put_if_none": taken.status == 412, "put_if_match": stale.status == 412}

    async def _is_precise(self) -> bool:
        """Two contents of one size and date must differ in their tags; a second that ends in between proves nothing."""
        for content in (b"red", b"sky", b"sun", b"sea")[:_TRIES]:
            before = await self._look(self.file)
            await self._put(content, {})
            after = await self._look(self.file)
            if not before.token.etag or not after.token.etag:
                return False
            if before.modified == after.modified and before.modified:
                return before.token.etag != after.token.etag
        return False

    async def _has_ranges(self) -> bool:
        found: list[int] = []
        try:
            await self.dav.get(self.file, Arrival(StoredSpan(1, 2)), 3, lambda answer: found.append(answer.status))
        except Failure:
            return False
        return found == [206]

    async def _mkcol_tells(self) -> bool:
        await self.dav.send("MKCOL", self.directory, directory=True)
        return (await self.dav.send("MKCOL", self.directory, directory=True)).status == 405

    async def _lists_hidden(self) -> bool:
        listed = await self.dav.children((), wire.BASIC)
        return any(each.path[-1:] == self.file for each in listed)

    async def _refuses_directories(self) -> bool:
        """Some servers move a file into a directory that has the name already."""
        try:
            await self.dav.move(self.file, self.directory, directory=False, overwrite=False)
        except Failure as failure:
            if failure.transient:
                raise
            return True
        await self._put(b"new", {})
        return False

    async def _is_whole_put(self) -> bool:
        before = await self._look(self.file)
        try:
            await self.dav.put(self.file, _BreaksOff(), {})
        except Failure:
            await trio.sleep(_SETTLE_S)
        return (await self._look(self.file)).token == before.token

    async def _moving(self) -> dict[str, bool]:
        await self._put(b"end", {})
        before = await self._look(self.file)
        kept = KeptTime(1, before.size or 0, before.modified)
        stored = await self._stores(kept.text)
        marked = await self._look(self.file)
        await self.dav.move(self.file, self.moved, directory=False, overwrite=False)
        after = await self._look(self.moved)
        stored = stored and wire.kept_time(after) == kept and marked.token == before.token
        return {"move_keeps": after.token == marked.token, "properties": stored}

    async def _stores(self, value: str) -> bool:
        try:
            return await self.dav.set_property(self.file, wire.MTIME, value, directory=False)
        except Unavailable:
            return False

    async def _is_refused_removal(self) -> bool:
        answer = await self.dav.send("DELETE", self.moved, headers={"If-Match": _STALE})
        return answer.status == 412

    async def _keeps_semicolons(self) -> bool:
        """WsgiDAV 4.4 cuts a Destination there; what is cut off here is the name of the file itself."""
        await self._put(b"end", {})
        odd = (f"{self.file[0]};",)
        try:
            await self.dav.move(self.file, odd, directory=False, overwrite=False)
            await self._look(odd)
            await self.dav.delete(odd, directory=False)
        except Failure as failure:
            if failure.transient:
                raise
            return False
        return True

    async def _look(self, path: Path) -> Entry:
        return await self.dav.look(path, _PROPS)

    async def clean_up(self) -> None:
        leftovers: Sequence[tuple[Path, bool]] = ((self.file, False), (self.moved, False), (self.directory, True))
        for path, directory in leftovers:
            try:
                await self.dav.delete(path, directory=directory)
            except NotFound:
                continue
            except Failure:
                return


class _BreaksOff:
    """An upload whose connection breaks in the middle."""

    size = 200_000

    async def pread(self, size: int, offset: int) -> bytes:
        """The first bytes, and then trouble."""
        if offset:
            await trio.sleep(_SETTLE_S)
            raise Unavailable("this upload is meant to break off")
        return b"x" * min(size, 60_000)
