"""What another client does on a server that tells of no changes appears in a mount that is used."""

import errno
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.filesystem.caller import Caller
from tests.filesystem.steps import names, read_file
from tests.mount.session import Account, Mount
from tests.mount.shared import mounted
from tests.webdav.client import Outsider
from tests.webdav.servers import anywhere, serving_or_skip

pytestmark = pytest.mark.mount

USER, PASSWORD = "user", "a password"
WALKED = 12
PATIENCE_S = 30.0
"""The mount looks every second; what is not in use would be looked at within the hour."""


@dataclass
class Both:
    """A mount, and another program on the same server."""

    mount: Mount
    caller: Caller
    outsider: Outsider

    def soon(self, expected: object, look: Callable[[Path], object], name: str) -> None:
        """What ``look`` sees must become this."""
        deadline = time.monotonic() + PATIENCE_S
        while (seen := self.caller(_quietly, look, self.mount.mountpoint / name)) != expected:
            assert time.monotonic() < deadline, f"still {seen!r}, not {expected!r}"
            time.sleep(0.05)


def _quietly(look: Callable[[Path], object], path: Path) -> object:
    try:
        return look(path)
    except OSError as error:  # ESTALE: replaced while it was read
        if error.errno not in {errno.ENOENT, errno.ESTALE}:
            raise
        return "absent" if error.errno == errno.ENOENT else "replaced"


def inode(path: Path) -> int:
    return path.stat().st_ino


@pytest.fixture(params=["apache", "nginx"])
def both(request: pytest.FixtureRequest, fuse: None) -> Iterator[Both]:
    """A walk through all directories was the last that listed any."""
    with serving_or_skip(request.param, anywhere(user=USER, password=PASSWORD)) as site:
        outsider = Outsider(site.url, (USER, PASSWORD))
        for number in range(WALKED):
            outsider.make_directory(f"d{number}")
        for size, name in enumerate(("d7/edited", "d7/renamed", "d7/moved", "d7/removed"), 1):
            outsider.put(name, bytes(size))  # of one size and moment they would have one tag
        with mounted(Account(site.url, 0, USER, PASSWORD, "", provider="webdav")) as mount, Caller() as caller:
            caller(os.listdir, mount.mountpoint)
            for number in range(WALKED):
                caller(os.listdir, mount.mountpoint / f"d{number}")
            yield Both(mount, caller, outsider)
        outsider.close()


@pytest.mark.semantics("remote-seen")
def test_all_that_another_client_does_is_seen(both: Both, request: pytest.FixtureRequest) -> None:
    kept = both.caller(inode, both.mount.mountpoint / "d7/renamed")
    both.outsider.put("d7/edited", b"new content")
    both.soon(b"new content", read_file, "d7/edited")
    both.outsider.put("d7/new", b"from elsewhere")
    both.soon(b"from elsewhere", read_file, "d7/new")
    both.outsider.move("d7/renamed", "d7/by another name")
    both.soon(bytes(2), read_file, "d7/by another name")
    both.soon("absent", read_file, "d7/renamed")
    tagged = "apache" in request.node.callspec.id
    assert (both.caller(inode, both.mount.mountpoint / "d7/by another name") == kept) is tagged
    both.outsider.move("d7/moved", "d8/moved")
    both.soon(["moved"], names, "d8")
    both.outsider.remove("d7/removed")
    both.soon(["by another name", "edited", "new"], names, "d7")
