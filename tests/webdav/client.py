"""One of our clients on a real server, and an outsider: another program that knows nothing of ours."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
import trio

from mountcloud.daemon.secrets import MemorySecrets
from mountcloud.model.ids import NodeId
from mountcloud.model.node import Node
from mountcloud.model.places import Places
from mountcloud.model.provider import UploadTarget
from mountcloud.providers.book import ROOT
from mountcloud.providers.memory_places import MemoryPlaces
from mountcloud.providers.webdav.provider import WebdavProvider
from mountcloud.providers.webdav.settings import settings_from
from mountcloud.sandbox.webdav.configuration import Site
from tests.conformance.content import MTIME_NS, BytesSource, read
from tests.webdav.servers import shared_servers

SECONDS = 120


class Outsider:
    """Another program, by plain HTTP. Names are from the collection in which our client's tree begins."""

    def __init__(self, url: str, auth: tuple[str, str] | None = None) -> None:
        self._url = url
        self._http = httpx.Client(auth=auth, trust_env=False, timeout=30)

    def _at(self, name: str) -> str:
        return f"{self._url}/{quote(name)}"

    def put(self, name: str, data: bytes) -> None:
        assert self._http.put(self._at(name), content=data).is_success

    def get(self, name: str) -> bytes | None:
        answer = self._http.get(self._at(name))
        return answer.content if answer.status_code == 200 else None

    def make_directory(self, name: str) -> None:
        assert self._http.request("MKCOL", f"{self._at(name)}/").is_success

    def remove(self, name: str) -> None:
        assert self._http.delete(self._at(name)).is_success

    def move(self, old: str, new: str) -> None:
        headers = {"Destination": self._at(new), "Overwrite": "F"}
        assert self._http.request("MOVE", self._at(old), headers=headers).is_success

    def close(self) -> None:
        self._http.close()


@dataclass
class Bench:
    """A collection on a server, with our client and the outsider; ``data`` is where it lies on this disk."""

    kind: str
    url: str
    data: Path
    places: MemoryPlaces
    client: WebdavProvider
    outsider: Outsider

    async def put(self, name: str, data: bytes, replaces: Node | None = None, parent: NodeId = ROOT) -> Node:
        target = UploadTarget(parent, name, None if replaces is None else replaces.ref, len(data), MTIME_NS)
        return await self.client.upload(target, BytesSource(data))

    async def named(self, name: str, parent: NodeId = ROOT) -> Node:
        [found] = [node for node in await self.client.children(parent) if node.name == name]
        return found

    async def names(self, parent: NodeId = ROOT) -> set[str]:
        return {node.name for node in await self.client.children(parent)}

    async def read(self, node: Node) -> bytes:
        return await read(self.client, node)

    @property
    def files(self) -> set[str]:
        """What lies in the server's own directory."""
        return {each.name for each in self.data.iterdir() if each.name != ".DAV"}


def new_client(url: str, places: Places, user: str = "", password: str = "", **options: object) -> WebdavProvider:
    settings = settings_from({"url": url, "username": user, **options})
    return WebdavProvider(settings, MemorySecrets({"password": password} if password else {}), places)


@asynccontextmanager
async def bench(kind: str, site: Site, places: MemoryPlaces) -> AsyncIterator[Bench]:
    name = f"bench-{next(shared_servers.numbers)}"
    outsider = Outsider(f"{site.url}/{name}")
    outsider.make_directory("")
    client = new_client(f"{site.url}/{name}", places)
    try:
        yield Bench(kind, f"{site.url}/{name}", site.data / name, places, client, outsider)
    finally:
        outsider.close()
        with trio.CancelScope(shield=True):
            await client.aclose()


def on(*servers: str) -> Callable[[Callable[[Bench], Awaitable[None]]], Callable[[str], None]]:
    """Make a pytest test of an async function: once for each server, in a collection of its own."""

    def decorate(test: Callable[[Bench], Awaitable[None]]) -> Callable[[str], None]:
        def run(server: str) -> None:
            async def main() -> None:
                with trio.fail_after(SECONDS):
                    site, book = shared_servers.site(server), await shared_servers.book(server)
                    async with bench(server, site, book) as ready:
                        await test(ready)

            trio.run(main)

        run.__name__ = run.__qualname__ = getattr(test, "__name__", "")
        run.__module__, run.__doc__ = test.__module__, test.__doc__
        decorated: Callable[[str], None] = pytest.mark.parametrize("server", servers)(run)
        return decorated

    return decorate
