"""One connection, on which threads wait instead of the event loop.

A thread that waits for a socket, copies out of the kernel or decrypts TLS does not hold the interpreter, so this is
another processor's work. Methods that say so are for threads; ``work`` is the way there.
"""

import select
import socket
import ssl
import threading
from collections.abc import Callable
from typing import TypeVar

import h11
import httpx
import trio

_T = TypeVar("_T")

_PIECE = 1 << 20
_HEAD = 64 * 1024
"""Bytes that are received at a time at most: of a body whose length is known, and of all else.

After each of them the thread needs the interpreter, for which it has to wait while the loop has it."""

_LARGEST_HEAD = 100 * 1024
"""What the HTTP library allows."""


class Connection:
    """``idle_since`` is the time of the loop at which it was last used."""

    def __init__(self, sock: socket.socket, threads: trio.CapacityLimiter) -> None:
        self.idle_since = 0.0
        self._sock = sock
        self._threads = threads
        self._parser = _parser()
        self._turn = threading.Lock()
        self._hung_up = False

    async def work(self, task: Callable[[], _T]) -> _T:
        """Do it in a thread. Who is cancelled hangs up: the thread wakes up at once, and its end is waited for."""
        token, ended, begun = trio.lowlevel.current_trio_token(), trio.Event(), False

        def run() -> _T:
            nonlocal begun
            with self._turn:
                if self._hung_up:
                    raise ConnectionAbortedError("it was hung up")
                begun = True
            try:
                return task()
            finally:
                token.run_sync_soon(ended.set)

        try:
            return await trio.to_thread.run_sync(run, abandon_on_cancel=True, limiter=self._threads)
        except trio.Cancelled:
            self.hang_up()
            if begun:
                with trio.CancelScope(shield=True):
                    await ended.wait()
            raise

    def hang_up(self) -> None:
        """Nothing more comes or goes; idempotent, from any thread. Whoever waits for bytes sees the end of them."""
        with self._turn:
            self._hung_up = True
        try:
            # The shutdown of a TLS socket would also forget its state, which another thread may be using.
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)
        except OSError:
            return

    def close(self) -> None:
        """Give the socket back; while no thread is at work."""
        self._sock.close()

    @property
    def is_quiet(self) -> bool:
        """False if it was closed by the other side, or something came that nobody asked for."""
        poll = select.poll()
        poll.register(self._sock.fileno(), select.POLLIN)
        return not poll.poll(0)

    def secure(self, tls: ssl.SSLContext, host: str) -> None:
        """From now on it is encrypted; ``shake_hands`` has to follow."""
        self._sock = tls.wrap_socket(self._sock, server_hostname=host, do_handshake_on_connect=False)

    def shake_hands(self, limit_s: float | None) -> None:
        """In a thread: agree on keys, and see whom we talk to. Raises ``OSError``, ``ssl.SSLError`` among them."""
        assert isinstance(self._sock, ssl.SSLSocket)
        self._sock.settimeout(limit_s)
        self._sock.do_handshake()

    def ask(self, request: httpx.Request, patience_s: float | None) -> h11.Response:
        """In a thread: send a request that has no body, and wait for the head of the answer.

        Raises ``OSError`` (``TimeoutError`` after so many seconds without a byte) and h11's protocol errors.
        """
        self._sock.settimeout(patience_s)
        self._parser = _parser()
        head = h11.Request(method=request.method, target=request.url.raw_path, headers=request.headers.raw)
        self._sock.sendall((self._parser.send(head) or b"") + (self._parser.send(h11.EndOfMessage()) or b""))
        while isinstance(event := self._next_event(), h11.InformationalResponse):
            continue
        if not isinstance(event, h11.Response):
            raise h11.RemoteProtocolError("no answer")
        return event

    def next_piece(self) -> bytes:
        """In a thread: what follows of a body of whatever form, empty after its end. Raises what ``ask`` raises."""
        event = self._next_event()
        return bytes(event.data) if isinstance(event, h11.Data) else b""

    def _next_event(self) -> object:
        while (event := self._parser.next_event()) is h11.NEED_DATA:
            self._parser.receive_data(self._sock.recv(_HEAD))
        return event

    def fill(self, view: memoryview, came: Callable[[int], None]) -> None:
        """In a thread: receive a body that has exactly this length; ``came`` hears how many bytes are there by now.

        Goes past the parser, which knows nothing of it. Raises what ``ask`` raises.
        """
        early, _ = self._parser.trailing_data
        position = min(len(early), len(view))
        view[:position] = early[:position]
        came(position)
        while position < len(view):
            count = self._sock.recv_into(view[position : position + _PIECE])
            if not count:
                raise h11.RemoteProtocolError("the body ended too early")
            position += count
            came(position)

    @property
    def goes_on(self) -> bool:
        """After a head was read: another request may follow on this one."""
        return self._parser.our_state is h11.DONE


def _parser() -> h11.Connection:
    return h11.Connection(h11.CLIENT, max_incomplete_event_size=_LARGEST_HEAD)
