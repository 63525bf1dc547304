"""A disk that keeps only what was brought onto it, and what a new machine makes of it."""

import os
import shutil
from pathlib import Path

import pytest
import trio
import trio.testing

from mountcloud.engine.persisting import INTERVAL, Persister
from mountcloud.providers.memory import MemoryProvider
from mountcloud.providers.memory_service import MemoryService
from mountcloud.store import staging
from mountcloud.store.reserve import NoReserve
from tests.unit.engine.harness import Machine, Remote, new_service


class Disk:
    """Remembers each file as it was when it was last synced, and the names that a directory had then.

    Of the databases it is the log that counts: it is not written back in such short histories, and the file beside it
    is whole from the start (``Database``), so it is taken as it is.
    """

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.syncs = 0
        self._contents: dict[Path, bytes] = {}
        self._names: dict[Path, set[str]] = {}
        original = os.fsync

        def fsync(descriptor: int) -> None:
            original(descriptor)
            self._synced(Path(f"/proc/self/fd/{descriptor}").readlink())

        monkeypatch.setattr(os, "fsync", fsync)
        monkeypatch.setattr(staging, "sync_file_system", self._synced_below)

    def _synced(self, path: Path) -> None:
        self.syncs += 1
        if path.is_dir():
            self._names[path] = {each.name for each in path.iterdir()}
        else:
            self._contents[path] = path.read_bytes()

    def _synced_below(self, directory: Path) -> None:
        for path in [directory, *directory.iterdir()]:
            self._synced(path)

    def after_power_cut(self, target: Path) -> Path:
        """The state directory as the next boot finds it."""
        (target / "staging").mkdir(parents=True)
        for path in self.root.glob("*.db"):
            shutil.copy(path, target)
        for path, content in self._contents.items():
            if path.name in self._names.get(path.parent, set()):
                (target / path.relative_to(self.root)).write_bytes(content)
        return target


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    (tmp_path / "before").mkdir()
    return Disk(tmp_path / "before", monkeypatch)


async def work(here: Machine, count: int) -> None:
    await here.mkdir("directory")
    for number in range(count):
        await here.write(f"directory/{number}", f"content {number}".encode() * 1000)


async def arrived(home: Path, service: MemoryService, nursery: trio.Nursery) -> dict[str, object]:
    """What the service has after the next boot, without an index."""
    for path in home.glob("index.db*"):
        path.unlink()
    here = await Machine(home, MemoryProvider(service), nursery).boot()
    await here.drain()
    await here.kill()
    return dict(Remote(service).tree())


def held(service: MemoryService) -> MemoryService:
    """The service is away until its faults are cleared."""
    for _ in range(200):
        for call in ("upload", "make_directory"):
            service.faults.hold_next(call)
    return service


@pytest.mark.durability("power-interval")
@pytest.mark.parametrize("count", [3, 60])
def test_after_one_round_everything_closed_is_on_the_disk(tmp_path: Path, disk: Disk, count: int) -> None:
    assert INTERVAL <= 4

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            here = await Machine(disk.root, MemoryProvider(held(new_service())), nursery, settle_s=1000).boot()
            persister = Persister(here.journal, here.staging, (NoReserve(),))
            await work(here, count)
            await persister.persist()
            await here.write("late", b"nobody waited for this")
            home = disk.after_power_cut(tmp_path / "after")
            before = disk.syncs
            await persister.persist()
            assert disk.syncs > before
            await trio.testing.wait_all_tasks_blocked(0.3)
            await persister.persist()
            before = disk.syncs
            await persister.persist()
            assert disk.syncs == before, "an idle machine leaves its disk alone"
            await here.kill()
            files = {str(number): f"content {number}".encode() * 1000 for number in range(count)}
            assert await arrived(home, new_service(), nursery) == {"directory": files}
            home = disk.after_power_cut(tmp_path / "later")
            both = await arrived(home, new_service(), nursery)
            assert both == {"directory": files, "late": b"nobody waited for this"}
            nursery.cancel_scope.cancel()

    trio.run(main)


@pytest.mark.durability("power-fsync")
def test_what_was_synced_is_on_the_disk_at_once(tmp_path: Path, disk: Disk) -> None:
    async def main() -> None:
        async with trio.open_nursery() as nursery:
            here = await Machine(disk.root, MemoryProvider(held(new_service())), nursery, settle_s=1000).boot()
            await here.mkdir("kept")
            handle = await here.open("kept/file", os.O_WRONLY | os.O_CREAT)
            await here.fs.files.write(handle, 0, b"synced")
            await here.fs.files.fsync(handle)
            await here.fs.files.write(handle, 6, b" and not synced")
            file_synced = disk.after_power_cut(tmp_path / "one")
            await here.mkdir("kept too")
            await here.fs.synchronise_directory()
            await here.mkdir("lost")
            directory_synced = disk.after_power_cut(tmp_path / "two")
            await here.close(handle)
            await here.kill()
            assert await arrived(file_synced, new_service(), nursery) == {"kept": {"file": b"synced"}}
            two = await arrived(directory_synced, new_service(), nursery)
            assert two == {"kept": {"file": b"synced"}, "kept too": {}}
            nursery.cancel_scope.cancel()

    trio.run(main)


def broken(descriptor: int) -> None:
    raise OSError(5, "broken")


def test_no_power_cut_brings_an_operation_back_without_its_bytes(
    tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A draft goes from the disk only after the disk has a journal that does not name it any more."""

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            here = await Machine(disk.root, MemoryProvider(held(new_service())), nursery, settle_s=1000).boot()
            persister = Persister(here.journal, here.staging, (NoReserve(),))
            await here.write("file", b"closed")
            await persister.persist()
            await here.unlink("file")
            assert len(list((disk.root / "staging").iterdir())) == 1, "no program waits until the disk has removed it"
            home = disk.after_power_cut(tmp_path / "at once")
            assert await arrived(home, new_service(), nursery) == {"file": b"closed"}
            with monkeypatch.context() as patch:
                patch.setattr(os, "fsync", broken)
                with pytest.raises(OSError, match="broken"):
                    await persister.persist()
            assert len(list((disk.root / "staging").iterdir())) == 1
            await persister.persist()
            assert not list((disk.root / "staging").iterdir())
            assert here.journal.unwanted == set()
            assert await arrived(disk.after_power_cut(tmp_path / "later"), new_service(), nursery) == {}
            nursery.cancel_scope.cancel()

    trio.run(main)
