"""One exchange over a WebSocket (RFC 6455): one text goes out, messages come in until the other side has said all.

The protocol itself is the library's, without its own network code; foreign exceptions end here.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

import trio
from websockets.client import ClientProtocol
from websockets.exceptions import InvalidURI, WebSocketException
from websockets.frames import Frame, Opcode
from websockets.uri import WebSocketURI, parse_uri

from mountcloud.model.errors import Unavailable
from mountcloud.net.failures import BrokenOff, Silence
from mountcloud.net.http import tls_context
from mountcloud.net.tunnel import proxy_for, tunnel

_READ_SIZE = 256 * 1024
_MOST_BYTES = 16 << 20
"""The largest message that is taken, so that no other side can fill the memory."""

_log = logging.getLogger("websockets.mountcloud")
_log.setLevel(logging.WARNING)
_log.propagate = False
# The library logs whole messages at DEBUG, tokens included.


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for a connection, and for the next byte, in seconds."""

    connect_s: float = 15.0
    stall_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Message:
    """Something that came; ``is_text`` tells which of the two kinds it is."""

    data: bytes
    is_text: bool


Take = Callable[[Message], None]


@dataclass(frozen=True, slots=True)
class Way:
    """How to get there: certificates to trust besides the system's, and a proxy (none: the environment decides)."""

    ca_file: str = ""
    proxy: str = ""


DIRECT = Way()


async def exchange(address: str, text: str, take: Take, patience: Patience, way: Way = DIRECT) -> None:
    """Send the text and hand on what comes, whole messages, until the other side closes or hangs up.

    What ``take`` raises ends the exchange. Raises ``Silence`` when nothing comes for too long, ``BrokenOff`` without a
    connection or when the other side does not speak the protocol, ``Unavailable`` for an address that is none.
    """
    host = _checked(address).hostname or ""
    with _our_failures(host):
        where = parse_uri(address)
        stream = await _connected(where, patience, way)
        try:
            protocol = ClientProtocol(where, max_size=_MOST_BYTES, logger=_log)
            await _Exchange(stream, protocol, text, take, patience).run()
        finally:
            await trio.aclose_forcefully(stream)


def _checked(address: str) -> SplitResult:
    try:
        parts = urlsplit(address)
        usable = parts.scheme in {"ws", "wss"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise Unavailable("the service named a channel that is none")
    return parts


async def _connected(where: WebSocketURI, patience: Patience, way: Way) -> trio.abc.Stream:
    with trio.fail_after(patience.connect_s):
        proxy = proxy_for(where, way.proxy)
        if proxy is None:
            tcp: trio.abc.Stream = await trio.open_tcp_stream(where.host, where.port)
        else:
            tcp = await tunnel(proxy, where.host, where.port, way.ca_file)
        if not where.secure:
            return tcp
        stream = trio.SSLStream(tcp, tls_context(way.ca_file), server_hostname=where.host, https_compatible=True)
        try:
            await stream.do_handshake()
        except BaseException:
            await trio.aclose_forcefully(tcp)
            raise
        return stream


class _Exchange:
    """One connection from its handshake to its end."""

    def __init__(
        self, stream: trio.abc.Stream, protocol: ClientProtocol, text: str, take: Take, patience: Patience
    ) -> None:
        self._stream = stream
        self._protocol = protocol
        self._text = text
        self._take = take
        self._patience = patience
        self._pieces: list[bytes] = []
        self._is_text = False

    async def run(self) -> None:
        """Raises what the handshake, the network and the taker raise."""
        self._protocol.send_request(self._protocol.connect())
        await self._flush()
        while True:
            with trio.fail_after(self._patience.stall_s):
                received = await self._stream.receive_some(_READ_SIZE)
            if not received:
                self._protocol.receive_eof()
                self._events()
                return
            self._protocol.receive_data(received)
            self._events()
            await self._flush()
            if self._protocol.close_expected():
                return

    def _events(self) -> None:
        for event in self._protocol.events_received():
            if isinstance(event, Frame):
                self._frame(event)
            elif self._protocol.handshake_exc is None:
                self._protocol.send_text(self._text.encode())
        if self._protocol.handshake_exc is not None:
            raise self._protocol.handshake_exc
        if isinstance(self._protocol.parser_exc, WebSocketException):
            raise self._protocol.parser_exc

    def _frame(self, frame: Frame) -> None:
        if frame.opcode in {Opcode.TEXT, Opcode.BINARY}:
            self._is_text, self._pieces = frame.opcode is Opcode.TEXT, []
        elif frame.opcode is not Opcode.CONT:
            return
        self._pieces.append(bytes(frame.data))
        if frame.fin:
            self._take(Message(b"".join(self._pieces), self._is_text))

    async def _flush(self) -> None:
        """An empty piece asks for the writing half to be closed, which is not needed: all of it is closed soon."""
        pieces = b"".join(self._protocol.data_to_send())
        if pieces:
            with trio.fail_after(self._patience.stall_s):
                await self._stream.send_all(pieces)


@contextmanager
def _our_failures(host: str) -> Iterator[None]:
    """Texts of the library may quote what was sent, so only its types are told."""
    try:
        yield
    except trio.TooSlowError as late:
        raise Silence(f"{host} did not send its bytes in time") from late
    except OSError as broken:
        raise BrokenOff(f"{host} cannot be reached: {broken.strerror or type(broken).__name__}") from broken
    except (trio.BrokenResourceError, trio.ClosedResourceError) as broken:
        raise BrokenOff(f"{host} ended the connection") from broken
    except InvalidURI:
        raise Unavailable("the service named a channel that is none") from None
    except WebSocketException as other:
        raise BrokenOff(f"{host} did not send its bytes: {type(other).__name__}") from None
