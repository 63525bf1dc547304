"""A whole account over TLS: with an authority of its own in the settings, and not at all without it."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trio

from mountcloud.daemon.secrets import MemorySecrets
from mountcloud.model.errors import Unavailable
from mountcloud.model.span import StoredSpan
from mountcloud.providers.memory_places import MemoryPlaces
from mountcloud.providers.webdav.nextcloud import NextcloudProvider
from mountcloud.providers.webdav.settings import WebdavSettings
from tests.nextcloud.dav import Dav
from tests.nextcloud.provider import put
from tests.nextcloud.server import NextcloudServer
from tests.real_server import on_real_trio
from tests.unit.net.test_direct import make_certificate


@asynccontextmanager
async def before(server: NextcloudServer, certificate: Path) -> AsyncIterator[str]:
    """What a reverse proxy does: TLS outside, none inside; its address."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    port = urlsplit(server.base_url).port or 0

    async def pump(source: trio.abc.ReceiveStream, target: trio.abc.SendStream, scope: trio.CancelScope) -> None:
        try:
            while data := await source.receive_some(65_536):
                await target.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        scope.cancel()

    async def talk(outside: trio.SSLStream[trio.SocketStream]) -> None:
        async with await trio.open_tcp_stream("127.0.0.1", port) as inside, trio.open_nursery() as nursery:
            nursery.start_soon(pump, outside, inside, nursery.cancel_scope)
            nursery.start_soon(pump, inside, outside, nursery.cancel_scope)

    async with trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, talk, [trio.SSLListener(listener, context)])
        yield f"https://127.0.0.1:{listener.socket.getsockname()[1]}"
        nursery.cancel_scope.cancel()


@on_real_trio
async def test_an_authority_of_ones_own_is_trusted_if_the_settings_say_so(
    nextcloud: NextcloudServer, dav: Dav, tmp_path: Path
) -> None:
    nextcloud.control.set(chunk_minimum=1)
    certificate, data = make_certificate(tmp_path), b"0123456789" * 60_000
    async with before(nextcloud, certificate) as url:
        trusting = WebdavSettings(url, dav.login, ca_file=str(certificate))
        for settings in (trusting, replace(trusting, ca_file="")):
            nextcloud.control.forget_requests()
            secrets = MemorySecrets({"password": dav.password})
            provider = NextcloudProvider(settings, secrets, MemoryPlaces(), chunk=1 << 18)
            try:
                if settings is trusting:
                    node = await put(provider, "f", data)
                    content = await provider.open(node)
                    assert await content.fetch(StoredSpan(0, len(data))) == data
                    moved = await provider.move(node.ref, (await provider.root()).id, "g", None)
                    assert moved.id == node.id
                    assert nextcloud.control.requests().count("MOVE", "/uploads/") == 1
                else:
                    with pytest.raises(Unavailable, match="certificate"):
                        await provider.root()
                    assert nextcloud.control.requests().count() == 0
            finally:
                await provider.aclose()
    assert dav.get("g") == data
