"""Transfers under hidden names go on beside changes of names, and make way only for changes of paths.

Whoever looks at one node waits for those who change names where it is by then.
"""

import trio
import trio.testing

from mountcloud.model.ids import NodeId
from mountcloud.model.operation import Slot
from mountcloud.model.places import Place
from mountcloud.providers.book import ROOT, Book
from mountcloud.providers.memory_places import MemoryPlaces
from mountcloud.providers.turns import Turns
from tests.unit.engine.harness import on_trio

HERE, THERE, FILE = NodeId("here"), NodeId("there"), NodeId("file")


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


class Known(Book):
    """A book of what is certain."""

    async def _settle(self, place: Place, aim: Slot) -> None:
        raise AssertionError("nothing is in doubt")


@on_trio
async def test_a_look_waits_for_changes_where_the_node_came_to_meanwhile() -> None:
    places = MemoryPlaces()
    book = Known(places)
    book.know_root()
    directories = [Place(each, ROOT, each, is_directory=True) for each in (HERE, THERE)]
    places.change(put=[*directories, Place(FILE, HERE, "f", is_directory=False)])
    looking = trio.Event()

    async def look() -> None:
        async with book.looking_at(FILE):
            looking.set()

    async with trio.open_nursery() as nursery:
        async with book.turns.changing(THERE):
            async with book.turns.changing(HERE):
                nursery.start_soon(look)
                await trio.testing.wait_all_tasks_blocked()
                places.change(put=[Place(FILE, THERE, "f", is_directory=False)])
            await trio.testing.wait_all_tasks_blocked()
            assert not looking.is_set()
        await looking.wait()
