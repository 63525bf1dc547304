"""A scripted HTTP/1.1 server on the loopback, for what real servers rarely do."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import count

import trio


@dataclass(frozen=True)
class Seen:
    """One request as it came; ``connection`` counts from 1, ``at`` is the clock's time."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int = 0
    at: float = 0.0


@dataclass(frozen=True)
class Reply:
    """An empty header is left out. ``stop_after`` body bytes the connection is dropped; ``silent`` drops it at once.

    ``stall_after`` body bytes nothing comes any more, but the connection stays.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    stop_after: int | None = None
    stall_after: int | None = None
    silent: bool = False


Handler = Callable[[Seen], Awaitable[Reply]]


@dataclass
class Server:
    """Where it listens and what it saw."""

    url: str
    seen: list[Seen]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[Server]:
    """A server for the length of the block."""
    seen: list[Seen] = []
    connections = count(1)

    async def talk(stream: trio.SocketStream) -> None:
        connection = next(connections)
        try:
            while (request := await _receive(stream)) is not None:
                request = replace(request, connection=connection, at=trio.current_time())
                seen.append(request)
                if not await _answer(stream, request.method, await handler(request)):
                    return
        except trio.BrokenResourceError:
            return

    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, talk, listeners)
        yield Server(f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}", seen)
        nursery.cancel_scope.cancel()


async def _receive(stream: trio.SocketStream) -> Seen | None:
    data = b""
    while b"\r\n\r\n" not in data:
        more = await stream.receive_some()
        if not more:
            return None
        data += more
    head, body = data.split(b"\r\n\r\n", 1)
    lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:])}
    assert "transfer-encoding" not in headers, "storages refuse chunked bodies"
    while len(body) < int(headers.get("content-length", "0")):
        more = await stream.receive_some()
        if not more:
            return None
        body += more
    method, target, _ = lines[0].split(" ")
    return Seen(method, target, headers, body)


async def _answer(stream: trio.SocketStream, method: str, reply: Reply) -> bool:
    """False if the connection is to end."""
    if reply.silent:
        return False
    headers = {"content-length": str(len(reply.body)), **reply.headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items() if value)
    await stream.send_all(f"HTTP/1.1 {reply.status} Text\r\n{head}\r\n".encode())
    if method != "HEAD":
        await stream.send_all(reply.body[: reply.stop_after][: reply.stall_after])
    if reply.stall_after is not None:
        await trio.sleep_forever()
    return reply.stop_after is None
