"""Answers that are about something else than what was asked for."""

from collections.abc import Mapping

import pytest

from mountcloud.model.errors import Refused
from mountcloud.net.http import Client, ClientSettings, Response
from mountcloud.providers.webdav import wire
from mountcloud.providers.webdav.address import address_of
from mountcloud.providers.webdav.dav import Dav
from tests.unit.engine.harness import on_trio

ODD = "caf\udce9"


def listed(*entries: tuple[str, int]) -> bytes:
    responses = "".join(
        f"<D:response><D:href>{href}</D:href>"
        + (f"<D:status>HTTP/1.1 {status} x</D:status>" if status != 200 else _collection(href))
        + "</D:response>"
        for href, status in entries
    )
    return f'<D:multistatus xmlns:D="DAV:">{responses}</D:multistatus>'.encode()


def _collection(href: str) -> str:
    kind = "<D:collection/>" if href.endswith("/") else ""
    prop = f"<D:resourcetype>{kind}</D:resourcetype><D:getcontentlength>1</D:getcontentlength>"
    return f"<D:propstat><D:prop>{prop}</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>"


class Says(Client):
    """A server that gives one answer to everything."""

    def __init__(self, body: bytes) -> None:
        super().__init__(ClientSettings("http://127.0.0.1:9"))
        self._body = body

    async def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str | int] | None = None,
        json: object = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        authorization: str | None = None,
    ) -> Response:
        return Response(207, {}, self._body)


def dav(*entries: tuple[str, int]) -> Dav:
    return Dav(Says(listed(*entries)), address_of("http://127.0.0.1:9"))


@on_trio
async def test_a_server_that_takes_bytes_for_latin_1_is_not_believed() -> None:
    """As SabreDAV does: what it shows is another file, and would be removed in the place of this one."""
    with pytest.raises(Refused):
        await dav(("/caf%C3%A9", 200)).look((ODD,), wire.BASIC)
    with pytest.raises(Refused):
        await dav(("/caf%C3%A9/", 200), ("/caf%C3%A9/inner", 200)).children((ODD,), wire.BASIC)
    assert (await dav(("/caf%e9", 200)).look((ODD,), wire.BASIC)).path == (ODD,)


@on_trio
async def test_what_we_may_not_see_is_there_all_the_same() -> None:
    found = await dav(("/d/", 200), ("/d/secret", 403), ("/d/gone", 404)).children(("d",), wire.BASIC)
    assert [(each.path[-1], each.is_visible) for each in found] == [("secret", False)]
