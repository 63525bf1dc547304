"""Symbolic links below the mount: turned off, and in conflict."""

from pathlib import Path

import pytest
import trio

from mountcloud.model.errors import NotPermitted
from mountcloud.model.ids import ROOT_INODE
from mountcloud.policy.naming import Naming
from mountcloud.providers.memory import MemoryProvider
from mountcloud.providers.memory_service import MemoryService
from tests.unit.engine.harness import CONFLICT, Machine, Remote, on_trio


@pytest.mark.semantics("link-travels")
@on_trio
async def test_turned_off_they_are_files(tmp_path: Path, service: MemoryService, remote: Remote) -> None:
    remote.write("link.rclonelink", b"target")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        here.core.naming = Naming(symlinks=False)
        here.index._name_of = here.core.naming.file_name
        assert await here.list("") == ["link.rclonelink"]
        assert await here.read("link.rclonelink") == b"target"
        await here.write("other.rclonelink", b"elsewhere")
        with pytest.raises(NotPermitted):
            await here.fs.links.create(ROOT_INODE, "new", b"target")
        await here.drain()
        assert remote.tree() == {"link.rclonelink": b"target", "other.rclonelink": b"elsewhere"}
        nursery.cancel_scope.cancel()


@on_trio
async def test_a_link_made_in_both_places_is_kept_twice_and_both_are_links(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.list("")
        await here.fs.links.create(ROOT_INODE, "link", b"ours")
        remote.write("link.rclonelink", b"theirs")
        await here.settle()
        assert await here.list("") == ["link", f"link{CONFLICT}"]
        assert await here.fs.links.read(await here.inode("link")) == b"theirs"
        assert await here.fs.links.read(await here.inode(f"link{CONFLICT}")) == b"ours"
        assert remote.tree() == {"link.rclonelink": b"theirs", f"link{CONFLICT}.rclonelink": b"ours"}
        nursery.cancel_scope.cancel()
