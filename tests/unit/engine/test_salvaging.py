"""Open files that lose their place: fetched for as long as a program has them, and no longer."""

from pathlib import Path

import trio
import trio.testing

from mountcloud.engine.salvaging import Salvage
from mountcloud.model.ids import Inode
from tests.unit.engine.harness import on_trio
from tests.unit.reading.library import place

MIB = 1 << 20


@on_trio
async def test_a_file_that_is_closed_while_it_is_fetched_leaves_nothing_open(tmp_path: Path) -> None:
    there = place(tmp_path, 9 * MIB, encrypted=False)
    async with there.library() as library, trio.open_nursery() as nursery:
        done = trio.Event()
        salvage = Salvage(library, nursery, done.set)
        for gate in ("open", "fetch"):
            held = there.service.faults.hold_next(gate)
            salvage.start(Inode(7), there.node)
            await held.arrived.wait()
            salvage.end(Inode(7))
            await trio.testing.wait_all_tasks_blocked()
            assert held.gate is not None
            held.gate.set()
            await done.wait()
            await trio.testing.wait_all_tasks_blocked()
            assert not salvage.needs(there.node.id)
            assert [each.users for each in library._open.values()] == [0]
            assert library.means.store._versions == {}, "a version that nobody reads is held"
            assert library.means.store.here(there.node.ref) < there.node.size, "it was fetched for nobody"
            done = trio.Event()
            salvage.done = done.set
