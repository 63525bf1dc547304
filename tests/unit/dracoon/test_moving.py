import pytest

from mountcloud.model.errors import (
    Conflict,
    CrossesBoundary,
    Exists,
    NotEmpty,
    NotFound,
    NotPermitted,
    Unavailable,
)
from mountcloud.model.ids import NodeId, Ref, Version
from tests.conformance.content import MTIME_NS, read
from tests.sandbox.account import fresh
from tests.sandbox.fixture import RunningSandbox
from tests.unit.dracoon.service import person, put, run

TOP = NodeId("0")


@pytest.mark.parametrize("replacing", [False, True])
@pytest.mark.parametrize("reparent", [False, True])
def test_a_move_whose_answer_was_lost_can_be_repeated(
    calm_sandbox: RunningSandbox, *, reparent: bool, replacing: bool
) -> None:
    me = person(calm_sandbox)

    async def action() -> None:
        provider, room = me.provider(), me.room()
        target = (await provider.make_directory(room, "directory", MTIME_NS)).id if reparent else room
        file = await put(provider, room, "file", b"moved")
        old = (await put(provider, target, "new name", b"old")).ref if replacing else None
        calm_sandbox.control.fault("/move_to$" if reparent else r"/nodes/files/\d+$", method="P", kind="lost_reply")
        with pytest.raises(Unavailable):
            await provider.move(file.ref, target, "new name", old)
        calm_sandbox.control.forget_requests()
        moved = await provider.move(file.ref, target, "new name", old)
        assert set(calm_sandbox.control.requests().counts) == {"GET /api/v4/nodes/{id}"}
        assert (moved.id, moved.version, moved.parent, moved.name) == (file.id, file.version, target, "new name")
        assert moved.mtime_ns == file.mtime_ns
        assert [child.ref for child in await provider.children(target) if not child.is_directory] == [file.ref]
        assert await read(provider, moved) == b"moved"

    run(action, me)


def test_a_move_that_died_between_its_two_steps_can_be_repeated(calm_sandbox: RunningSandbox) -> None:
    me = person(calm_sandbox)

    async def action() -> None:
        provider, room = me.provider(), me.room()
        file, old = await put(provider, room, "file", b"moved"), await put(provider, room, "old", b"old")
        calm_sandbox.control.fault(r"/nodes/files/\d+$", method="PUT", status=503)
        with pytest.raises(Unavailable):
            await provider.move(file.ref, room, "old", old.ref)
        assert [child.name for child in await provider.children(room)] == ["file"]
        moved = await provider.move(file.ref, room, "old", old.ref)
        assert (moved.ref, moved.name) == (file.ref, "old")

    run(action, me)


def test_only_what_is_in_the_way_and_known_makes_way(calm_sandbox: RunningSandbox) -> None:
    me = person(calm_sandbox)

    async def action() -> None:
        provider, room = me.provider(), me.room()
        file, aside = await put(provider, room, "file", b"1"), await put(provider, room, "aside", b"2")
        target = await put(provider, room, "target", b"3")
        with pytest.raises(Exists):
            await provider.move(file.ref, room, "target", aside.ref)
        newer = await put(me.provider(), room, "target", b"4", target)
        with pytest.raises(Conflict):
            await provider.move(file.ref, room, "target", target.ref)
        names = {child.name: child.ref for child in await provider.children(room)}
        assert names == {"file": file.ref, "aside": aside.ref, "target": newer.ref}

    run(action, me)


def test_a_directory_makes_way_only_if_it_is_empty(calm_sandbox: RunningSandbox) -> None:
    me = person(calm_sandbox)

    async def action() -> None:
        provider, room = me.provider(), me.room()
        moving, full = [await provider.make_directory(room, name, MTIME_NS) for name in ("moving", "full")]
        kept = await put(provider, full.id, "kept", b"x")
        with pytest.raises(NotEmpty):
            await provider.move(moving.ref, room, "full", full.ref)
        assert await read(provider, kept) == b"x"
        await provider.remove(kept.ref)
        assert (await provider.move(moving.ref, room, "full", full.ref)).id == moving.id

    run(action, me)


def test_rooms_stay_where_they_are(calm_sandbox: RunningSandbox) -> None:
    me = person(calm_sandbox)

    async def action() -> None:
        provider = me.provider()
        room = await provider.make_directory(TOP, fresh("room"), MTIME_NS)
        other = await provider.make_directory(TOP, fresh("room"), MTIME_NS)
        folder = await provider.make_directory(room.id, "folder", MTIME_NS)
        with pytest.raises(NotPermitted):
            await provider.move(room.ref, other.id, "inside", None)
        with pytest.raises(NotPermitted):
            await provider.move(folder.ref, TOP, "folder", None)
        renamed = await provider.move(room.ref, TOP, fresh("renamed"), None)
        assert (renamed.id, renamed.mtime_ns) == (room.id, room.mtime_ns)
        timed = await provider.set_times(room.ref, 5_000_000)
        assert timed.mtime_ns == 5_000_000
        await provider.remove(other.ref)
        with pytest.raises(NotFound):
            await provider.node(other.ref)

    run(action, me)


def test_nothing_is_moved_over_an_encryption_boundary(calm_sandbox: RunningSandbox) -> None:
    me = person(calm_sandbox, "RSA-4096")

    async def action() -> None:
        provider, plain, secret = me.provider(), me.room(), me.room(encrypted=True)
        for here, there in ((plain, secret), (secret, plain)):
            file = await put(provider, here, "file", b"x")
            folder = await provider.make_directory(here, "folder", MTIME_NS)
            for node in (file, folder):
                with pytest.raises(CrossesBoundary):
                    await provider.move(node.ref, there, "name", None)

    run(action, me)


@pytest.mark.parametrize("kind", ["file", "directory"])
def test_without_a_version_the_present_node_is_removed(calm_sandbox: RunningSandbox, kind: str) -> None:
    me = person(calm_sandbox)

    async def action() -> None:
        provider, room = me.provider(), me.room()
        if kind == "file":
            node = await put(provider, room, "file", b"2", await put(provider, room, "file", b"1"))
        else:
            node = await provider.make_directory(room, "directory", MTIME_NS)
        await provider.remove(Ref(node.id, Version("")))
        assert list(await provider.children(room)) == []
        with pytest.raises(NotFound):
            await provider.remove(Ref(node.id, Version("")))

    run(action, me)


def test_times_are_not_set_on_content_that_nobody_here_has_seen(calm_sandbox: RunningSandbox) -> None:
    me = person(calm_sandbox)

    async def action() -> None:
        provider, room = me.provider(), me.room()
        old = await put(provider, room, "file", b"old")
        new = await put(me.provider(), room, "file", b"new", old)
        with pytest.raises(Conflict):
            await provider.set_times(old.ref, 0)
        assert (await provider.node(new.ref)).mtime_ns == new.mtime_ns

    run(action, me)
