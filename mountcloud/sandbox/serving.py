"""One process, two listeners, a line when it is ready, a clean end on SIGINT and SIGTERM."""

import asyncio
import socket
import struct
from collections.abc import Callable
from types import FrameType

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

_RESET = struct.pack("ii", 1, 0)


class Connections:
    """The open connections, so that one can be broken off in the middle of a request."""

    def __init__(self) -> None:
        self._open: dict[tuple[object, object], asyncio.Transport] = {}

    def protocol(self) -> type[asyncio.Protocol]:
        """The HTTP protocol that keeps this account."""
        opened = self._open

        class Accounted(H11Protocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
                super().connection_made(transport)
                opened[_key(transport)] = transport

            def connection_lost(self, exc: Exception | None) -> None:
                opened.pop(_key(self.transport), None)
                super().connection_lost(exc)

        return Accounted

    def websocket_protocol(self) -> type[asyncio.Protocol]:
        """The protocol to which a connection may go over; its end is no business of the first one any more."""
        from uvicorn.protocols.websockets.wsproto_impl import WSProtocol

        opened = self._open

        class AccountedWebSocket(WSProtocol):
            def connection_lost(self, exc: Exception | None) -> None:
                opened.pop(_key(self.transport), None)
                super().connection_lost(exc)

        return AccountedWebSocket

    def close(self, scope: Scope) -> None:
        """End the connection of this request after what was sent so far."""
        transport = self._transport(scope)
        if transport is not None:
            transport.close()

    def abort(self, scope: Scope) -> None:
        """Reset the connection of this request."""
        transport = self._transport(scope)
        if transport is None:
            return
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        transport.abort()

    def _transport(self, scope: Scope) -> asyncio.Transport | None:
        return self._open.get((tuple(scope["client"]), scope["server"][1]))


def _key(transport: asyncio.Transport) -> tuple[object, object]:
    return tuple(transport.get_extra_info("peername")[:2]), transport.get_extra_info("sockname")[1]


class ByPort:
    """Two applications behind one server: the second answers on its own port."""

    def __init__(self, first: ASGIApp, second: ASGIApp, second_port: int) -> None:
        self._first, self._second, self._second_port = first, second, second_port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        on_second = scope["type"] in {"http", "websocket"} and scope["server"][1] == self._second_port
        await (self._second if on_second else self._first)(scope, receive, send)


def listen(host: str, port: int) -> socket.socket:
    """A bound socket; port 0 takes a free one."""
    listener = socket.create_server((host, port), backlog=256, reuse_port=False)
    # Inherited by its connections; asyncio does it only for sockets that name their protocol, and answers took 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def is_loopback(host: str) -> bool:
    """True if nobody else can reach this address."""
    return host in {"localhost", "::1"} or host.startswith("127.")


def serve(
    app: ASGIApp,
    connections: Connections,
    sockets: list[socket.socket],
    on_ready: Callable[[], None],
    *,
    websockets: bool = False,
) -> None:
    """Serve until a signal comes. Open requests get a second to end."""
    config = uvicorn.Config(
        app,
        http=connections.protocol(),
        ws=connections.websocket_protocol() if websockets else "none",
        ws_ping_interval=None,  # silence is to look like silence
        ws_per_message_deflate=False,
        lifespan="off",
        loop="asyncio",
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )
    asyncio.run(_Server(config, on_ready).serve(sockets))


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # Not passed on to uvicorn, which would raise the signal again once all is closed: a stop is no failure.
        self.should_exit = True
