"""What the provider does where the service promises nothing: lists in pages, tasks, renames, crashes in between."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
import trio

from mountcloud.model.errors import (
    AuthenticationRequired,
    Conflict,
    Exists,
    Failure,
    InvalidName,
    NotEmpty,
    Outdated,
    Refused,
    Throttled,
    Unavailable,
)
from mountcloud.model.node import Rights
from mountcloud.model.operation import Slot
from mountcloud.model.places import Places
from mountcloud.model.span import StoredSpan
from mountcloud.providers.memory_places import MemoryPlaces
from mountcloud.providers.smartfile import tasks
from mountcloud.providers.smartfile.changes import RENAMES
from mountcloud.providers.smartfile.spools import RANGES
from mountcloud.providers.smartfile.tree import ASIDE
from mountcloud.providers.smartfile.wire import Entry, KeptTime, Token, kept_time
from tests.real_server import Bytes, on_real_trio
from tests.smartfile.provider import MTIME_NS, child, new_file, over, provider_of, put, read
from tests.smartfile.server import SmartFileServer
from tests.smartfile.service import Service

MIB = 1 << 20


def refusing() -> Places:
    """A book of an account of which is known that its renames take no name."""
    places = MemoryPlaces()
    places.set_note(RENAMES, "refuse")
    return places


@on_real_trio
async def test_a_name_that_slips_over_the_edge_of_a_page_is_no_removal(
    smartfile: SmartFileServer, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    smartfile.control.set(page_limit=2)
    for name in "abcde":
        service.put(name, b"1")
    async with provider_of(service) as provider:
        root = await provider.root()
        before = {node.name: node.id for node in await provider.children(root.id)}
        assert set(before) == set("abcde")
        page = provider._api._page

        async def first_is_removed_between(path: tuple[str, ...], number: int) -> object:
            found = await page(path, number)
            if number == 1:
                service.remove("a")
            return found

        monkeypatch.setattr(provider._api, "_page", first_is_removed_between)
        listed = {node.name: node.id for node in await provider.children(root.id)}
        assert {name: listed[name] for name in "bcde"} == {name: before[name] for name in "bcde"}


@on_real_trio
async def test_a_server_that_lists_no_thousand_is_asked_for_a_hundred(
    smartfile: SmartFileServer, service: Service
) -> None:
    smartfile.control.call("POST", "/populate", account=service.key, path="/", count=120)
    smartfile.control.fault("/path/info/$", method="GET", status=400, skip=1)
    async with provider_of(service) as provider:
        root = await provider.root()
        assert len(await provider.children(root.id)) == 120


@pytest.mark.parametrize("replaces", [True, False])
@on_real_trio
async def test_whether_a_rename_takes_a_name_is_found_out(
    smartfile: SmartFileServer, service: Service, replaces: bool
) -> None:
    smartfile.control.set(rename_replaces=replaces)
    places = MemoryPlaces()
    async with provider_of(service, places) as provider:
        first = await put(provider, "f", b"first")
        second = await provider.upload(over(first, b"second"), Bytes(b"second"))
        third = await provider.upload(over(second, b"third"), Bytes(b"third"))
        other = await put(provider, "g", b"moved")
        await provider.move(other.ref, third.parent or third.id, "f", third.ref)
        assert (await child(provider, "f")).id == other.id
    assert (service.get("f"), service.names(), service.hidden()) == (b"moved", {"f"}, set())
    assert (places.note(RENAMES) == "refuse") is not replaces


@on_real_trio
async def test_what_was_written_at_the_last_moment_is_brought_back(
    smartfile: SmartFileServer, service: Service
) -> None:
    async with provider_of(service, refusing()) as provider:
        base = await put(provider, "f", b"base")
        rename = provider._api.rename

        async def too_late(old: tuple[str, ...], new: tuple[str, ...]) -> object:
            if new[-1].startswith(ASIDE):
                service.put("f", b"theirs, just in time")
            return await rename(old, new)

        provider._api.rename = too_late  # type: ignore[method-assign,assignment]  # another client
        with pytest.raises(Conflict):
            await provider.upload(over(base, b"ours"), Bytes(b"ours"))
        assert (await child(provider, "f")).id == base.id
    assert (service.get("f"), service.hidden()) == (b"theirs, just in time", set())


@pytest.mark.parametrize("which", [0, 1])
@on_real_trio
async def test_a_replacement_that_breaks_off_is_mended_at_the_next_look(
    smartfile: SmartFileServer, service: Service, which: int
) -> None:
    """After the first rename nothing has the name; after the second the new content has it."""
    places = refusing()
    async with provider_of(service, places) as provider:
        base = await put(provider, "f", b"base")
        smartfile.control.fault("/path/oper/rename", kind="lost_reply", skip=which)
        smartfile.control.fault("/", kind="drop", count=-1, skip=3 + which)
        with pytest.raises(Unavailable):
            await provider.upload(over(base, b"newer"), Bytes(b"newer"))
    smartfile.control.clear_faults()
    async with provider_of(service, places) as provider:
        found = await child(provider, "f")
        assert found.id == base.id
        assert await read(provider, found) == [b"base", b"newer"][which]
    assert service.names() == {"f"}
    assert not [name for name in service.hidden() if name.startswith(ASIDE)]


@pytest.mark.parametrize("last", ["rename", "delete"])
@on_real_trio
async def test_a_move_over_a_file_that_breaks_off_at_its_end_leaves_nothing(
    smartfile: SmartFileServer, service: Service, last: str
) -> None:
    """The moved file has the name; what had it before is gone from sight, and from the service after the next look."""
    places = refusing()
    async with provider_of(service, places) as provider:
        root = await provider.root()
        base, mover = await put(provider, "f", b"base"), await put(provider, "g", b"mover")
        if last == "rename":
            smartfile.control.fault("/path/oper/rename", kind="lost_reply", skip=1)
        smartfile.control.fault("/path/data", method="DELETE", kind="drop", count=-1)
        smartfile.control.fault("/", method="GET", agent="^mountcloud", kind="drop", count=-1, skip=3)
        with pytest.raises(Unavailable):
            await provider.move(mover.ref, root.id, "f", base.ref)
    assert len(service.hidden()) == 1
    smartfile.control.clear_faults()
    async with provider_of(service, places) as provider:
        moved = await provider.move(mover.ref, root.id, "f", base.ref)
        assert (moved.id, await read(provider, moved)) == (mover.id, b"mover")
        assert [each.id for each in await provider.children(root.id)] == [mover.id]
    assert (service.names(), service.hidden()) == ({"f"}, set())


@on_real_trio
async def test_a_directory_that_is_not_empty_after_all_is_brought_back(
    smartfile: SmartFileServer, service: Service
) -> None:
    async with provider_of(service) as provider:
        root = await provider.root()
        directory = await provider.make_directory(root.id, "d", MTIME_NS)
        rename = provider._api.rename

        async def too_late(old: tuple[str, ...], new: tuple[str, ...]) -> object:
            if new[-1].startswith(ASIDE):
                service.put("d/f", b"theirs")
            return await rename(old, new)

        provider._api.rename = too_late  # type: ignore[method-assign,assignment]  # another client
        with pytest.raises(NotEmpty):
            await provider.remove(directory.ref)
        assert (await child(provider, "d")).id == directory.id
    assert (service.get("d/f"), service.hidden()) == (b"theirs", set())


@on_real_trio
async def test_tasks_are_waited_for(smartfile: SmartFileServer, service: Service) -> None:
    smartfile.control.set(task_seconds=0.7)
    async with provider_of(service) as provider:
        root = await provider.root()
        directory = await provider.make_directory(root.id, "d", MTIME_NS)
        smartfile.control.fault("/task/", status=502, body="html")
        await provider.remove(directory.ref)
        assert list(await provider.children(root.id)) == []
    assert (service.names(), service.hidden()) == (set(), set())
    assert 2 <= smartfile.control.requests().count("GET", "/task/") <= 6


@on_real_trio
async def test_what_a_task_leaves_alone_is_reported_and_stays(smartfile: SmartFileServer, service: Service) -> None:
    smartfile.control.set(task_refuses=ASIDE)
    async with provider_of(service) as provider:
        root = await provider.root()
        directory = await provider.make_directory(root.id, "d", MTIME_NS)
        with pytest.raises(NotEmpty, match="Directory is not empty"):
            await provider.remove(directory.ref)
        assert (await child(provider, "d")).id == directory.id
    assert service.names() == {"d"}


@on_real_trio
async def test_where_files_cannot_be_removed_at_once_a_task_does_it(
    smartfile: SmartFileServer, service: Service
) -> None:
    smartfile.control.set(version_3=False)
    async with provider_of(service) as provider:
        file = await put(provider, "f", b"1")
        await provider.remove(file.ref)
    assert service.names() == set()
    assert smartfile.control.requests().count("POST", "/path/oper/remove") == 1


@on_real_trio
async def test_errors_that_come_as_success_are_errors(smartfile: SmartFileServer, service: Service) -> None:
    smartfile.control.call("PUT", "/rights", account=service.key, path="/", denied="d")
    async with provider_of(service) as provider:
        service.put("f", b"1")
        file = await child(provider, "f")
        with pytest.raises(Failure, match="permission"):
            await provider.remove(replace(file.ref, version=type(file.version)("")))
    assert service.names() == {"f"}


@pytest.mark.parametrize("kind", ["503", "429"])
@on_real_trio
async def test_both_ways_of_being_throttled_are_waited_for(
    smartfile: SmartFileServer, service: Service, kind: str
) -> None:
    headers = {"X-Throttle": "throttled; next=0.05 sec"} if kind == "503" else {"Retry-After": "0.05"}
    async with provider_of(service) as provider:
        smartfile.control.fault("/path/", status=int(kind), headers=headers, count=2)
        started = trio.current_time()
        await provider.root()
        assert trio.current_time() - started >= 0.1
        smartfile.control.fault("/path/", status=int(kind), headers=headers, count=3)
        with pytest.raises(Throttled) as throttled:
            await provider.root()
        assert throttled.value.retry_after == 0.05
        smartfile.control.fault("/path/", status=503)
        with pytest.raises(Unavailable):
            await provider.root()


@on_real_trio
async def test_nothing_at_all_is_no_removal(smartfile: SmartFileServer, service: Service) -> None:
    async with provider_of(service) as provider:
        root = await provider.root()
        directory = await provider.make_directory(root.id, "d", MTIME_NS)
        smartfile.control.fault("/path/info", status=404, body="html", count=-1)
        for call in (provider.root, lambda: provider.children(directory.id), lambda: provider.node(directory.ref)):
            with pytest.raises(Unavailable):
                await call()


@pytest.mark.parametrize("body", ["html", "garbage", "empty"])
@on_real_trio
async def test_answers_that_are_none_are_not_believed(smartfile: SmartFileServer, service: Service, body: str) -> None:
    async with provider_of(service) as provider:
        root = await provider.root()
        smartfile.control.fault("/", status=200, body=body, count=-1)
        calls: list[Callable[[], Awaitable[object]]] = [
            provider.root,
            lambda: provider.children(root.id),
            lambda: provider.make_directory(root.id, "d", 0),
            lambda: put(provider, "f", b"1"),
        ]
        for call in calls:
            with pytest.raises(Unavailable):
                await call()


@on_real_trio
async def test_a_wrong_password_is_told_apart(service: Service) -> None:
    service.password = "wrong"
    async with provider_of(service) as provider:
        with pytest.raises(AuthenticationRequired):
            await provider.root()


@on_real_trio
async def test_a_file_that_changes_while_it_is_read_is_outdated(smartfile: SmartFileServer, service: Service) -> None:
    async with provider_of(service) as provider:
        node = await put(provider, "f", b"a" * 1000)
        content = await provider.open(node)
        assert await content.fetch(StoredSpan(0, 10)) == b"a" * 10
        service.put("f", b"b" * 1000)
        smartfile.control.call("PUT", "/times", account=service.key, path="/f", time=1_700_000_000)
        with pytest.raises(Outdated):
            await content.fetch(StoredSpan(10, 20))


@on_real_trio
async def test_a_service_that_sends_everything_is_asked_once(smartfile: SmartFileServer, service: Service) -> None:
    smartfile.control.set(ranges=False)
    places, data = MemoryPlaces(), random.Random(1).randbytes(3 * MIB)
    async with provider_of(service, places) as provider:
        content = await provider.open(await put(provider, "f", data))
        assert await content.fetch(StoredSpan(100, 200)) == data[100:200]
        assert (places.note(RANGES), provider.capabilities.ranged_reads) == ("whole", False)
        smartfile.control.forget_requests()
        parts: dict[int, bytes] = {}

        async def fetch(start: int) -> None:
            parts[start] = await content.fetch(StoredSpan(start, start + 1000))

        async with trio.open_nursery() as nursery:
            for start in range(0, 3 * MIB - 1000, MIB // 3):
                nursery.start_soon(fetch, start)
        assert all(part == data[start : start + 1000] for start, part in parts.items())
        assert smartfile.control.requests().count("GET", "/path/data/") == 1
        smartfile.control.fault("/path/data/", kind="cut", after=MIB, count=-1)
        other = await provider.open(await put(provider, "g", data))
        with pytest.raises(Unavailable):
            await other.fetch(StoredSpan(2 * MIB, 3 * MIB))
        smartfile.control.clear_faults()
        assert await other.fetch(StoredSpan(2 * MIB, 3 * MIB)) == data[2 * MIB :]


@on_real_trio
async def test_times_are_seen_by_our_other_machines(service: Service) -> None:
    async with provider_of(service) as provider:
        await put(provider, "f", b"1")
    async with provider_of(service) as elsewhere:
        assert (await child(elsewhere, "f")).mtime_ns == MTIME_NS
    service.put("f", b"other")
    async with provider_of(service) as elsewhere:
        assert (await child(elsewhere, "f")).mtime_ns > MTIME_NS


@on_real_trio
async def test_a_save_of_now_costs_no_call_for_its_time(smartfile: SmartFileServer, service: Service) -> None:
    async with provider_of(service) as provider:
        seen = service.put("other", b"")
        assert seen
        stamp = (await child(provider, "other")).mtime_ns
        root = await provider.root()
        smartfile.control.forget_requests()
        node = await provider.upload(replace(new_file(root.id, "f", b"1"), mtime_ns=stamp + 5), Bytes(b"1"))
        assert node.mtime_ns == stamp + 5
    requests = smartfile.control.requests()
    assert [each["method"] for each in requests.items] == ["POST", "GET", "POST"]


@on_real_trio
async def test_a_lost_answer_to_a_rename_is_looked_after(smartfile: SmartFileServer, service: Service) -> None:
    places = MemoryPlaces()
    async with provider_of(service, places) as provider:
        root = await provider.root()
        node = await put(provider, "f", b"1")
        smartfile.control.fault("/path/oper/rename", kind="lost_reply")
        with pytest.raises(Unavailable):
            await provider.move(node.ref, root.id, "g", None)
        assert places.get(node.id) is not None
        found = await provider.node(node.ref)
        assert (found.id, found.name) == (node.id, "g")
        again = await provider.move(node.ref, root.id, "g", None)
        assert Slot(again.parent or again.id, again.name) == Slot(root.id, "g")


@on_real_trio
async def test_our_own_names_are_not_for_files(service: Service) -> None:
    async with provider_of(service) as provider:
        with pytest.raises(InvalidName):
            await put(provider, ".mountcloud-upload-1", b"")


@on_real_trio
async def test_a_file_is_no_directory(service: Service) -> None:
    service.put("f", b"1")
    async with provider_of(service) as provider:
        root = await provider.root()
        with pytest.raises(Exists):
            await provider.make_directory(root.id, "f", 0)


def test_reports_of_tasks() -> None:
    def report(*, outer: str = "", inner: str = "", **result: object) -> tasks.Report:
        return tasks.report_of({"status": outer, "result": {"status": inner, "result": result} if inner else None})

    assert report(outer="SUCCESS").stand is tasks.Stand.DONE
    assert report(outer="PENDING", inner="SUCCESS").stand is tasks.Stand.DONE
    assert report(outer="SUCCESS", inner="PROGRESS").stand is tasks.Stand.UNDER_WAY
    assert report(inner="FAILURE", detail="why").detail == "why"
    assert report(inner="SUCCESS", errors={"/a": "b"}).errors == {"/a": "b"}
    odd_ones: list[object] = [None, [], "text", {"result": []}, {"status": 3}]
    for odd in odd_ones:
        assert tasks.report_of(odd).stand is tasks.Stand.UNDER_WAY


def test_polls_double_up_to_a_bound_and_end() -> None:
    pauses = list(tasks.pauses())
    assert pauses[:3] == [0.192, 0.384, 0.768]
    assert max(pauses) == 6.144
    assert 380 < sum(pauses) <= 393


@on_real_trio
async def test_a_task_that_failed_says_why(smartfile: SmartFileServer, service: Service) -> None:
    async with provider_of(service) as provider:
        await put(provider, "f", b"1")
        with pytest.raises(Refused, match="unknown"):
            await provider._api.checksum(("f",), "CRC")


def test_a_kept_time_is_read_back() -> None:
    kept = KeptTime(-5, Token("2026-01-01T00:00:00", 7))
    entry = Entry("f", False, 7, kept.token.time, Rights.ALL, {"mountcloud-mtime": kept.text})
    assert kept_time(entry) == kept
    for broken in ("", "x", "5", "5 x", "a 2026;7"):
        assert kept_time(replace(entry, attributes={"mountcloud-mtime": broken})) is None
