"""What the user hears of at once."""

from pathlib import Path

import trio

from mountcloud.model.errors import AuthenticationRequired, Forbidden, QuotaExceeded
from mountcloud.model.notice import Notice, NoticeKind
from mountcloud.providers.memory import MemoryProvider
from mountcloud.providers.memory_service import MemoryService
from tests.unit.engine.harness import CONFLICT, Machine, Remote, on_trio


async def listened_to(tmp_path: Path, service: MemoryService, nursery: trio.Nursery) -> tuple[Machine, list[Notice]]:
    """A machine, and what its user hears."""
    here, heard = await Machine(tmp_path, MemoryProvider(service), nursery).boot(), list[Notice]()
    for each in (here.syncer, here.replayer, here.replayer.resolver, here.removals):
        each.told = heard.append
    return here, heard


@on_trio
async def test_a_conflict_names_both_files(tmp_path: Path, service: MemoryService, remote: Remote) -> None:
    remote.write("a.txt", b"base")
    async with trio.open_nursery() as nursery:
        here, heard = await listened_to(tmp_path, service, nursery)
        await here.tree()
        await here.write("a.txt", b"here")
        remote.write("a.txt", b"there")
        await here.settle()
        (notice,) = heard
        assert notice.kind is NoticeKind.CONFLICT
        assert "a.txt was changed here and on the service" in notice.text
        assert f"a{CONFLICT}.txt" in notice.text
        nursery.cancel_scope.cancel()


@on_trio
async def test_what_is_refused_is_told_and_a_full_account_apart(tmp_path: Path, service: MemoryService) -> None:
    async with trio.open_nursery() as nursery:
        here, heard = await listened_to(tmp_path, service, nursery)
        await here.list("")
        for name, failure in (("large", QuotaExceeded("no room")), ("secret", Forbidden("not you"))):
            service.faults.fail_next("upload", failure)
            await here.write(name, b"x")
            await here.drain()
        assert heard == [Notice(NoticeKind.QUOTA, "large: no room"), Notice(NoticeKind.FAILED, "secret: not you")]
        nursery.cancel_scope.cancel()


@on_trio
async def test_a_log_in_that_is_over_is_told_once_until_it_works_again(tmp_path: Path, service: MemoryService) -> None:
    async with trio.open_nursery() as nursery:
        here, heard = await listened_to(tmp_path, service, nursery)
        await here.list("")
        for refused, told in ((True, 1), (True, 1), (False, 1), (True, 2)):
            if refused:
                service.faults.fail_next("children", AuthenticationRequired("the token is refused"))
            await here.syncer.poll_safely()
            assert (here.syncer.healthy, len(heard)) == (not refused, told)
            assert here.syncer.trouble == ("the token is refused" if refused else "")
        assert {each.kind for each in heard} == {NoticeKind.LOGIN}
        nursery.cancel_scope.cancel()


@on_trio
async def test_removals_that_wait_are_told(tmp_path: Path, service: MemoryService, remote: Remote) -> None:
    for number in range(201):
        remote.write(f"{number}", b"")
    async with trio.open_nursery() as nursery:
        here, heard = await listened_to(tmp_path, service, nursery)
        await here.tree()
        for number in range(201):
            await here.unlink(f"{number}")
        assert [each.kind for each in heard] == [NoticeKind.GUARD]
        nursery.cancel_scope.cancel()
