"""Downloads past the event loop: threads receive the bodies, straight into the memory where they are wanted.

A transport of the HTTP library, so who we are, redirects and time-outs stay the library's. What is left out is what
costs: each piece of a body went through four layers and three copies in the thread that answers everybody.

For requests without a body, and not for proxies.
"""

import math
import socket
import ssl
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import h11
import httpx
import trio

from mountcloud.model.arrival import Arrival
from mountcloud.net.connection import Connection

BODY = "body"
"""The extension of a response that holds its ``DirectBody``."""

_IDLE_S = 5.0
"""Seconds for which an unused connection is kept, as long as the library keeps its own."""

_Origin = tuple[str, str, int]


class Direct(httpx.AsyncBaseTransport):
    """``keep_alive`` connections to each host wait for another request; ``threads`` bounds how many are at work."""

    def __init__(self, tls: ssl.SSLContext, threads: trio.CapacityLimiter, *, keep_alive: int) -> None:
        self._tls = tls
        self._threads = threads
        self._keep_alive = keep_alive
        self._idle: defaultdict[_Origin, list[Connection]] = defaultdict(list)
        self._is_closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send it, and read the head of the answer. Raises the library's exceptions."""
        timeouts, origin = request.extensions["timeout"], _origin(request.url)
        connection = self._kept(origin) or await self._connected(origin, timeouts["connect"])
        try:
            with _as_the_library(httpx.ReadTimeout, httpx.ReadError):
                head = await connection.work(lambda: connection.ask(request, timeouts["read"]))
        except BaseException:
            connection.close()
            raise
        body = DirectBody(connection, head, lambda: self._keep(origin, connection))
        extensions = {"http_version": b"HTTP/1.1", BODY: body}
        return httpx.Response(head.status_code, headers=list(head.headers), stream=body, extensions=extensions)

    def _kept(self, origin: _Origin) -> Connection | None:
        self._end_old()
        idle = self._idle[origin]
        while idle:
            connection = idle.pop()
            if connection.is_quiet:
                return connection
            connection.close()
        return None

    def _end_old(self) -> None:
        oldest = trio.current_time() - _IDLE_S
        for origin, idle in self._idle.items():
            for connection in idle:
                if connection.idle_since <= oldest:
                    connection.close()
            self._idle[origin] = [connection for connection in idle if connection.idle_since > oldest]

    def _keep(self, origin: _Origin, connection: Connection) -> None:
        idle = self._idle[origin]
        if self._is_closed or len(idle) >= self._keep_alive:
            connection.close()
            return
        connection.idle_since = trio.current_time()
        idle.append(connection)

    async def _connected(self, origin: _Origin, limit_s: float | None) -> Connection:
        scheme, host, port = origin
        with _as_the_library(httpx.ConnectTimeout, httpx.ConnectError):
            sock = await _dial(host, port, limit_s)
            connection = Connection(sock, self._threads)
            if scheme == "https":
                try:
                    connection.secure(self._tls, host)
                    await connection.work(lambda: connection.shake_hands(limit_s))
                except BaseException:
                    connection.close()
                    raise
        return connection

    async def aclose(self) -> None:
        """End the connections, those in use after their answers; idempotent."""
        self._is_closed = True
        for connection in [each for idle in self._idle.values() for each in idle]:
            connection.close()
        self._idle.clear()


class DirectBody(httpx.AsyncByteStream):
    """The body of one answer: read in pieces by the library, or received whole by ``receive``."""

    def __init__(self, connection: Connection, head: h11.Response, keep: Callable[[], None]) -> None:
        self.size = _size(head)
        self._connection = connection
        self._keep = keep
        self._is_whole = False
        self._is_closed = False

    async def receive(self, arrival: Arrival) -> None:
        """All that is missing, which is as long as ``size`` says, goes to its place and is told as it comes.

        What came before a failure is right. Raises what the arrival raises.
        """
        view = arrival.room()
        assert len(view) == self.size, "what is left over would be taken for the next answer"
        landing = _Landing(arrival, view, self._connection.hang_up)
        came = landing.by_thread(trio.lowlevel.current_trio_token())
        try:
            with _as_the_library(httpx.ReadTimeout, httpx.ReadError):
                await self._connection.work(lambda: self._connection.fill(view, came))
        except httpx.HTTPError:
            landing.end()
            raise
        else:
            landing.end()
        finally:
            landing.is_over = True
        self._is_whole = True

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        with _as_the_library(httpx.ReadTimeout, httpx.ReadError):
            piece = await self._connection.work(self._connection.next_piece)
        if not piece:
            self._is_whole = True
            raise StopAsyncIteration
        return piece

    async def aclose(self) -> None:
        """Keep the connection if it can be used again; idempotent."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._is_whole and self._connection.goes_on:
            self._keep()
        else:
            self._connection.close()


@dataclass(slots=True)
class _Landing:
    """Bytes that a thread puts into the view, told to whoever waits for them in the thread of the loop."""

    arrival: Arrival
    view: memoryview
    hang_up: Callable[[], None]
    came: int = 0
    told: int = 0
    is_over: bool = False
    failure: Exception | None = None

    def by_thread(self, token: trio.lowlevel.TrioToken) -> Callable[[int], None]:
        """What the thread calls. Nobody waits: what comes while the loop is busy is told together."""

        def came(position: int) -> None:
            self.arrival.settle(position - self.came)
            self.came = position
            token.run_sync_soon(self._tell, idempotent=True)

        return came

    def _tell(self) -> None:
        """An exception here would end the loop, so it ends the download instead."""
        start, end = self.told, self.came
        if self.is_over or start == end:
            return
        self.told = end
        try:
            self.arrival.take(self.view[start:end])
        except Exception as failure:  # noqa: BLE001 -- raised again by ``end``
            self.failure, self.is_over = failure, True
            self.hang_up()

    def end(self) -> None:
        """Tell the rest. Raises what was raised by whoever was told."""
        self._tell()
        self.is_over = True
        if self.failure is not None:
            raise self.failure


def _size(head: h11.Response) -> int | None:
    """The length of the body, if it is sent plainly and in one piece."""
    named = dict(head.headers)
    length = named.get(b"content-length", b"")
    return int(length) if length.isdigit() and b"transfer-encoding" not in named else None


def _origin(url: httpx.URL) -> _Origin:
    return url.scheme, url.raw_host.decode("ascii"), url.port or (443 if url.scheme == "https" else 80)


async def _dial(host: str, port: int, limit_s: float | None) -> socket.socket:
    with trio.move_on_after(math.inf if limit_s is None else limit_s):
        stream = await trio.open_tcp_stream(host, port)
        return socket.socket(fileno=stream.socket.detach())
    raise TimeoutError("no connection in time")


@contextmanager
def _as_the_library(late: type[httpx.TimeoutException], broken: type[httpx.NetworkError]) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise late(str(error)) from error
    except OSError as error:
        raise broken(str(error)) from error
    except h11.RemoteProtocolError as error:
        raise httpx.RemoteProtocolError(str(error)) from error
    except h11.LocalProtocolError as error:
        raise httpx.LocalProtocolError(str(error)) from error
