"""Lists that change while they are read page by page: what was there all the time must be in them, once."""

from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from mountcloud.model.errors import Busy
from mountcloud.model.ids import NodeId
from mountcloud.model.node import Node
from mountcloud.providers.dracoon.api import PAGE
from mountcloud.providers.dracoon.provider import DracoonProvider
from tests.sandbox.fixture import RunningSandbox
from tests.unit.dracoon.service import person, put, run

COUNT = PAGE + 20
Disturb = Callable[[], Awaitable[None]]


def between_pages(provider: DracoonProvider, monkeypatch: pytest.MonkeyPatch, *disturbances: Disturb) -> list[int]:
    """Each disturbance happens right after one first page was sent; the result grows with the requests."""
    api, waiting, offsets = provider._api, list(disturbances), list[int]()
    call = api.call

    async def disturbed(method: str, path: str, **more: object) -> object:
        answer = await call(method, path, **more)  # type: ignore[arg-type]  # passed on
        params = more.get("params")
        if path == "/v4/nodes" and isinstance(params, dict):
            offsets.append(params["offset"])
            if params["offset"] == 0 and waiting:
                await waiting.pop(0)()
        return answer

    monkeypatch.setattr(api, "call", disturbed)
    return offsets


async def removed_and_made(other: DracoonProvider, victim: Node) -> None:
    """The total stays the same, and everything behind the victim slides to the front."""
    await other.remove(victim.ref)
    await put(other, victim.parent or NodeId(""), f"zz{victim.name}", b"")


async def renamed(other: DracoonProvider, node: Node, name: str) -> None:
    await other.move(node.ref, node.parent or NodeId(""), name, None)


@pytest.mark.parametrize("how", ["slide to the front", "slide to the back", "two ways"])
def test_what_slides_over_a_border_of_pages_is_there(
    calm_sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    me = person(calm_sandbox)

    async def action() -> None:
        provider, other, room = me.provider(), me.provider(), me.room()
        me.sandbox.control.populate(int(room), COUNT)
        before = {node.name: node for node in await provider.children(room)}
        assert len(before) == COUNT
        first, last = before["file00000"], before[f"file{COUNT - 1:05d}"]
        disturbances: dict[str, list[Disturb]] = {
            "slide to the front": [partial(removed_and_made, other, first)],
            "slide to the back": [partial(renamed, other, last, "a")],
            "two ways": [partial(renamed, other, first, "zz"), partial(renamed, other, last, "a")],
        }
        offsets = between_pages(provider, monkeypatch, *disturbances[how])
        after = [node.id for node in await provider.children(room)]
        kept = {node.id for node in before.values()} - ({first.id} if how == "slide to the front" else set())
        assert kept <= set(after)
        assert len(set(after)) == len(after) == COUNT
        assert offsets == [0, PAGE - 1] * (len(disturbances[how]) + 1)

    run(action, me)


def test_a_list_that_never_rests_is_no_list(calm_sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    me = person(calm_sandbox)

    async def action() -> None:
        provider, other, room = me.provider(), me.provider(), me.room()
        me.sandbox.control.populate(int(room), COUNT)
        before = {node.name: node for node in await provider.children(room)}
        victims = [before[f"file{number:05d}"] for number in range(9)]
        between_pages(provider, monkeypatch, *[partial(removed_and_made, other, each) for each in victims])
        with pytest.raises(Busy):
            await provider.children(room)

    run(action, me)


def test_a_list_that_rests_is_read_once(calm_sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    me = person(calm_sandbox)

    async def action() -> None:
        provider, room = me.provider(), me.room()
        me.sandbox.control.populate(int(room), 2 * PAGE - 1)
        offsets = between_pages(provider, monkeypatch)
        assert len(await provider.children(room)) == 2 * PAGE - 1
        assert offsets == [0, PAGE - 1]
        await put(provider, room, "one more", b"")
        assert len(await provider.children(room)) == 2 * PAGE
        assert offsets[2:] == [0, PAGE - 1, 2 * PAGE - 2]

    run(action, me)
