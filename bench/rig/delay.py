"""A TCP proxy that adds a round trip: every byte arrives half of it later, in each direction.

It is a delay line: bytes are taken as they come and passed on when they are due, so that the rate stays what the
loopback device carries. They stay in the kernel (``splice``), so that the proxy takes little of the processor that it
shares with what is measured. A new connection costs one round trip more before its first byte moves on, as the
handshake would. Congestion and window growth of a long line are not imitated: a connection is at full speed at once.
"""

import argparse
import contextlib
import fcntl
import os
import resource
import socket
from dataclasses import dataclass

import trio

PIPE_BYTES = 1 << 20
"""As large as every user may make a pipe (``fs.pipe-max-size``)."""
IN_FLIGHT = 256
SOCKET_BUFFER = 4 << 20
BROKEN = (OSError, trio.BrokenResourceError, trio.ClosedResourceError)
"""A side has gone; BrokenResourceError is how the other half of a line that ended hears of it."""


@dataclass(frozen=True, slots=True)
class Pipe:
    """Holds one piece on its way."""

    outlet: int
    inlet: int

    def close(self) -> None:
        """Forget what it holds."""
        os.close(self.outlet)
        os.close(self.inlet)


class Pipes:
    """Empty pipes, used again, because a new one costs as much as many pieces."""

    def __init__(self) -> None:
        self._free: list[Pipe] = []

    def take(self) -> Pipe:
        """An empty pipe."""
        if self._free:
            return self._free.pop()
        pipe = Pipe(*os.pipe())
        # An ordinary user's pipes are small once there are many: then the pieces are small.
        with contextlib.suppress(PermissionError):
            fcntl.fcntl(pipe.inlet, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        return pipe

    def give_back(self, pipe: Pipe) -> None:
        """It is empty again."""
        self._free.append(pipe)

    def close(self) -> None:
        """No more is needed."""
        for pipe in self._free:
            pipe.close()


@dataclass(frozen=True, slots=True)
class Piece:
    """``size`` bytes in a pipe that are to move on at ``due``."""

    due: float
    pipe: Pipe
    size: int


@dataclass(frozen=True, slots=True)
class Line:
    """One direction of a connection, ``delay_s`` long; nothing counts as come before ``opened``."""

    source: trio.socket.SocketType
    sink: trio.socket.SocketType
    delay_s: float
    opened: float

    async def carry(self, pipes: Pipes) -> None:
        """Pass everything on, then the end."""
        send, receive = trio.open_memory_channel[Piece](IN_FLIGHT)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._take, send, pipes)
            async with receive:
                async for piece in receive:
                    await trio.sleep_until(piece.due)
                    await self._put(piece)
                    pipes.give_back(piece.pipe)
        await trio.sleep(self.delay_s)
        self.sink.shutdown(socket.SHUT_WR)

    async def _take(self, send: trio.MemorySendChannel[Piece], pipes: Pipes) -> None:
        async with send:
            while True:
                await trio.lowlevel.wait_readable(self.source)
                pipe = pipes.take()
                size = os.splice(self.source.fileno(), pipe.inlet, PIPE_BYTES)
                if not size:
                    pipes.give_back(pipe)
                    return
                came = max(trio.current_time(), self.opened)
                await send.send(Piece(came + self.delay_s, pipe, size))

    async def _put(self, piece: Piece) -> None:
        left = piece.size
        while left:
            try:
                left -= os.splice(piece.pipe.outlet, self.sink.fileno(), left)
            except BlockingIOError:
                await trio.lowlevel.wait_writable(self.sink)


async def join(near: trio.socket.SocketType, target: tuple[str, int], rtt_s: float) -> None:
    """Serve one connection; a side that breaks off ends the other."""
    opened, pipes = trio.current_time() + rtt_s, Pipes()
    with near, trio.socket.socket() as far, contextlib.closing(pipes):
        try:
            await far.connect(target)
            prepare(near)
            prepare(far)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(Line(near, far, rtt_s / 2, opened).carry, pipes)
                nursery.start_soon(Line(far, near, rtt_s / 2, opened).carry, pipes)
        except* BROKEN:
            pass


def prepare(connection: trio.socket.SocketType) -> None:
    """Large buffers, so that few system calls move much; no waiting for more to send."""
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        connection.setsockopt(socket.SOL_SOCKET, option, SOCKET_BUFFER)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


async def serve(target: tuple[str, int], rtt_s: float) -> None:
    """Take connections on a free port of 127.0.0.1 and say which it is."""
    with trio.socket.socket() as listener:
        await listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        print(listener.getsockname()[1], flush=True)
        async with trio.open_nursery() as nursery:
            while True:
                near, _ = await listener.accept()
                nursery.start_soon(join, near, target, rtt_s)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--rtt-ms", type=float, required=True)
    options = parser.parse_args()
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    with contextlib.suppress(KeyboardInterrupt):
        trio.run(serve, ("127.0.0.1", options.port), options.rtt_ms / 1000)
