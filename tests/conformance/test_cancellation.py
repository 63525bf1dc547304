"""Any call may be cancelled at any moment. What it did is then unknown, but everything goes on working."""

from collections.abc import Awaitable, Callable

import pytest
import trio

from mountcloud.model.errors import Failure
from mountcloud.model.node import Node
from mountcloud.model.provider import ChangeFeed, Content
from mountcloud.model.span import StoredSpan
from tests.conformance.content import MTIME_NS, put, read, some_bytes
from tests.conformance.under_test import ProviderUnderTest, conforms

SIZE = 300_000
MOMENTS = [0, 2, 8, 30, 300, *(pytest.param(turns, marks=pytest.mark.slow) for turns in (1, 3, 5, 13, 100))]
"""After how many turns of the scheduler the call is cancelled."""

Call = Callable[[], Awaitable[object]]


async def cancelled_after(turns: int, call: Call) -> None:
    """Run the call and cancel it; it may have ended before, in success or failure."""
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(cancel_later, scope, turns)
            try:
                await call()
            except Failure:
                scope.cancel()


async def cancel_later(scope: trio.CancelScope, turns: int) -> None:
    for _ in range(turns):
        await trio.lowlevel.checkpoint()
    scope.cancel()


async def whole_or_absent(t: ProviderUnderTest, name: str, allowed: list[bytes]) -> None:
    for node in await t.second.children(t.place):
        if node.name == name:
            assert await read(t.second, node) in allowed


async def still_usable(t: ProviderUnderTest, name: str) -> None:
    data = some_bytes(20_000, name)
    node = await put(t, name, data)
    assert await read(t.provider, node) == data
    assert node.id in {child.id for child in await t.provider.children(t.place)}


def reads(t: ProviderUnderTest, file: Node, content: Content) -> dict[str, Call]:
    calls: dict[str, Call] = {
        "root": t.provider.root,
        "node": lambda: t.provider.node(file.ref),
        "children": lambda: t.provider.children(t.place),
        "usage": t.provider.usage,
        "open": lambda: t.provider.open(file),
        "fetch": lambda: content.fetch(StoredSpan(0, content.stored_size)),
    }
    if t.provider.capabilities.change_feed is ChangeFeed.CURSOR:
        calls["changes"] = lambda: t.provider.changes(None)
    return calls


@conforms
@pytest.mark.parametrize("turns", MOMENTS)
async def test_reading_calls_can_be_cancelled(t: ProviderUnderTest, turns: int) -> None:
    data = some_bytes(SIZE)
    file = await put(t, "file", data)
    content = await t.provider.open(file)
    for call in reads(t, file, content).values():
        await cancelled_after(turns, call)
        await call()
    await content.aclose()
    assert await read(t.provider, file) == data
    await still_usable(t, "after")


@conforms
@pytest.mark.parametrize("turns", MOMENTS)
async def test_uploads_can_be_cancelled(t: ProviderUnderTest, turns: int) -> None:
    old, new = some_bytes(SIZE, "old"), some_bytes(SIZE, "new")
    file = await put(t, "file", old)
    await cancelled_after(turns, lambda: put(t, "new", new))
    await cancelled_after(turns, lambda: put(t, "file", new, replaces=file))
    await whole_or_absent(t, "new", [new])
    await whole_or_absent(t, "file", [old, new])
    assert file.id in {child.id for child in await t.second.children(t.place)}
    await still_usable(t, "after")


@conforms
@pytest.mark.parametrize("turns", MOMENTS)
async def test_changes_to_the_tree_can_be_cancelled(t: ProviderUnderTest, turns: int) -> None:
    file, doomed = await put(t, "file", b"abc"), await put(t, "doomed", b"abc")
    place = t.place
    await cancelled_after(turns, lambda: t.provider.make_directory(place, "directory", MTIME_NS))
    await cancelled_after(turns, lambda: t.provider.set_times(file.ref, MTIME_NS))
    await cancelled_after(turns, lambda: t.provider.move(file.ref, place, "renamed", None))
    await cancelled_after(turns, lambda: t.provider.remove(doomed.ref))
    names = {child.id: child.name for child in await t.second.children(place)}
    assert names.pop(file.id) in ("file", "renamed")
    assert set(names.values()) <= {"directory", "doomed"}
    await still_usable(t, "after")


@conforms
async def test_closing_twice_is_closing_once_and_others_go_on(t: ProviderUnderTest) -> None:
    file = await put(t, "file", b"abc")
    await t.provider.aclose()
    await t.provider.aclose()
    assert await read(t.second, file) == b"abc"
