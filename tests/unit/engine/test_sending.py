"""What was closed arrives on the service: whole, once, under its last name."""

import os
from pathlib import Path

import pytest
import trio

from mountcloud.model.errors import (
    AuthenticationRequired,
    Blocked,
    Failure,
    Forbidden,
    InvalidName,
    QuotaExceeded,
    Throttled,
    TooLarge,
    Unavailable,
)
from mountcloud.model.names import NameRules
from mountcloud.model.operation import OperationState
from mountcloud.model.provider import Capabilities
from mountcloud.providers.memory import MemoryProvider
from mountcloud.providers.memory_faults import Fault
from mountcloud.providers.memory_service import MemoryService
from tests.unit.engine.harness import Machine, Remote, SlowReader, on_trio


@on_trio
async def test_a_closed_file_arrives_byte_exact(tmp_path: Path, service: MemoryService, remote: Remote) -> None:
    data = os.urandom(3 << 20)
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.write("a", data)
        assert remote.tree() == {}, "close does not wait for the service"
        await here.drain()
        assert remote.tree() == {"a": data}
        assert (here.owed, here.staged) == ([], [])
        assert remote.calls == {"upload": 1}
        nursery.cancel_scope.cancel()


@on_trio
async def test_a_queued_upload_follows_a_rename(tmp_path: Path, service: MemoryService, remote: Remote) -> None:
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.write("a", b"1")
        await here.mkdir("d")
        await here.rename("a", "d/b")
        await here.drain()
        assert remote.tree() == {"d": {"b": b"1"}}
        assert remote.calls == {"make_directory": 1, "upload": 1}
        nursery.cancel_scope.cancel()


@pytest.mark.semantics("close-one-upload")
@on_trio
async def test_saving_beside_and_over_is_one_upload(tmp_path: Path, service: MemoryService, remote: Remote) -> None:
    before = remote.write("a", b"old")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.save("a", b"new")
        await here.drain()
        assert remote.tree() == {"a": b"new"}
        assert remote.node("a").id == before.id
        assert remote.calls == {"upload": 1}
        nursery.cancel_scope.cancel()


@on_trio
async def test_saving_twice_before_the_upload_keeps_the_identity(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    before = remote.write("a", b"old")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.save("a", b"new")
        await here.save("a", b"newer")
        await here.drain()
        assert remote.tree() == {"a": b"newer"}
        assert remote.node("a").id == before.id
        assert remote.calls == {"upload": 1}
        nursery.cancel_scope.cancel()


@on_trio
async def test_saving_again_while_the_first_save_is_sent(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    remote.write("a", b"old")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.save("a", b"new")
        held = service.faults.hold_next("upload")
        here.replayer.hurry()
        await held.arrived.wait()
        await here.save("a", b"newer")
        assert held.gate is not None
        held.gate.set()
        await here.settle()
        assert remote.tree() == {"a": b"newer"}
        assert await here.tree() == {"a": b"newer"}
        assert (here.owed, here.staged) == ([], [])
        nursery.cancel_scope.cancel()


@on_trio
async def test_what_is_removed_before_it_was_sent_is_no_call(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.write("a", b"1")
        await here.unlink("a")
        await here.mkdir("d")
        await here.write("d/b", b"1")
        await here.unlink("d/b")
        await here.rmdir("d")
        await here.drain()
        assert remote.calls == {}
        assert here.staged == []
        nursery.cancel_scope.cancel()


@on_trio
async def test_a_write_while_sending_sends_the_newer_state(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    async with trio.open_nursery() as nursery:
        provider = SlowReader(service)
        here = await Machine(tmp_path, provider, nursery).boot()
        provider.gate = trio.Event()
        await here.write("a", b"first state")
        here.replayer.hurry()
        await provider.reading.wait()
        await here.write("a", b"other state", os.O_WRONLY)
        provider.gate.set()
        await here.drain()
        assert remote.tree() == {"a": b"other state"}
        assert remote.calls == {"upload": 1}
        nursery.cancel_scope.cancel()


@on_trio
async def test_a_save_after_the_bytes_were_read_is_sent_next(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.write("a", b"first state")
        held = service.faults.hold_next("upload")
        here.replayer.hurry()
        await held.arrived.wait()
        await here.write("a", b"other state", os.O_WRONLY)
        assert held.gate is not None
        held.gate.set()
        await here.drain()
        assert remote.tree() == {"a": b"other state"}
        assert [binned.stored for binned in service.bin] == [b"first state"]
        assert here.staged == []
        nursery.cancel_scope.cancel()


@on_trio
async def test_trouble_is_outlasted(tmp_path: Path, service: MemoryService, remote: Remote) -> None:
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        for failure in (Unavailable("no answer"), Unavailable("slow", retry_after=100), AuthenticationRequired("who?")):
            service.faults.fail_next("upload", failure)
        started = trio.current_time()
        await here.write("a", b"1")
        await here.drain()
        assert remote.tree() == {"a": b"1"}
        assert trio.current_time() - started > 160, "named waits are kept"
        nursery.cancel_scope.cancel()


@pytest.mark.durability("refused-kept")
@pytest.mark.parametrize(
    "refusal",
    [Forbidden("not you"), QuotaExceeded("no room"), InvalidName("not that name"), Blocked("a virus"), TooLarge("no")],
)
@on_trio
async def test_what_cannot_be_sent_is_parked_with_its_bytes_and_told(
    tmp_path: Path, service: MemoryService, remote: Remote, refusal: Failure
) -> None:
    told: list[str] = []
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        here.replayer.told = lambda notice: told.append(notice.text)
        service.faults.fail_next("upload", refusal)
        await here.write("a", b"1")
        await here.drain()
        await trio.sleep(4000)
        assert [(each.state, each.error) for each in here.owed] == [(OperationState.PARKED, str(refusal))]
        assert told == [f"a: {refusal.message}"]
        assert remote.calls == {"upload": 1}, "it is not tried again by itself"
        assert await here.read("a") == b"1"
        assert here.replayer.retry_parked() == 1
        await here.drain()
        assert remote.tree() == {"a": b"1"}
        nursery.cancel_scope.cancel()


@on_trio
async def test_the_service_says_when_it_may_be_asked_again(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        service.faults.fail_next("upload", Throttled("slowly", retry_after=1000))
        await here.write("a", b"1")
        await trio.sleep(990)
        assert remote.calls == {"upload": 1}
        await trio.sleep(320)
        assert remote.calls == {"upload": 2}
        assert remote.tree() == {"a": b"1"}
        nursery.cancel_scope.cancel()


@on_trio
async def test_what_is_parked_can_be_removed(tmp_path: Path, service: MemoryService, remote: Remote) -> None:
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        service.faults.fail_next("upload", Forbidden("not you"))
        await here.write("a", b"1")
        await here.drain()
        await here.unlink("a")
        await here.drain()
        assert (here.owed, here.staged) == ([], [])
        assert remote.tree() == {}
        nursery.cancel_scope.cancel()


@on_trio
async def test_what_is_parked_is_tried_again_elsewhere(tmp_path: Path, service: MemoryService, remote: Remote) -> None:
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        service.faults.fail_next("upload", Forbidden("not here"))
        await here.write("a", b"1")
        await here.drain()
        await here.rename("a", "b")
        await here.drain()
        assert remote.tree() == {"b": b"1"}
        assert here.owed == []
        nursery.cancel_scope.cancel()


@on_trio
async def test_waiting_for_the_rest_ends_at_what_is_parked(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    remote.write("a", b"old")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        service.faults.fail_next("move", Forbidden("not you"))
        await here.rename("a", "b")
        await here.write("b", b"new")
        await here.drain()
        assert [each.state for each in here.owed] == [OperationState.PARKED, OperationState.QUEUED]
        here.replayer.retry_parked()
        await here.drain()
        assert remote.tree() == {"b": b"new"}
        nursery.cancel_scope.cancel()


@on_trio
async def test_waiting_for_the_rest_does_not_wait_for_programs(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    remote.write("a", b"old")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        handle = await here.open("a")
        await here.unlink("a")
        await here.drain()
        assert remote.tree() == {"a": b"old"}
        assert await here.fs.files.read(handle, 0, 100) == b"old"
        await here.close(handle)
        await here.drain()
        assert remote.tree() == {}
        nursery.cancel_scope.cancel()


@on_trio
async def test_an_unlinked_file_whose_upload_failed_once_goes_for_good(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        held = service.faults.add("upload", Fault(Unavailable("no answer"), trio.Event()))
        await here.write("a", b"1")
        here.replayer.hurry()
        await held.arrived.wait()
        handle = await here.open("a")
        await here.unlink("a")
        await here.close(handle)
        assert held.gate is not None
        held.gate.set()
        await here.settle()
        assert (here.owed, here.staged) == ([], [])
        assert remote.tree() == {}
        assert await here.tree() == {}
        nursery.cancel_scope.cancel()


@on_trio
async def test_a_time_set_before_the_last_save_does_not_come_after_it(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.write("a", b"1")
        held = service.faults.hold_next("upload")
        here.replayer.hurry()
        await held.arrived.wait()
        await here.set_mtime("a", 7_000_000_000)
        await here.write("a", b"2")
        shown = (await here.stat("a")).mtime_ns
        assert held.gate is not None
        held.gate.set()
        await here.settle()
        assert abs(remote.node("a").mtime_ns - shown) <= 1_000_000
        assert (await here.stat("a")).mtime_ns == shown
        nursery.cancel_scope.cancel()


@pytest.mark.semantics("close-no-placeholder")
@on_trio
async def test_an_empty_file_that_is_open_for_writing_is_not_sent(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        handle = await here.open("a", os.O_WRONLY | os.O_CREAT)
        here.fs.files.flush(handle)
        await trio.sleep(10)
        assert remote.calls == {}
        await here.fs.files.write(handle, 0, b"1")
        await here.close(handle)
        await here.drain()
        assert remote.calls == {"upload": 1}
        assert remote.tree() == {"a": b"1"}
        nursery.cancel_scope.cancel()


@on_trio
async def test_a_file_is_wrapped_into_a_directory_of_its_name(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    """The directory waits for the name that the file leaves, the file for the directory."""
    remote.write("a", b"1")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.list()
        await here.mkdir("d")
        await here.rename("a", "d/a")
        await here.rename("d", "a")
        await here.drain()
        assert remote.tree() == {"a": {"a": b"1"}} == await here.tree()
        nursery.cancel_scope.cancel()


@on_trio
async def test_two_names_that_the_service_takes_for_one_follow_each_other(tmp_path: Path) -> None:
    service = MemoryService(Capabilities(names=NameRules(case_sensitive=False)))
    remote = Remote(service)
    remote.write("A", b"1")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.list()
        held = service.faults.hold_next("remove")
        await here.unlink("A")
        await here.write("a", b"2")
        await held.arrived.wait()
        await trio.sleep(10)
        assert held.gate is not None
        held.gate.set()
        await here.drain()
        assert remote.tree() == {"a": b"2"}
        nursery.cancel_scope.cancel()


@on_trio
async def test_a_directory_that_something_passed_through_is_made_and_removed(
    tmp_path: Path, service: MemoryService, remote: Remote
) -> None:
    remote.write("a", b"1")
    async with trio.open_nursery() as nursery:
        here = await Machine(tmp_path, MemoryProvider(service), nursery).boot()
        await here.list()
        await here.mkdir("d")
        await here.rename("a", "d/a")
        await here.write("z", b"2")
        await here.rename("d/a", "b")
        await here.rmdir("d")
        await here.drain()
        assert remote.tree() == {"b": b"1", "z": b"2"} == await here.tree()
        nursery.cancel_scope.cancel()
