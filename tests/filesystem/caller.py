"""A process of its own that makes system calls for a test.

A mount that hangs must not freeze the test run, so no test touches a tree from its own process: it asks a ``Caller``,
which answers within a time limit or is killed. Several callers are several processes at work on one tree.
"""

import multiprocessing
import os
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_FORK = multiprocessing.get_context("fork")


@dataclass(frozen=True, slots=True)
class User:
    """Whom a process runs as."""

    uid: int
    gid: int

    def become(self) -> None:
        """Give up every privilege, for good."""
        os.setgroups([])
        os.setgid(self.gid)
        os.setuid(self.uid)


class Caller:
    """Calls functions in a child process: ``caller(os.open, path, flags)``; an exception there is raised here.

    The child is forked, so that it needs to read neither the checkout nor the interpreter's library: an ordinary user
    may not be allowed to.
    """

    def __init__(self, user: User | None = None, *, limit_s: float = 150.0) -> None:
        self._limit_s = limit_s
        self._pipe, theirs = _FORK.Pipe()
        self._process = _FORK.Process(target=_serve, args=(theirs, user), daemon=True)
        self._process.start()
        theirs.close()

    def __call__(self, function: Callable[P, T], *args: P.args, **keywords: P.kwargs) -> T:
        """Call and wait."""
        self.start(function, *args, **keywords)
        answer: T = self.result()
        return answer

    def start(self, function: Callable[P, object], *args: P.args, **keywords: P.kwargs) -> None:
        """Call without waiting; ``result`` must follow."""
        self._pipe.send((function, args, keywords))

    def finished(self) -> bool:
        """True if the started call has an answer."""
        return self._pipe.poll(0)

    def result(self) -> Any:
        """The answer of the started call; ``TimeoutError`` if it takes longer than the limit."""
        if not self._pipe.poll(self._limit_s):
            self._process.kill()
            raise TimeoutError(f"a system call did not return within {self._limit_s} s")
        failed, answer = self._pipe.recv()
        if failed:
            raise answer
        return answer

    def close(self) -> None:
        """End the process, by force if it does not answer."""
        if self._process.is_alive():
            self._pipe.send(None)
            self._process.join(5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join(5)
        self._pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _serve(pipe: "Connection[Any, Any]", user: User | None) -> None:
    os.umask(0o022)
    if user is not None:
        user.become()
    while (request := pipe.recv()) is not None:
        function, args, keywords = request
        try:
            answer = (False, function(*args, **keywords))
        except Exception as error:  # noqa: BLE001 - handed to the process that asked
            answer = (True, error)
        pipe.send(answer)
