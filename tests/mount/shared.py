"""One mount that many tests use one after the other, replaced as soon as a test has broken it."""

import itertools
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.filesystem.caller import User
from tests.filesystem.tree import Tree
from tests.mount.session import Account, Mount

NOISE = re.compile(r"^(<[0-4]>|\S+ (WARNING|ERROR|CRITICAL)\b|Traceback|Fatal Python error|.*Warning:)", re.MULTILINE)


@dataclass
class AllowedLog:
    """What the daemon may complain of in this test: a line that one of the patterns finds is no failure."""

    patterns: list[str] = field(default_factory=list)

    def allow(self, pattern: str) -> None:
        """Expect such lines."""
        self.patterns.append(pattern)


@contextmanager
def new_home(user: User | None) -> Iterator[Path]:
    """A directory outside of pytest's own, which other users may not enter."""
    home = Path(tempfile.mkdtemp(prefix="mountcloud-test-"))
    home.chmod(0o755)
    if user:
        shutil.chown(home, user.uid, user.gid)
    try:
        yield home
    finally:
        shutil.rmtree(home)


@contextmanager
def mounted(account: Account, user: User | None = None) -> Iterator[Mount]:
    """A mount that is there at the start and gone at the end, however the test ends."""
    with new_home(user) as home:
        mount = Mount(home, account, user)
        try:
            mount.start()
            yield mount
        finally:
            mount.destroy()


def complaints(log: str, allowed: AllowedLog) -> list[str]:
    """Lines of the daemon's log that nobody expected."""
    lines = [line for line in log.splitlines() if NOISE.match(line)]
    return [line for line in lines if not any(re.search(pattern, line) for pattern in allowed.patterns)]


_numbers = itertools.count(1)


class SharedMount:
    """Trees in rooms of one mount. A mount that died, hangs or complains is replaced by a new one with nothing owed."""

    def __init__(self, account: Account, user: User | None = None) -> None:
        self._account = replace(account, delete_limit=0)  # tests clear away large trees, and nobody is there to agree
        self._user = user
        self._home: Path | None = None
        self._mount: Mount | None = None

    @property
    def mount(self) -> Mount:
        """The mount, made when it is needed."""
        if self._mount is None:
            self._home = Path(tempfile.mkdtemp(prefix="mountcloud-test-"))
            self._home.chmod(0o755)
            if self._user:
                shutil.chown(self._home, self._user.uid, self._user.gid)
            self._mount = Mount(self._home, self._account, self._user)
            self._mount.start()
        return self._mount

    def tree(self, kind: str, room: str, scratch: Path) -> Tree:
        """A new directory in that room."""
        mount = self.mount
        path = mount.mountpoint / room / f"tree-{next(_numbers)}"
        tree = Tree(kind, path, scratch, mount, self._user)
        try:
            tree.do(path.mkdir)
        except BaseException:
            tree.close()
            self.discard()
            raise
        return tree

    def examine(self, allowed: AllowedLog) -> None:
        """After a test: fail for whatever the daemon complained of; leave a healthy mount to the next test."""
        mount = self._mount
        if mount is None:
            return
        healthy = False
        try:
            assert mount.is_alive(), f"the daemon died\n{mount.log.read_text()[-5000:]}"
            mount.settle()
            log = mount.new_log()
            found = complaints(log, allowed)
            assert not found, "the daemon complained:\n" + "\n".join(found) + f"\n--- its log:\n{log[-8000:]}"
            healthy = True
        finally:
            if not healthy:
                self.discard()

    def discard(self) -> None:
        """End the mount and forget what it owed."""
        mount, self._mount = self._mount, None
        if mount is not None and self._home is not None:
            mount.destroy()
            shutil.rmtree(self._home)


TreeMaker = Callable[[str], Tree]
