"""Random walks on mounts of real servers, step by step beside a native directory, and then from the server alone."""

from pathlib import Path

import pytest

from tests.filesystem.test_random_walk import walk_in_step
from tests.mount.session import Account
from tests.mount.shared import AllowedLog, SharedMount, new_home
from tests.webdav.servers import anywhere, serving_or_skip

USER, PASSWORD = "user", "a password"
LONG = ("apache", "lighttpd", "rclone", "wsgidav", "nginx")


def walk(kind: str, native: Path, allowed_log: AllowedLog, seed: int, count: int) -> None:
    native.mkdir()
    with serving_or_skip(kind, anywhere(user=USER, password=PASSWORD)) as site, new_home(None) as scratch:
        shared = SharedMount(Account(site.url, 0, USER, PASSWORD, "", provider="webdav"))
        try:
            tree = shared.tree("mount-webdav", "", scratch)
            walk_in_step(tree, native, seed, count, 20)
            tree.close()
            shared.examine(allowed_log)
        finally:
            shared.discard()


@pytest.mark.mount
@pytest.mark.parametrize("kind", ["wsgidav", "nginx"])
def test_a_short_walk(kind: str, fuse: None, tmp_path: Path, allowed_log: AllowedLog) -> None:
    walk(kind, tmp_path / "native", allowed_log, 3, 120)


@pytest.mark.mount
@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
@pytest.mark.parametrize("kind", LONG)
def test_a_long_walk(kind: str, seed: int, fuse: None, tmp_path: Path, allowed_log: AllowedLog) -> None:
    walk(kind, tmp_path / "native", allowed_log, seed, 400)
