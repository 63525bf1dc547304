"""Uploads that were cut off: what arrived is not sent again, and nothing is encrypted twice under one key."""

import base64
import json
from dataclasses import dataclass

import pytest
import trio

from mountcloud.model.errors import Unavailable
from mountcloud.model.ids import NodeId
from mountcloud.model.node import Node
from mountcloud.model.provider import Source, UploadTarget
from mountcloud.providers.dracoon.provider import DracoonProvider
from mountcloud.providers.dracoon.settings import Channel
from tests.conformance.content import MTIME_NS, BytesSource, read, some_bytes
from tests.sandbox.fixture import RunningSandbox
from tests.unit.dracoon.service import Person, person, run

MIB = 1 << 20
DATA = some_bytes(6 * MIB + 17)
PARTS = 7


@dataclass
class Kept:
    """Progress as an upload's row in the journal would keep it."""

    state: str = ""

    def save(self, state: str) -> None:
        self.state = state


class Endless(BytesSource):
    """Has no more bytes after some of them."""

    def __init__(self, data: bytes, ends_at: int) -> None:
        super().__init__(data)
        self._ends_at = ends_at

    async def pread(self, size: int, offset: int) -> bytes:
        if offset >= self._ends_at:
            await trio.sleep_forever()
        return await super().pread(size, offset)


@pytest.fixture
def s3(calm_sandbox: RunningSandbox) -> RunningSandbox:
    calm_sandbox.control.set(upload_channel="s3", s3_part_minimum=MIB)
    return calm_sandbox


async def send(provider: DracoonProvider, room: NodeId, source: Source, kept: Kept, name: str = "file") -> Node:
    return await provider.upload(UploadTarget(room, name, None, source.size, MTIME_NS), source, kept)


def parts_sent(sandbox: RunningSandbox) -> int:
    return sandbox.control.requests().count("PUT", "/parts/")


async def cut_off(sandbox: RunningSandbox, me: Person, room: NodeId, data: bytes = DATA) -> Kept:
    """An upload that ended after four of its parts, as when the daemon ends; some of them were acknowledged by then."""
    kept = Kept()
    provider = me.provider(upload_channel=Channel.S3)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(send, provider, room, Endless(data, 4 * MIB), kept)
        while len(json.loads(kept.state or '{"digests": []}')["digests"]) < 4 or parts_sent(sandbox) < 4:
            await trio.sleep(0.01)
        nursery.cancel_scope.cancel()
    sandbox.control.forget_requests()
    return kept


def first_parts_changed(data: bytes) -> bytes:
    return bytes([data[0] ^ 1]) + data[1:]


@pytest.mark.parametrize("encrypted", [False, True])
def test_what_arrived_is_not_sent_again(s3: RunningSandbox, encrypted: bool) -> None:
    me = person(s3, "RSA-4096")

    async def action() -> None:
        room = me.room(encrypted=encrypted)
        kept = await cut_off(s3, me, room)
        arrived = len(json.loads(kept.state)["etags"])
        assert arrived >= 1
        node = await send(me.provider(upload_channel=Channel.S3), room, BytesSource(DATA), kept)
        assert parts_sent(s3) == PARTS - arrived
        assert s3.control.requests().count("POST", "/nodes/files/uploads") == s3.control.requests().count("", "s3_urls")
        assert await read(me.provider(), node) == DATA

    run(action, me)


@pytest.mark.parametrize("encrypted", [False, True])
def test_other_bytes_begin_anew_under_another_key(s3: RunningSandbox, encrypted: bool) -> None:
    me = person(s3, "RSA-4096")

    async def action() -> None:
        room, other = me.room(encrypted=encrypted), first_parts_changed(DATA)
        kept = await cut_off(s3, me, room)
        before = json.loads(kept.state)
        node = await send(me.provider(upload_channel=Channel.S3), room, BytesSource(other), kept)
        after = json.loads(kept.state)
        assert await read(me.provider(), node) == other
        assert parts_sent(s3) == PARTS
        assert after["upload"] != before["upload"]
        assert s3.control.requests().count("DELETE", "/nodes/files/uploads/{upload}") == 1
        assert not encrypted or after["key"]["iv"] != before["key"]["iv"]

    run(action, me)


def test_another_size_begins_anew(s3: RunningSandbox) -> None:
    me = person(s3)

    async def action() -> None:
        room = me.room()
        kept = await cut_off(s3, me, room)
        node = await send(me.provider(upload_channel=Channel.S3), room, BytesSource(DATA + b"more"), kept)
        assert await read(me.provider(), node) == DATA + b"more"
        assert s3.control.requests().count("DELETE", "/nodes/files/uploads/{upload}") == 1

    run(action, me)


def test_a_new_name_in_the_same_place_uses_the_same_parts(s3: RunningSandbox) -> None:
    """As for a file that gets a conflict name."""
    me = person(s3)

    async def action() -> None:
        room = me.room()
        kept = await cut_off(s3, me, room)
        arrived = len(json.loads(kept.state)["etags"])
        assert arrived >= 1
        node = await send(me.provider(upload_channel=Channel.S3), room, BytesSource(DATA), kept, "another name")
        assert node.name == "another name"
        assert parts_sent(s3) == PARTS - arrived
        assert await read(me.provider(), node) == DATA

    run(action, me)


def test_the_kept_state_holds_no_key_in_the_clear(s3: RunningSandbox) -> None:
    me = person(s3, "RSA-4096")

    async def action() -> None:
        room = me.room(encrypted=True)
        kept = await cut_off(s3, me, room)
        state, provider = kept.state, me.provider(upload_channel=Channel.S3)
        node = await send(provider, room, BytesSource(DATA), kept)
        key = (await provider._keys.file_key(node.version)).key
        assert base64.b64encode((await provider._keys.file_key(node.version)).iv).decode() in state
        for form in (base64.b64encode(key).decode(), key.hex(), repr(key)):
            assert form not in state

    run(action, me)


def test_without_the_encryption_password_it_begins_anew(s3: RunningSandbox) -> None:
    """The public key, which is all that sending needs, cannot open what it locked."""
    me = person(s3, "RSA-4096")

    async def action() -> None:
        room = me.room(encrypted=True)
        kept = await cut_off(s3, me, room)
        forgetful = me.provider(upload_channel=Channel.S3, encryption_password="")
        node = await send(forgetful, room, BytesSource(DATA), kept)
        assert parts_sent(s3) == PARTS
        assert await read(me.provider(), node) == DATA

    run(action, me)


def test_a_channel_that_the_service_forgot_begins_anew(s3: RunningSandbox) -> None:
    me = person(s3)

    async def action() -> None:
        room = me.room()
        kept = await cut_off(s3, me, room)
        await me.providers[0].discard_upload(kept.state)
        node = await send(me.provider(upload_channel=Channel.S3), room, BytesSource(DATA), kept)
        assert await read(me.provider(), node) == DATA

    run(action, me)


def test_trouble_at_the_storage_loses_no_part(s3: RunningSandbox) -> None:
    me = person(s3)

    async def action() -> None:
        kept, provider, room = Kept(), me.provider(upload_channel=Channel.S3), me.room()
        s3.control.fault("/parts/", status=503, skip=4, count=-1)
        with pytest.raises(Unavailable):
            await send(provider, room, BytesSource(DATA), kept)
        s3.control.clear_faults()
        s3.control.forget_requests()
        node = await send(provider, room, BytesSource(DATA), kept)
        assert parts_sent(s3) == PARTS - 4
        assert await read(provider, node) == DATA

    run(action, me)


def test_abandoned_channels_are_closed_and_need_not_be_there(s3: RunningSandbox) -> None:
    me = person(s3)

    async def action() -> None:
        kept, provider = await cut_off(s3, me, me.room()), me.provider()
        for _ in range(2):
            await provider.discard_upload(kept.state)
        await provider.discard_upload("no state of ours")
        assert s3.control.requests().count("DELETE", "/nodes/files/uploads/{upload}") == 2

    run(action, me)


@pytest.mark.parametrize(("channel", "size"), [(Channel.S3, MIB), (Channel.CLASSIC, 3 * MIB)])
def test_small_files_and_the_classic_way_keep_nothing(s3: RunningSandbox, channel: Channel, size: int) -> None:
    me = person(s3)

    async def action() -> None:
        kept = Kept()
        await send(me.provider(upload_channel=channel), me.room(), BytesSource(DATA[:size]), kept)
        assert kept.state == ""

    run(action, me)
