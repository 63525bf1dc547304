from collections import Counter

import pytest
import trio

from mountcloud.model.errors import (
    Conflict,
    Exists,
    NoKey,
    NotPermitted,
    OutOfSpace,
    Unavailable,
)
from mountcloud.model.ids import NodeId
from mountcloud.model.node import Node
from mountcloud.model.provider import UploadTarget
from mountcloud.providers.dracoon.settings import Channel
from tests.conformance.content import MTIME_NS, BytesSource, read, some_bytes
from tests.sandbox.fixture import RunningSandbox
from tests.unit.dracoon.service import BOTH, person, put, run

MIB = 1 << 20
DATA = some_bytes(3 * MIB + 17)


def both_ways(sandbox: RunningSandbox, **switches: object) -> None:
    sandbox.control.set(upload_channel="s3", s3_part_minimum=MIB, **switches)


@pytest.mark.parametrize("encrypted", [False, True])
@pytest.mark.parametrize("channel", BOTH)
@pytest.mark.parametrize("replacing", [False, True])
def test_a_lost_reply_to_the_completion_is_no_lost_file(
    calm_sandbox: RunningSandbox, channel: Channel, encrypted: bool, replacing: bool
) -> None:
    both_ways(calm_sandbox)
    me = person(calm_sandbox, "RSA-4096")

    async def action() -> None:
        provider, room = me.provider(upload_channel=channel), me.room(encrypted=encrypted)
        old = await put(provider, room, "file", b"old") if replacing else None
        calm_sandbox.control.fault(r"/nodes/files/uploads/[^/]+(/s3)?$", method="PUT", kind="lost_reply")
        node = await put(provider, room, "file", DATA, old)
        assert await read(provider, node) == DATA
        assert [child.ref for child in await provider.children(room)] == [node.ref]
        assert old is None or (node.id == old.id and node.version != old.version)
        assert calm_sandbox.control.faults()[0]["hits"] == 1

    run(action, me)


@pytest.mark.parametrize("encrypted", [False, True])
def test_somebody_elses_file_is_not_taken_for_ours_after_a_lost_reply(
    calm_sandbox: RunningSandbox, encrypted: bool
) -> None:
    """The first completion meets a taken name and its answer is lost; size and time of the other file are ours."""
    me = person(calm_sandbox, "RSA-4096")

    async def action() -> None:
        provider, room = me.provider(), me.room(encrypted=encrypted)
        theirs = await put(provider, room, "file", some_bytes(100, "theirs"))
        calm_sandbox.control.fault(r"/nodes/files/uploads/[^/]+$", method="PUT", kind="lost_reply")
        with pytest.raises(Exists):
            await put(provider, room, "file", some_bytes(100, "mine"))
        assert [child.ref for child in await provider.children(room)] == [theirs.ref]

    run(action, me)


@pytest.mark.parametrize("channel", BOTH)
def test_a_service_in_trouble_at_completion_is_asked_again(calm_sandbox: RunningSandbox, channel: Channel) -> None:
    both_ways(calm_sandbox)
    me = person(calm_sandbox)

    async def action() -> None:
        provider, room = me.provider(upload_channel=channel), me.room()
        calm_sandbox.control.fault(r"/nodes/files/uploads/[^/]+(/s3)?$", method="PUT", status=502, body="html")
        assert await read(provider, await put(provider, room, "file", DATA)) == DATA

    run(action, me)


@pytest.mark.parametrize("channel", BOTH)
def test_a_failed_upload_closes_its_channel_and_leaves_nothing(calm_sandbox: RunningSandbox, channel: Channel) -> None:
    both_ways(calm_sandbox)
    me = person(calm_sandbox)

    class Shrunk(BytesSource):
        @property
        def size(self) -> int:
            return len(DATA) + 5

    async def action() -> None:
        provider, room = me.provider(upload_channel=channel), me.room()
        with pytest.raises(Unavailable, match="changed"):
            await provider.upload(UploadTarget(room, "file", None, len(DATA) + 5, MTIME_NS), Shrunk(DATA))
        assert list(await provider.children(room)) == []
        assert calm_sandbox.control.requests().count("DELETE", "/nodes/files/uploads/{upload}") == 1

    run(action, me)


@pytest.mark.parametrize("channel", BOTH)
def test_a_failing_source_keeps_its_own_exception(calm_sandbox: RunningSandbox, channel: Channel) -> None:
    both_ways(calm_sandbox)
    me = person(calm_sandbox)

    class WrittenToError(Exception):
        pass

    class Written(BytesSource):
        async def pread(self, size: int, offset: int) -> bytes:
            if offset >= MIB:
                raise WrittenToError
            return await super().pread(size, offset)

    async def action() -> None:
        provider, room = me.provider(upload_channel=channel), me.room()
        with pytest.raises(WrittenToError):
            await provider.upload(UploadTarget(room, "file", None, len(DATA), MTIME_NS), Written(DATA))
        assert calm_sandbox.control.requests().count("DELETE", "/nodes/files/uploads/{upload}") == 1

    run(action, me)


@pytest.mark.parametrize("channel", BOTH)
def test_a_cancelled_upload_closes_its_channel(calm_sandbox: RunningSandbox, channel: Channel) -> None:
    both_ways(calm_sandbox)
    me = person(calm_sandbox)
    reached = trio.Event()

    class Endless(BytesSource):
        async def pread(self, size: int, offset: int) -> bytes:
            if offset >= MIB:
                reached.set()
                await trio.sleep_forever()
            return await super().pread(size, offset)

    async def action() -> None:
        provider, room = me.provider(upload_channel=channel), me.room()
        async with trio.open_nursery() as nursery:
            target = UploadTarget(room, "file", None, len(DATA), MTIME_NS)
            nursery.start_soon(provider.upload, target, Endless(DATA))
            await reached.wait()
            nursery.cancel_scope.cancel()
        assert calm_sandbox.control.requests().count("DELETE", "/nodes/files/uploads/{upload}") == 1

    run(action, me)


@pytest.mark.parametrize(
    ("setting", "switch", "template"),
    [
        (Channel.CLASSIC, "enforced", "/s3_urls"),
        (Channel.S3, "classic", "/uploads/{token}"),
        (Channel.AUTO, "s3", "/s3_urls"),
        (Channel.AUTO, "classic", "/uploads/{token}"),
    ],
)
def test_uploads_go_the_way_that_the_service_wants(
    calm_sandbox: RunningSandbox, setting: Channel, switch: str, template: str
) -> None:
    calm_sandbox.control.set(upload_channel=switch, s3_part_minimum=MIB)
    me = person(calm_sandbox, "RSA-4096")

    async def action() -> None:
        provider, room = me.provider(upload_channel=setting), me.room(encrypted=True)
        for name in ("one", "two"):
            assert await read(provider, await put(provider, room, name, DATA)) == DATA
        requests = calm_sandbox.control.requests()
        assert requests.count("POST", template) >= 2
        assert requests.count("POST", "/nodes/files/uploads") - requests.count("POST", "/s3_urls") <= 3

    run(action, me)


def test_the_moment_in_which_a_new_file_is_not_there_yet_is_waited_for(calm_sandbox: RunningSandbox) -> None:
    calm_sandbox.control.set(complete_window=0.3)
    me = person(calm_sandbox)

    async def action() -> None:
        provider, room = me.provider(), me.room()
        node = await put(provider, room, "file", b"abc")
        assert (await provider.node(node.ref)).ref == node.ref
        assert await read(provider, node) == b"abc"
        looked = [item for item in calm_sandbox.control.requests().items if item["template"] == "/api/v4/nodes/{id}"]
        assert any(item["status"] == 404 for item in looked)

    run(action, me)


def test_a_file_that_was_replaced_at_once_is_not_waited_for(calm_sandbox: RunningSandbox) -> None:
    me = person(calm_sandbox)

    async def action() -> None:
        provider, room = me.provider(), me.room()
        old = await put(provider, room, "file", b"old")
        stored = await provider._tree.get(old.ref)
        await put(provider, room, "file", b"new", old)
        with trio.fail_after(20):
            assert await provider._uploads._visible(stored) == stored

    run(action, me)


def test_parts_are_sent_again_by_fresh_addresses(calm_sandbox: RunningSandbox) -> None:
    both_ways(calm_sandbox)
    me = person(calm_sandbox, "RSA-4096")

    async def action() -> None:
        provider, room = me.provider(upload_channel=Channel.S3), me.room(encrypted=True)
        calm_sandbox.control.fault("/parts/", status=403, count=1, skip=1)
        calm_sandbox.control.fault("/parts/", kind="drop", count=1, skip=2)
        assert await read(provider, await put(provider, room, "file", DATA)) == DATA
        assert [fault["hits"] for fault in calm_sandbox.control.faults()] == [1, 1]

    run(action, me)


def test_a_storage_that_refuses_for_ever_ends_the_upload(calm_sandbox: RunningSandbox) -> None:
    both_ways(calm_sandbox)
    me = person(calm_sandbox)

    async def action() -> None:
        provider, room = me.provider(upload_channel=Channel.S3), me.room()
        calm_sandbox.control.fault("/parts/", status=500, count=-1)
        with pytest.raises(Unavailable, match="refuses a part"):
            await put(provider, room, "file", b"abc")
        assert list(await provider.children(room)) == []

    run(action, me)


def test_conflicts_that_appear_late_are_still_conflicts(calm_sandbox: RunningSandbox) -> None:
    both_ways(calm_sandbox, s3_late_conflicts=True)
    me = person(calm_sandbox)

    async def action() -> None:
        provider, room = me.provider(upload_channel=Channel.S3), me.room()
        await put(provider, room, "file", b"first")
        with pytest.raises(Exists):
            await put(provider, room, "file", b"second")

    run(action, me)


@pytest.mark.parametrize("channel", BOTH)
def test_what_changes_during_the_upload_is_noticed(calm_sandbox: RunningSandbox, channel: Channel) -> None:
    both_ways(calm_sandbox)
    me = person(calm_sandbox)

    async def action() -> None:
        provider, other, room = me.provider(upload_channel=channel), me.provider(), me.room()
        old = await put(provider, room, "file", b"old")
        theirs: list[Node] = []
        once = trio.Lock()

        class Slow(BytesSource):
            async def pread(self, size: int, offset: int) -> bytes:
                async with once:  # parts are read side by side
                    if not theirs:
                        theirs.append(await put(other, room, "file", b"theirs", old))
                return await super().pread(size, offset)

        with pytest.raises(Conflict):
            await provider.upload(UploadTarget(room, "file", old.ref, len(DATA), MTIME_NS), Slow(DATA))
        assert [child.ref for child in await provider.children(room)] == [theirs[0].ref]

    run(action, me)


def test_new_content_follows_a_file_that_was_moved(calm_sandbox: RunningSandbox) -> None:
    me = person(calm_sandbox)

    async def action() -> None:
        provider, room = me.provider(), me.room()
        old = await put(provider, room, "file", b"old")
        below = await provider.make_directory(room, "below", MTIME_NS)
        await provider.move(old.ref, below.id, "renamed", None)
        new = await put(provider, room, "file", b"new", old)
        assert (new.id, new.parent, new.name) == (old.id, below.id, "renamed")
        assert [child.name for child in await provider.children(room)] == ["below"]

    run(action, me)


def test_the_top_level_holds_no_files(calm_sandbox: RunningSandbox) -> None:
    me = person(calm_sandbox)

    async def action() -> None:
        with pytest.raises(NotPermitted):
            await put(me.provider(), NodeId("0"), "file", b"x")

    run(action, me)


def test_a_full_tenant_says_so(calm_sandbox: RunningSandbox) -> None:
    calm_sandbox.control.set(space_limit=0)
    me = person(calm_sandbox)

    async def action() -> None:
        with pytest.raises(OutOfSpace):
            await put(me.provider(), me.room(), "file", b"x")

    run(action, me)


def test_without_a_key_pair_nothing_is_sent_into_an_encrypted_room(calm_sandbox: RunningSandbox) -> None:
    me = person(calm_sandbox)

    async def action() -> None:
        with pytest.raises(NoKey, match="key pair"):
            await put(me.provider(), me.room(encrypted=True), "file", b"x")
        assert calm_sandbox.control.requests().count("POST", "/nodes/files/uploads") == 0

    run(action, me)


def test_a_room_that_became_encrypted_is_noticed(calm_sandbox: RunningSandbox) -> None:
    me = person(calm_sandbox, "RSA-4096")

    async def action() -> None:
        provider, room = me.provider(), me.room()
        assert list(await provider.children(NodeId("0")))
        await provider._api.call("PUT", f"/v4/nodes/rooms/{room}/encrypt", json={"isEncrypted": True})
        node = await put(provider, room, "file", b"abc")
        assert node.encrypted
        assert await read(provider, node) == b"abc"
        assert calm_sandbox.control.stored(int(node.version)) != b"abc"

    run(action, me)


def test_stored_bytes_of_an_encrypted_room_are_not_the_plaintext(calm_sandbox: RunningSandbox) -> None:
    both_ways(calm_sandbox)
    me = person(calm_sandbox, "RSA-4096")

    async def action() -> None:
        room = me.room(encrypted=True)
        stored = []
        for channel in BOTH:
            node = await put(me.provider(upload_channel=channel), room, channel.value, DATA)
            stored.append(calm_sandbox.control.stored(int(node.version)))
        assert [len(each) for each in stored] == [len(DATA)] * 2
        assert len({*stored, DATA}) == 3

    run(action, me)


SMALL = {
    Channel.CLASSIC: ("POST uploads", "POST {token}", "PUT {upload}", "GET {id}"),
    Channel.S3: ("POST uploads", "POST s3_urls", "PUT {token}", "PUT s3", "GET {upload}"),
}
"""What a file of one part needs, by the end of each address: open, bytes (and where to), complete, and the outcome."""


@pytest.mark.parametrize("channel", BOTH)
@pytest.mark.parametrize("encrypted", [False, True])
def test_a_small_file_takes_no_more_requests_than_it_needs(
    calm_sandbox: RunningSandbox, channel: Channel, encrypted: bool
) -> None:
    calm_sandbox.control.set(upload_channel=channel.value, s3_part_minimum=MIB)
    me = person(calm_sandbox, "RSA-4096")

    async def action() -> None:
        provider, room = me.provider(upload_channel=channel), me.room(encrypted=encrypted)
        await put(provider, room, "first", b"of all")
        before = len(calm_sandbox.control.requests().items)
        for number in range(4):
            await put(provider, room, f"file {number}", bytes(4096))
        sent = calm_sandbox.control.requests().items[before:]
        found = Counter(f"{each['method']} {each['template'].rpartition('/')[2]}" for each in sent)
        found["GET {upload}"] = min(found["GET {upload}"], 4)  # the storage may take its time, and is asked again
        wanted = Counter(dict.fromkeys(SMALL[channel], 4))
        assert +found == wanted + Counter({"GET missingFileKeys": 4 * encrypted})

    run(action, me)
