"""Uses of paths and moves of directories wait for each other where they meet, and only there."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack

import pytest
import trio
import trio.testing

from mountcloud.model.ids import NodeId
from mountcloud.model.places import Place
from mountcloud.providers.book import ROOT
from mountcloud.providers.memory_places import MemoryPlaces
from mountcloud.providers.metadisk.paths import Paths
from tests.unit.engine.harness import on_trio

TREE = {"a": "root", "ab": "a", "abc": "ab", "d": "root", "de": "d", "f": "root"}


def book() -> MemoryPlaces:
    places = MemoryPlaces()
    places.change(put=[Place(ROOT, None, "", is_directory=True)])
    places.change(put=[Place(NodeId(node), NodeId(above), node, is_directory=True) for node, above in TREE.items()])
    return places


Work = Callable[[Paths, MemoryPlaces], AbstractAsyncContextManager[None]]


def use(*nodes: str) -> Work:
    return lambda paths, places: paths.using(places, *map(NodeId, nodes))


def move(node: str, *between: str) -> Work:
    return lambda paths, places: paths.moving(places, NodeId(node), between=tuple(map(NodeId, between)))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (move("ab", "a", "d"), use("abc")),
        (move("ab", "a", "d"), use("ab")),
        (move("ab", "a", "d"), use("f", "abc")),
        (use("abc"), move("ab", "a", "d")),
        (use("ab"), move("ab", "a", "d")),
        (move("ab", "a", "d"), move("abc", "ab", "f")),
        (move("abc", "ab", "f"), move("ab", "a", "d")),
        (move("ab", "a", "de"), move("de", "d", "f")),
        (move("ab", "a", "de"), move("d", "root", "f")),
        (move("d", "root", "f"), move("ab", "a", "de")),
        (move("ab", "a", "d"), move("de", "d", "abc")),
    ],
)
@on_trio
async def test_the_second_waits_for_the_first(first: Work, second: Work) -> None:
    paths, places, entered = Paths(), book(), trio.Event()

    async def follow() -> None:
        async with second(paths, places):
            entered.set()

    async with trio.open_nursery() as nursery:
        async with first(paths, places):
            nursery.start_soon(follow)
            await trio.testing.wait_all_tasks_blocked()
            assert not entered.is_set()
        await entered.wait()


@pytest.mark.parametrize(
    "works",
    [
        (move("ab", "a", "d"), use("a"), use("d"), use("de", "f"), use("root")),
        (use("a"), use("a"), move("de", "d", "f"), move("abc", "ab", "a")),
        (move("abc", "ab", "a"), move("de", "d", "a"), use("f")),
        (use("new, and in no book yet"), move("ab", "a", "d")),
    ],
)
@on_trio
async def test_all_else_goes_on(works: tuple[Work, ...]) -> None:
    paths, places = Paths(), book()
    with trio.fail_after(1):
        async with AsyncExitStack() as stack:
            for each in works:
                await stack.enter_async_context(each(paths, places))


@on_trio
async def test_what_is_given_up_stops_nobody() -> None:
    paths, places = Paths(), book()
    async with use("abc")(paths, places):
        with trio.move_on_after(1):
            async with move("ab", "a", "d")(paths, places):
                raise AssertionError("it is in use")
        with trio.fail_after(1):
            async with use("abc")(paths, places):
                pass
    assert not paths.is_moving(places, NodeId("abc"))
    with trio.fail_after(1):
        async with move("ab", "a", "d")(paths, places):
            assert paths.is_moving(places, NodeId("abc"))
            assert not paths.is_moving(places, NodeId("a"))
