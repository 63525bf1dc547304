"""Requests of WebDAV, one a method: paths in, values of ``wire`` out, every refusal one of our failures."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

import trio

from mountcloud.model.arrival import Arrival
from mountcloud.model.errors import (
    Failure,
    Forbidden,
    IsADirectory,
    NotFound,
    Outdated,
    Refused,
    Unavailable,
    Unsupported,
)
from mountcloud.model.provider import Source
from mountcloud.net.http import OCTETS, Client, Judge, Response
from mountcloud.providers.webdav import wire
from mountcloud.providers.webdav.address import Address, Path, is_text
from mountcloud.providers.webdav.errors import failure_for
from mountcloud.providers.webdav.wire import Entry

_XML = {"Content-Type": "application/xml; charset=utf-8", "Accept": "*/*"}
_MOVED = {301, 302, 307, 308}
"""How some servers answer to a collection that is named without a slash at the end."""
_PIECE = 256 * 1024
_Read = TypeVar("_Read")
_LONG_LIST = 256 * 1024
"""Bytes of a list from which on it is read in a thread: reading 1000 entries takes about 40 ms."""


class Dav:
    """One server, seen from the collection in which the account's tree begins."""

    def __init__(self, client: Client, address: Address) -> None:
        self._client = client
        self._address = address

    def settle(self, address: Address) -> None:
        """The collection in which the tree begins is known now."""
        self._address = address

    async def send(
        self,
        method: str,
        path: Path,
        *,
        directory: bool = False,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> Response:
        """One exchange, whatever the status is."""
        href = self._address.href(path, directory=directory)
        return await self._client.request(method, href, headers={"Accept": "*/*", **(headers or {})}, content=content)

    async def look(self, path: Path, props: Sequence[str], *, directory: bool = False) -> Entry:
        """One resource; raises ``NotFound``, and believes it only while the root is there."""
        found = await self._propfind(path, props, "0", directory=directory)
        if not found or found[0].status in {404, 410}:
            raise NotFound("the server knows no such file")
        _demand_same(path, found[0].path)
        return await self._measured(path, found[0])

    async def _measured(self, path: Path, entry: Entry) -> Entry:
        """Some servers leave the length out of a list; without it a file would look empty."""
        if entry.is_directory or entry.size is not None:
            return entry
        answer = _success(await self.send("HEAD", path, headers={"Accept-Encoding": "identity"}))
        return wire.with_size(entry, answer.headers.get("content-length", ""))

    async def children(self, path: Path, props: Sequence[str]) -> list[Entry]:
        """The resources in a collection, with those that we may not see (``status`` from 400 on).

        Raises ``NotFound`` if it is gone or a file by now.
        """
        found = await self._propfind(path, props, "1", directory=True)
        own = min((each.path for each in found), key=len, default=())
        if any(each.path[: len(own)] != own for each in found):
            raise Unavailable("the server sent the list of something else")
        if not any(each.path == own and each.is_directory for each in found):
            raise NotFound("the directory is gone")
        _demand_same(path, own)
        inside = [each for each in found if len(each.path) == len(own) + 1 and _is_there(each)]
        return [await self._measured((*path, each.path[-1]), each) if each.is_visible else each for each in inside]

    async def sync(self, token: str, props: Sequence[str]) -> wire.SyncPage | None:
        """What changed below the root since the token, paths from the root; None if the server forgot the token.

        Raises ``Unsupported`` if it does not tell of everything.
        """
        headers = {**_XML, "Depth": "0"}
        body = wire.sync_collection(token, props)
        answer = await self.send("REPORT", (), directory=True, headers=headers, content=body)
        if answer.status != 207:
            if 400 <= answer.status < 500 and wire.refuses_token(answer.body):
                return None
            raise failure_for(answer)
        page = await _read(answer, partial(wire.sync_page, self._address.base))
        if not page.whole:
            raise Unsupported("the server does not tell what changes in some directories")
        return replace(page, entries=[await self._from_root(each) for each in page.entries])

    async def _from_root(self, entry: Entry) -> Entry:
        base = self._address.base
        if entry.path[: len(base)] != base:
            raise Unsupported("the server tells of changes elsewhere")
        path = entry.path[len(base) :]
        there = _is_there(entry) and entry.is_visible
        return replace(await self._measured(path, entry) if there else entry, path=path)

    async def _propfind(self, path: Path, props: Sequence[str], depth: str, *, directory: bool) -> list[Entry]:
        headers = {**_XML, "Depth": depth}
        answer = await self.send("PROPFIND", path, directory=directory, headers=headers, content=wire.propfind(props))
        if answer.status == 207:
            return await _read(answer, wire.entries)
        if answer.status in _MOVED and not directory:
            return await self._propfind(path, props, depth, directory=True)
        if answer.status in {404, 410}:
            await self._confirm_root(path)
        raise failure_for(answer)

    async def _confirm_root(self, path: Path) -> None:
        """A share that is not mounted on its server answers 404 to everything: that says nothing of our files."""
        if not path:
            raise Unavailable("the address in the settings does not exist on the server", hint="check the url")
        await self._propfind((), wire.BASIC[:1], "0", directory=True)

    async def put(self, path: Path, source: Source, headers: Mapping[str, str]) -> Response:
        """Store a file; the answer is a success."""
        href = self._address.href(path, directory=False)
        answer = await self._client.send_stream("PUT", href, source.size, lambda: _Pieces(source), headers=headers)
        return _success(answer)

    async def put_whole(self, path: Path, content: bytes, headers: Mapping[str, str]) -> Response:
        """Store a small file, whose bytes are in memory; the answer is a success."""
        sent = {"Content-Type": OCTETS, **headers}
        return _success(await self.send("PUT", path, headers=sent, content=content))

    async def get(self, path: Path, arrival: Arrival, total: int, judge: Judge) -> None:
        """Bytes of a file of ``total`` bytes; ``judge`` sees the headers first. Raises ``Outdated``."""
        href = self._address.href(path, directory=False)
        answer = await self._client.get_range(href, arrival.missing, total, arrival, judge)
        if answer.status == 416:
            raise Outdated("the file is shorter now")
        _success(answer)

    async def make_collection(self, path: Path, headers: Mapping[str, str] | None = None) -> None:
        """Make a collection; what refuses a name that is taken says 405 (RFC 4918, 9.3.1)."""
        _success(await self.send("MKCOL", path, directory=True, headers=headers))

    async def move(self, old: Path, new: Path, *, directory: bool, overwrite: bool) -> None:
        """Give a resource another address; raises ``Conflict`` if that is taken and ``overwrite`` is false."""
        destination = self._address.url(new, directory=directory)
        headers = {"Destination": destination, "Overwrite": "T" if overwrite else "F"}
        _success(await self.send("MOVE", old, directory=directory, headers=headers))

    async def assemble(self, path: Path, headers: Mapping[str, str]) -> Response:
        """A MOVE to the Destination in the headers; the answer is a success."""
        return _success(await self.send("MOVE", path, headers=headers))

    def url(self, path: Path) -> str:
        """The whole address of a file."""
        return self._address.url(path, directory=False)

    async def delete(self, path: Path, *, directory: bool, condition: str = "") -> None:
        """Remove a resource, a collection with everything in it: look first."""
        headers = {"If-Match": condition} if condition else {}
        _success(await self.send("DELETE", path, directory=directory, headers=headers))

    async def set_property(self, path: Path, name: str, value: str, *, directory: bool, condition: str = "") -> bool:
        """Store a property; False if the server would not."""
        body = wire.proppatch(name, value)
        headers = _XML | ({"If-Match": condition} if condition else {})
        answer = await self.send("PROPPATCH", path, directory=directory, headers=headers, content=body)
        if answer.status in {401, 404, 412, 423} or answer.status >= 500:
            raise failure_for(answer)
        if answer.status == 207:
            return not wire.refused_properties(answer.body)
        return answer.ok  # lighttpd says 204, where the standard wants a multi-status


async def _read(answer: Response, parse: Callable[[bytes, int], _Read]) -> _Read:
    now = wire.seconds(answer.headers.get("date", ""))
    if len(answer.body) < _LONG_LIST:
        return parse(answer.body, now)
    return await trio.to_thread.run_sync(parse, answer.body, now)


class _Pieces:
    """The body of an upload; no generator, see ``net/bodies.py``."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._offset = 0

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        wanted = min(_PIECE, self._source.size - self._offset)
        if not wanted:
            raise StopAsyncIteration
        piece = await self._source.pread(wanted, self._offset)
        self._offset += len(piece)
        if not piece:
            raise StopAsyncIteration
        return piece


def _success(answer: Response) -> Response:
    """A 207 names what was not done (RFC 4918, 9.6.1 and 9.9.4)."""
    if answer.status == 207:
        refused = [each for each in wire.entries(answer.body) if each.status >= 300]
        if refused:
            raise failure_for(Response(refused[0].status, answer.headers, b""))
    if answer.ok:
        return answer
    raise failure_for(answer)


def _is_there(entry: Entry) -> bool:
    """What was removed while the list was made is left out; trouble of the server with one name is trouble."""
    if entry.status >= 500:
        raise Unavailable(f"the server cannot tell of everything in this directory [{entry.status}]")
    return entry.status not in {404, 410}


def _demand_same(path: Path, answered: Path) -> None:
    """Some servers take a name that is no UTF-8 for another one (SabreDAV for Latin-1): that is another file."""
    if not is_text(path) and answered[-len(path) :] != path:
        raise Refused("the server takes a name that is not UTF-8 for another one", hint="rename it on the server")


def is_about_the_parent(failure: Failure) -> bool:
    """True for how servers refuse to write into a directory that is gone: 404, 409, 403 or 500 (client rule 11)."""
    return isinstance(failure, NotFound | Forbidden | IsADirectory) or type(failure) is Unavailable
