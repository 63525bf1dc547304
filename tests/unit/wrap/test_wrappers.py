from collections.abc import Awaitable, Callable
from itertools import count

import pytest
import trio
import trio.testing

from mountcloud.model.errors import (
    AccountBlocked,
    AuthenticationRequired,
    Busy,
    Failure,
    NotFound,
    Throttled,
    Unavailable,
)
from mountcloud.model.ids import Cursor
from mountcloud.model.provider import Capabilities, ChangeFeed, Provider, UploadTarget
from mountcloud.model.span import StoredSpan
from mountcloud.policy.lanes import QUICK
from mountcloud.providers.memory import MemoryProvider
from mountcloud.providers.memory_service import MemoryService
from mountcloud.providers.wrap.limited import limited
from mountcloud.providers.wrap.retrying import retrying
from tests.conformance.content import BytesSource

Act = Callable[[], Awaitable[object]]


def with_virtual_time(test: Callable[[MemoryProvider], Awaitable[None]]) -> Callable[[], None]:
    def run() -> None:
        service = MemoryService(Capabilities(change_feed=ChangeFeed.CURSOR, max_concurrency=4))
        trio.run(test, MemoryProvider(service), clock=trio.testing.MockClock(autojump_threshold=0))

    return run


async def every_call(inner: MemoryProvider, outer: Provider) -> tuple[dict[str, Act], dict[str, Act]]:
    """Calls that may be repeated and calls that may not, by the name under which faults know them."""
    root = inner.service.root
    file = await inner.upload(UploadTarget(root, "file", None, 3, 0), BytesSource(b"abc"))
    content = await outer.open(file)
    reads: dict[str, Act] = {
        "root": outer.root,
        "node": lambda: outer.node(file.ref),
        "children": lambda: outer.children(root),
        "changes": lambda: outer.changes(Cursor("0")),
        "usage": outer.usage,
        "open": lambda: outer.open(file),
        "fetch": lambda: content.fetch(StoredSpan(0, 3)),
    }
    changes: dict[str, Act] = {
        "upload": lambda: outer.upload(UploadTarget(root, "new", None, 3, 0), BytesSource(b"abc")),
        "make_directory": lambda: outer.make_directory(root, "directory", 0),
        "move": lambda: outer.move(file.ref, root, "renamed", None),
        "set_times": lambda: outer.set_times(file.ref, 5),
        "remove": lambda: outer.remove(file.ref),
    }
    return reads, changes


@with_virtual_time
async def test_reads_are_tried_again_and_changes_are_not(inner: MemoryProvider) -> None:
    reads, changes = await every_call(inner, retrying(inner))
    faults = inner.service.faults
    faults.calls.clear()
    for name, act in reads.items():
        faults.fail_next(name, Unavailable("once"))
        faults.fail_next(name, Busy("twice"))
        await act()
        assert faults.calls[name] == 3
    for name, act in changes.items():
        faults.fail_next(name, Unavailable("once"))
        with pytest.raises(Unavailable, match="once"):
            await act()
        assert faults.calls[name] == 1


@pytest.mark.parametrize("failure", [NotFound("gone"), AuthenticationRequired("log in"), AccountBlocked("terms")])
def test_what_only_somebody_can_end_is_not_tried_again(failure: Failure) -> None:
    @with_virtual_time
    async def test(inner: MemoryProvider) -> None:
        inner.service.faults.fail_next("root", failure)
        with pytest.raises(type(failure)):
            await retrying(inner).root()
        assert inner.service.faults.calls["root"] == 1

    test()


@with_virtual_time
async def test_waits_grow_by_the_policy(inner: MemoryProvider) -> None:
    for _ in range(3):
        inner.service.faults.fail_next("root", Unavailable("down"))
    await retrying(inner, jitter=lambda: 0.5).root()
    assert trio.current_time() == pytest.approx(0.5 + 1 + 2)


@with_virtual_time
async def test_who_waits_in_front_of_a_program_looks_often_whether_the_service_is_back(inner: MemoryProvider) -> None:
    for _ in range(8):
        inner.service.faults.fail_next("root", Unavailable("down"))
    await retrying(inner, jitter=lambda: 0.999).root()
    assert trio.current_time() == pytest.approx(1 + 2 + 6 * 4, abs=0.1)


@with_virtual_time
async def test_the_service_says_how_long_to_wait(inner: MemoryProvider) -> None:
    inner.service.faults.fail_next("root", Throttled("slowly", retry_after=20))
    await retrying(inner, jitter=lambda: 0.5).root()
    assert trio.current_time() == pytest.approx(20.5)


@with_virtual_time
async def test_the_last_failure_comes_before_the_deadline(inner: MemoryProvider) -> None:
    for number in range(100):
        inner.service.faults.fail_next("root", Unavailable(f"number {number}"))
    with pytest.raises(Unavailable, match="number 6"):
        await retrying(inner, give_up_after=20, jitter=lambda: 0.999).root()
    assert trio.current_time() == pytest.approx(19, abs=0.1)
    assert inner.service.faults.calls["root"] == 7


@with_virtual_time
async def test_a_wait_past_the_deadline_is_not_begun(inner: MemoryProvider) -> None:
    inner.service.faults.fail_next("root", Throttled("tomorrow", retry_after=86_400))
    with pytest.raises(Throttled):
        await retrying(inner).root()
    assert trio.current_time() == 0


async def most_at_once(inner: MemoryProvider, method: str, act: Act, callers: int) -> int:
    """How many of the calls arrive at the service before any of them is answered."""
    held = [inner.service.faults.hold_next(method) for _ in range(callers)]
    async with trio.open_nursery() as nursery:
        for _ in held:
            nursery.start_soon(act)
        await trio.testing.wait_all_tasks_blocked()
        arrived = sum(fault.arrived.is_set() for fault in held)
        for fault in held:
            assert fault.gate is not None
            fault.gate.set()
    return arrived


@with_virtual_time
async def test_no_more_calls_at_once_than_the_service_likes(inner: MemoryProvider) -> None:
    reads, changes = await every_call(inner, limited(inner))
    repeatable = reads | {"set_times": changes["set_times"]}
    for name, act in repeatable.items():
        assert await most_at_once(inner, name, act, 7) == (3 if name == "fetch" else 4)


@with_virtual_time
async def test_uploads_leave_half_of_the_slots_to_others(inner: MemoryProvider) -> None:
    outer = limited(inner)
    held = [inner.service.faults.hold_next("upload") for _ in range(6)]
    async with trio.open_nursery() as nursery:
        for number in range(6):
            target = UploadTarget(inner.service.root, f"file {number}", None, QUICK + 1, 0)
            nursery.start_soon(outer.upload, target, BytesSource(bytes(QUICK + 1)))
        await trio.testing.wait_all_tasks_blocked()
        assert sum(fault.arrived.is_set() for fault in held) == 2
        assert await most_at_once(inner, "root", outer.root, 7) == 2
        for fault in held:
            assert fault.gate is not None
            fault.gate.set()
    assert len(await outer.children(inner.service.root)) == 6


@with_virtual_time
async def test_small_uploads_are_calls_like_others(inner: MemoryProvider) -> None:
    async def upload() -> None:
        target = UploadTarget(inner.service.root, f"file {next(numbers)}", None, 1, 0)
        await outer.upload(target, BytesSource(b"x"))

    outer, numbers = limited(inner), count()
    assert await most_at_once(inner, "upload", upload, 7) == 4


@with_virtual_time
async def test_a_directory_opens_while_large_files_are_on_their_way(inner: MemoryProvider) -> None:
    outer = limited(inner)
    file = await inner.upload(UploadTarget(inner.service.root, "file", None, 3, 0), BytesSource(b"abc"))
    content = await outer.open(file)
    held = [inner.service.faults.hold_next("fetch") for _ in range(8)]
    async with trio.open_nursery() as nursery:
        for _ in held:
            nursery.start_soon(content.fetch, StoredSpan(0, 3))
        await trio.testing.wait_all_tasks_blocked()
        with trio.fail_after(1):
            assert len(await outer.children(inner.service.root)) == 1
        nursery.cancel_scope.cancel()


@with_virtual_time
async def test_closing_goes_through(inner: MemoryProvider) -> None:
    outer = retrying(limited(inner))
    file = await outer.upload(UploadTarget(inner.service.root, "file", None, 3, 0), BytesSource(b"abc"))
    content = await outer.open(file)
    assert (content.stored_size, content.cipher.plain_size) == (3, 3)
    await content.aclose()
    await outer.aclose()
    assert [inner.service.faults.calls[name] for name in ("close", "aclose")] == [1, 1]


def test_one_slot_is_enough_for_everything() -> None:
    async def main() -> None:
        inner = MemoryProvider(MemoryService(Capabilities(max_concurrency=1, change_feed=ChangeFeed.CURSOR)))
        reads, changes = await every_call(inner, retrying(limited(inner)))
        for act in (reads | changes).values():
            await act()

    trio.run(main)
