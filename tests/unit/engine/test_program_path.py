"""What a call of a program costs in the databases: it waits for that, whatever the round trip is."""

from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest
import trio

from mountcloud.providers.memory import MemoryProvider
from mountcloud.providers.memory_service import MemoryService
from mountcloud.store.sqlite import Database
from tests.unit.engine.harness import Machine, Remote, on_trio

CALLS: dict[str, Callable[[Machine, int], Awaitable[None]]] = {
    "mkdir": lambda here, number: here.mkdir(f"d/new {number}"),
    "rename": lambda here, number: here.rename(f"d/{number}", f"d/other {number}"),
    "rename over": lambda here, number: here.rename(f"d/{number}", f"d/{number + 100}"),
    "unlink": lambda here, number: here.unlink(f"d/{number}"),
    "rmdir": lambda here, number: here.rmdir(f"d/dir {number}"),
}


def counted(here: Machine) -> Counter[str]:
    """Statements from now on, by their first word; commits by the database that they are made in."""
    found: Counter[str] = Counter()

    def note(name: str, database: Database, statement: str) -> None:
        found["all"] += 1
        alone = not database._db.in_transaction and statement.startswith(("INSERT", "UPDATE", "DELETE"))
        if alone or statement == "COMMIT":
            found[f"{name} commits"] += 1

    databases = {"index": here.index._db, "journal": here.journal._db, "attributes": here.attributes._db}
    for name, database in databases.items():
        database._db.set_trace_callback(partial(note, name, database))
    return found


@pytest.mark.parametrize("verb", CALLS)
@pytest.mark.parametrize("sent", [False, True])
@on_trio
async def test_a_call_is_one_commit_in_each_database(
    tmp_path: Path, service: MemoryService, verb: str, sent: bool
) -> None:
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery, settle_s=1000).boot()
        await here.mkdir("d")
        for number in range(10):
            await here.write(f"d/{number}", b"1")
            await here.write(f"d/{number + 100}", b"1")
            await here.mkdir(f"d/dir {number}")
        if sent:
            await here.drain()
        found = counted(here)
        for number in range(10):
            await CALLS[verb](here, number)
        assert 10 <= found["journal commits"] <= 11  # and once where the directory stands
        assert found["index commits"] <= 1
        most = 11 if verb == "rename over" else 7
        assert found["all"] <= most * 10, f"{verb}: {found}"
        nursery.cancel_scope.cancel()


@on_trio
async def test_nothing_is_sent_while_a_program_makes_one_change_after_the_other(
    tmp_path: Path, service: MemoryService
) -> None:
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        for number in range(100):
            await here.mkdir(f"{number}")
            await trio.sleep(0.005)
        assert Remote(service).tree() == {}
        await here.drain()
        assert len(Remote(service).tree()) == 100
        nursery.cancel_scope.cancel()
