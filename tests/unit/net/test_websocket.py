"""One exchange over a WebSocket with a scripted other side, which speaks by another library."""

import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Ping, Request, TextMessage

from mountcloud.model.errors import Unavailable
from mountcloud.net.failures import BrokenOff, Silence
from mountcloud.net.websocket import Message, Patience, Take, Way, exchange
from tests.unit.net.test_direct import make_certificate

Script = Callable[[trio.SocketStream], Awaitable[None]]
LONG = Patience(connect_s=30.0, stall_s=30.0)
SHORT = Patience(connect_s=30.0, stall_s=0.3)
"""Only for who is silent on purpose: on a busy machine somebody who speaks may be silent for as long."""


@asynccontextmanager
async def other_side(script: Script) -> AsyncIterator[str]:
    """The address of a server that plays the script on each connection."""

    async def play(stream: trio.SocketStream) -> None:
        try:
            async with stream:
                await script(stream)
                await stream.send_eof()
                # Who closes with something unread resets the connection.
                while await stream.receive_some():
                    continue
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(trio.serve_tcp, play, 0)
        port = listeners[0].socket.getsockname()[1]
        yield f"ws://127.0.0.1:{port}/"
        nursery.cancel_scope.cancel()


async def opened(stream: trio.abc.Stream, said: list[str]) -> WSConnection:
    """The connection after its handshake and the first text."""
    ws = WSConnection(ConnectionType.SERVER)
    while not said:
        ws.receive_data(bytes(await stream.receive_some()))
        for event in ws.events():
            if isinstance(event, Request):
                await stream.send_all(ws.send(AcceptConnection()))
            elif isinstance(event, TextMessage):
                said.append(event.data)
    return ws


async def talked(script: Script, patience: Patience = LONG, take: Take | None = None) -> list[Message]:
    """What comes; a failure is raised outside of the nursery, which would wrap it."""
    got: list[Message] = []
    failures: list[Unavailable] = []
    async with other_side(script) as address:
        with trio.fail_after(100):
            try:
                await exchange(address, "give", take or got.append, patience)
            except Unavailable as failure:
                failures.append(failure)
    if failures:
        raise failures[0]
    return got


def test_messages_of_every_form_come_whole() -> None:
    said: list[str] = []

    async def script(stream: trio.SocketStream) -> None:
        ws = await opened(stream, said)
        for event in (
            BytesMessage(b"one "),
            Ping(b"?"),
            BytesMessage(b"t", message_finished=False),
            BytesMessage(b"w", message_finished=False),
            BytesMessage(b"o"),
            TextMessage("grüße"),
            BytesMessage(b"x" * 300_000),
            CloseConnection(1000),
        ):
            await stream.send_all(ws.send(event))

    got = trio.run(talked, script)
    assert said == ["give"]
    assert got[:2] == [Message(b"one ", False), Message(b"two", False)]
    assert got[2] == Message("grüße".encode(), True)
    assert [len(each.data) for each in got] == [4, 3, 7, 300_000]


def test_hanging_up_ends_it_too() -> None:
    async def script(stream: trio.SocketStream) -> None:
        ws = await opened(stream, [])
        await stream.send_all(ws.send(BytesMessage(b"all")))

    assert trio.run(talked, script) == [Message(b"all", False)]


def test_codes_that_are_none_break_off_after_what_came() -> None:
    got: list[Message] = []

    async def script(stream: trio.SocketStream) -> None:
        ws = await opened(stream, [])
        await stream.send_all(ws.send(BytesMessage(b"all")) + b"\x88\x02\x01\x91")
        await trio.sleep_forever()

    with pytest.raises(BrokenOff):
        trio.run(talked, script, LONG, got.append)
    assert got == [Message(b"all", False)]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: wrong\r\n\r\n",
        b"220 mail.example.org ESMTP\r\n",
        b"\x00\xff" * 100 + b"\r\n\r\n",
        b"",
    ],
)
def test_who_does_not_speak_the_protocol_is_told_so(answer: bytes) -> None:
    async def script(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        if answer:
            await stream.send_all(answer)

    with pytest.raises(BrokenOff) as failure:
        trio.run(talked, script)
    assert "give" not in str(failure.value)


@pytest.mark.parametrize("after_handshake", [False, True])
def test_silence_has_an_end(after_handshake: bool) -> None:
    async def script(stream: trio.SocketStream) -> None:
        if after_handshake:
            await opened(stream, [])
        await trio.sleep_forever()

    with pytest.raises(Silence):
        trio.run(talked, script, SHORT)


def test_a_message_without_end_is_not_taken() -> None:
    async def script(stream: trio.SocketStream) -> None:
        await opened(stream, [])
        while True:
            await stream.send_all(b"\x02\x7f\x00\x00\x00\x00\x40\x00\x00\x00" + b"x" * 1000)

    with pytest.raises(BrokenOff):
        trio.run(talked, script)


def test_what_the_taker_raises_ends_it() -> None:
    async def script(stream: trio.SocketStream) -> None:
        ws = await opened(stream, [])
        await stream.send_all(ws.send(BytesMessage(b"wrong")))
        await trio.sleep_forever()

    def refuse(message: Message) -> None:
        raise Unavailable(f"{message.data!r} is not wanted")

    with pytest.raises(Unavailable, match="not wanted"):
        trio.run(talked, script, LONG, refuse)


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/", "ws://", "ws://x:99999/", "ws://[::1/", "", "nonsense"])
def test_an_address_that_is_none(address: str) -> None:
    with pytest.raises(Unavailable, match="channel"):
        trio.run(exchange, address, "give", lambda _: None, LONG)


@pytest.mark.parametrize("trusted", [True, False])
def test_a_channel_over_tls_needs_a_certificate_that_is_trusted(tmp_path: Path, trusted: bool) -> None:
    certificate = make_certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    got: list[Message] = []
    failures: list[Unavailable] = []

    async def play(stream: trio.SSLStream[trio.SocketStream]) -> None:
        try:
            ws = await opened(stream, [])
            await stream.send_all(ws.send(BytesMessage(b"all")) + ws.send(CloseConnection(1000)))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
            nursery.start_soon(trio.serve_listeners, play, [trio.SSLListener(listener, context)])
            address = f"wss://127.0.0.1:{listener.socket.getsockname()[1]}/"
            try:
                await exchange(address, "give", got.append, LONG, Way(str(certificate) if trusted else ""))
            except Unavailable as failure:
                failures.append(failure)
            nursery.cancel_scope.cancel()

    trio.run(main)
    assert got == ([Message(b"all", False)] if trusted else [])
    assert len(failures) == (not trusted)


def test_nobody_is_there() -> None:
    with pytest.raises(BrokenOff):
        trio.run(exchange, "ws://127.0.0.1:1/", "give", lambda _: None, LONG)


def test_what_is_said_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def script(stream: trio.SocketStream) -> None:
        ws = await opened(stream, [])
        await stream.send_all(ws.send(CloseConnection(1000)))

    trio.run(talked, script)
    assert "give" not in caplog.text
