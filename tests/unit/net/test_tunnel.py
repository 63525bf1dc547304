"""WebSockets through a scripted proxy, which ends them itself."""

import pytest
import trio
from websockets.uri import parse_uri
from wsproto.events import BytesMessage, CloseConnection

from mountcloud.model.errors import Unavailable
from mountcloud.net.failures import BrokenOff
from mountcloud.net.tunnel import proxy_for
from mountcloud.net.websocket import Message, Way, exchange
from tests.unit.net.test_websocket import LONG, opened, other_side

FAR = "ws://farmer.example:4000/"


async def asked(stream: trio.SocketStream) -> bytes:
    """The head of the request to the proxy."""
    head = b""
    while b"\r\n\r\n" not in head:
        head += bytes(await stream.receive_some())
    return head


def through(answer: bytes, heads: list[bytes], address: str = FAR) -> list[Message]:
    """What comes from there if the proxy says so."""
    got: list[Message] = []
    failures: list[Unavailable] = []

    async def script(stream: trio.SocketStream) -> None:
        heads.append(await asked(stream))
        await stream.send_all(answer)
        if b" 200 " in answer:
            ws = await opened(stream, [])
            await stream.send_all(ws.send(BytesMessage(b"all")) + ws.send(CloseConnection(1000)))

    async def main() -> None:
        async with other_side(script) as here:
            try:
                proxy = here.replace("ws://", "http://me:p%40ss@")
                await exchange(address, "give", got.append, LONG, Way(proxy=proxy))
            except Unavailable as failure:
                failures.append(failure)

    trio.run(main)
    if failures:
        raise failures[0]
    return got


def test_the_proxy_is_asked_for_the_way_and_nothing_else() -> None:
    heads: list[bytes] = []
    assert through(b"HTTP/1.1 200 Connection established\r\n\r\n", heads) == [Message(b"all", False)]
    lines = heads[0].split(b"\r\n")
    assert lines[0] == b"CONNECT farmer.example:4000 HTTP/1.1"
    assert b"proxy-authorization: basic bwu6cebzcw==" in heads[0].lower()


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n", "does not let us through to farmer.example:4000: 403"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "does not speak HTTP"),
        (b"", "does not speak HTTP"),
    ],
)
def test_a_proxy_that_does_not_let_us_through(answer: bytes, told: str) -> None:
    with pytest.raises(BrokenOff, match=told):
        through(answer, [])


def test_who_needs_which_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "http_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    far, near = parse_uri(FAR), parse_uri("ws://127.0.0.1:4000/")
    assert proxy_for(far, "") is None
    wanted = proxy_for(far, "http://proxy.example:3128")
    assert wanted is not None
    assert (wanted.host, wanted.port) == ("proxy.example", 3128)
    assert proxy_for(near, "http://proxy.example:3128") is None
    monkeypatch.setenv("HTTPS_PROXY", "http://other.example:1")
    found = proxy_for(far, "")
    assert found is not None
    assert found.host == "other.example"
    with pytest.raises(Unavailable, match="socks5 does not carry"):
        proxy_for(far, "socks5://proxy.example")
