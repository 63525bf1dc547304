"""A line to a server that other people wrote, which fails on demand: bytes in both directions, whatever they mean."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

_PIECE = 65536
_LOST = {"lost_reply", "cut", "reset"}


@dataclass(slots=True)
class BadLine:
    """Implements ``Line``. A fault strikes connections on which something is asked, ``count`` times.

    ``drop``: at once. ``lost_reply``: when the answer comes; ``cut``, ``reset``: after so many bytes of it. ``status``:
    something between answers instead. Others pass.
    """

    server: tuple[str, int]
    listener: socket.socket
    _faults: list[dict[str, Any]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        """Where the line begins."""
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def fault(self, path: str, **fault: object) -> None:
        """One more."""
        with self._lock:
            self._faults.append({"path": path, "hits": 0, "after": 0, "status": 500, **fault})

    def faults(self) -> list[dict[str, Any]]:
        """Those in force, with their hits."""
        with self._lock:
            return [dict(each) for each in self._faults]

    def clear_faults(self) -> None:
        """No more trouble."""
        with self._lock:
            self._faults.clear()

    def _struck(self) -> dict[str, Any] | None:
        with self._lock:
            found = next((each for each in self._faults if each["count"]), None)
            if found is not None:
                found["count"] -= 1
                found["hits"] += 1
            return found

    def serve(self) -> None:
        """Until the listener is closed."""
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        with suppress(OSError), client, socket.create_connection(self.server, timeout=60) as server:
            fault: list[dict[str, Any]] = []
            back = threading.Thread(target=self._answer, args=(server, client, fault), daemon=True)
            back.start()
            while piece := client.recv(_PIECE):
                struck = None if fault else self._struck()
                if struck is not None:
                    if struck["kind"] == "drop":
                        break
                    if struck["kind"] in _LOST:
                        fault.append(struck)  # it ends the connection; others must leave it open to the next fault
                    if struck["kind"] == "status":
                        status = struck["status"]
                        client.sendall(
                            b"HTTP/1.1 %d Trouble\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % status
                        )
                        break
                server.sendall(piece)
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
                server.shutdown(socket.SHUT_RDWR)

    def _answer(self, server: socket.socket, client: socket.socket, fault: list[dict[str, Any]]) -> None:
        with suppress(OSError):
            while piece := server.recv(_PIECE):
                if fault and fault[0]["kind"] in _LOST:
                    client.sendall(piece[: fault[0]["after"]])
                    break
                client.sendall(piece)
            client.shutdown(socket.SHUT_RDWR)


@contextmanager
def bad_line(port: int) -> Iterator[BadLine]:
    """A line to a port of this machine, for the length of the block."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        line = BadLine(("127.0.0.1", port), listener)
        threading.Thread(target=line.serve, daemon=True).start()
        try:
            yield line
        finally:
            listener.shutdown(socket.SHUT_RDWR)
