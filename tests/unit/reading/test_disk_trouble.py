"""The disk of the cache fails or is full to the last byte: programs are told, and nothing else is harmed."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import trio

from mountcloud.model.errors import Corrupt, DiskFull, Failure
from mountcloud.store.sqlite import Database
from tests.unit.reading.library import place

MIB = 1 << 20


def refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    """No database can write a change any more."""
    run = Database.run

    def full(self: Database, statement: str, values: tuple[object, ...] = ()) -> int:
        if statement.lstrip().startswith(("INSERT", "DELETE", "UPDATE")):
            raise DiskFull("no room")
        return run(self, statement, values)

    monkeypatch.setattr(Database, "run", full)


def test_altered_content_is_not_shown_where_nothing_can_be_written_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = place(tmp_path, MIB, encrypted=True)
    here.service.damage(here.node.id, 9)

    async def main() -> None:
        async with here.library() as library:
            with monkeypatch.context() as patch:
                refuse(patch)
                for _ in range(3):
                    with pytest.raises(Failure):
                        await here.read_all(library)
            with pytest.raises(Corrupt):
                await here.read_all(library)
        assert here.altered == [here.node]

    trio.run(main)


def test_reading_goes_on_where_nothing_can_be_written_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = place(tmp_path, MIB, encrypted=True)

    async def main() -> None:
        async with here.library() as library:
            with monkeypatch.context() as patch:
                refuse(patch)
                for _ in range(2):
                    assert await here.read_all(library) == here.content
            assert library.means.store._versions == {}
            assert await here.read_all(library) == here.content

    trio.run(main)


@pytest.mark.parametrize("call", ["preadv", "pwrite"])
def test_a_disk_that_fails_fails_the_read_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    """A check takes bytes from the disk that came before it; were its trouble not caught, the mount would end."""
    here = place(tmp_path, MIB, encrypted=True, md5=False)

    def trouble(*_: object) -> int:
        raise OSError(5, "Input/output error")

    async def main() -> None:
        async with here.library() as library:
            reader = library.reader(here.node)
            await reader.read(MIB // 2, 10)
            await reader.aclose()
        async with here.library() as library:
            with monkeypatch.context() as patch:
                patch.setattr(os, call, trouble)
                await outcome(lambda: here.read_all(library))
            assert await here.read_all(library) == here.content

    async def outcome(read: Callable[[], object]) -> None:
        try:
            assert await read() == here.content  # type: ignore[misc] # whatever it gives
        except Failure:
            return

    trio.run(main)
