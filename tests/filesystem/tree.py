"""A tree under test: a directory, the processes that work in it, and the service behind it."""

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import ParamSpec, Protocol, TypeVar

import pytest

from tests.filesystem.caller import Caller, User

P = ParamSpec("P")
T = TypeVar("T")


class Backing(Protocol):
    """What is behind a tree."""

    def settle(self) -> None:
        """Return when everything that was closed is on the service."""

    def fresh_view(self) -> None:
        """Forget everything that can be fetched again, so that what is seen next comes from the service."""


class NativeBacking:
    """The disk: what is written is there."""

    def settle(self) -> None:
        """Nothing is owed."""

    def fresh_view(self) -> None:
        """Nothing is cached."""


@dataclass
class Tree:
    """An empty directory, to be used through programs (``run``) and system calls (``do``) only.

    ``scratch`` is a native directory of the same user, for sources and copies.
    """

    kind: str
    path: Path
    scratch: Path
    backing: Backing
    user: User | None = None
    _callers: list[Caller] = field(default_factory=list)

    @property
    def is_mount(self) -> bool:
        """False for the native directory, which proves the tests right."""
        return self.kind != "native"

    def do(self, function: Callable[P, T], *args: P.args, **keywords: P.kwargs) -> T:
        """Call a function in this tree's first process."""
        caller = self._callers[0] if self._callers else self.caller()
        return caller(function, *args, **keywords)

    def caller(self) -> Caller:
        """A further process, ended with the tree."""
        caller = Caller(self.user)
        self._callers.append(caller)
        return caller

    def run(
        self,
        *command: str | Path,
        cwd: Path | None = None,
        stdin: str = "",
        limit_s: float = 120.0,
        environment: Mapping[str, str] | None = None,
    ) -> str:
        """Run a program to its end and return what it wrote; any failure or warning of it fails the test."""
        done = self.attempt(*command, cwd=cwd, stdin=stdin, limit_s=limit_s, environment=environment)
        words = " ".join(map(str, command))
        assert done.returncode == 0, f"{words}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert not done.stderr, f"{words}: {done.stderr}"
        return done.stdout

    def attempt(
        self,
        *command: str | Path,
        cwd: Path | None = None,
        stdin: str = "",
        limit_s: float = 120.0,
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end, which may be a failure."""
        user = self.user
        # The program's own user must enter the directory: nobody else, not even root, may look into a user's mount.
        return subprocess.run(
            ["env", "-C", str(cwd or self.scratch), *map(str, command)],
            cwd="/",
            input=stdin,
            env={**_environment(self.scratch), **(environment or {})},
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=limit_s,
            umask=0o022,
            user=user.uid if user else None,
            group=user.gid if user else None,
            extra_groups=[] if user else None,
        )

    def settle(self) -> None:
        """Return when everything that was closed is on the service."""
        self.backing.settle()

    def fresh_view(self) -> None:
        """Look at the service anew: settle, unmount, drop every cache, mount again. Open files do not survive it."""
        self.backing.fresh_view()

    def close(self) -> None:
        """End its processes."""
        while self._callers:
            self._callers.pop().close()


def _environment(home: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "TMPDIR": str(home),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "A. Writer",
        "GIT_AUTHOR_EMAIL": "writer@example.org",
        "GIT_COMMITTER_NAME": "A. Writer",
        "GIT_COMMITTER_EMAIL": "writer@example.org",
    }


@contextmanager
def refused(*numbers: int) -> Iterator[None]:
    """The body must fail with one of these error numbers."""
    with pytest.raises(OSError) as caught:  # noqa: PT011 - the number is checked below
        yield
    wanted = " or ".join(os.strerror(number) for number in numbers)
    assert caught.value.errno in numbers, f"expected {wanted}, got {caught.value}"
