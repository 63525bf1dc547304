"""Transfers under hidden names go on beside changes of names, and make way only for changes of paths."""

import trio

from mountcloud.model.ids import NodeId
from mountcloud.providers.turns import Turns
from tests.unit.engine.harness import on_trio

HERE = NodeId("here")


@on_trio
async def test_names_may_change_around_a_transfer() -> None:
    turns = Turns()
    async with turns.staying(), turns.changing(HERE):
        pass
    async with turns.changing(HERE):
        with trio.fail_after(1):
            async with turns.staying():
                pass


@on_trio
async def test_paths_may_not() -> None:
    turns = Turns()
    moved = trio.Event()

    async def uproot() -> None:
        async with turns.uprooting():
            moved.set()

    async with trio.open_nursery() as nursery:
        async with turns.staying():
            nursery.start_soon(uproot)
            await trio.sleep(10)
            assert not moved.is_set()
        await moved.wait()
