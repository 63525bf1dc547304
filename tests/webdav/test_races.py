"""What is owed to a WebDAV server meets what another client did meanwhile: nobody's content goes that was not seen."""

import os
import random

import pytest

from tests.filesystem.caller import Caller
from tests.filesystem.steps import names, read_file, write_file
from tests.mount.shared import AllowedLog, complaints, mounted
from tests.reference.test_webdav import SERVERS

pytestmark = pytest.mark.mount


@pytest.mark.parametrize("kind", SERVERS)
def test_what_was_removed_here_and_changed_there_comes_back(kind: str, fuse: None, allowed_log: AllowedLog) -> None:
    """A server would remove a directory with all that another client put into it."""
    with SERVERS[kind]("race", random.Random(1)) as (account, second, _), mounted(account) as mount:
        place = mount.mountpoint / "race"
        with Caller(limit_s=90) as caller:
            caller(place.mkdir)
            for name in ("file", "gone"):
                caller(write_file, place / name, b"ours")
            for name in ("folder", "empty", "victim", "mover"):
                caller((place / name).mkdir)
            mount.settle()
            mount.call("queue", action="pause")
            caller(os.unlink, place / "file")
            caller(os.unlink, place / "gone")
            caller(os.rmdir, place / "folder")
            caller(os.rmdir, place / "empty")
            caller(os.rename, place / "mover", place / "victim")
            second.write("file", b"theirs")
            second.write("folder/new", b"theirs")
            second.make_directory("folder/below")
            second.write("victim/new", b"theirs")
            for words in ("is not done", "exists on the service already"):
                allowed_log.allow(words)
            mount.call("queue", action="resume")
            mount.settle()
            mount.call("refresh")
            assert second.files() == dict.fromkeys(("file", "folder/new", "victim/new"), b"theirs")
            assert caller(read_file, place / "file") == b"theirs"
            assert caller(read_file, place / "folder" / "new") == b"theirs"
            assert caller(names, place / "folder") == ["below", "new"]
            assert caller(read_file, place / "victim" / "new") == b"theirs"
            assert not {"gone", "empty"} & set(caller(names, place))
        assert complaints(mount.new_log(), allowed_log) == []
