"""What was opened once can be opened while the service is away, by nothing that is secret on the disk."""

import json
import re

import pytest

from mountcloud.model.errors import Unavailable
from mountcloud.model.span import PlainSpan, StoredSpan
from tests.conformance.content import read, read_span, some_bytes
from tests.sandbox.fixture import RunningSandbox
from tests.unit.dracoon.service import ENCRYPTION_PASSWORD, Kept, person, put, run

DATA = some_bytes(100_001)
WHOLE = PlainSpan(0, len(DATA))


@pytest.mark.parametrize("pair", ["A", "RSA-4096"])
def test_what_was_opened_once_is_opened_without_the_service(calm_sandbox: RunningSandbox, pair: str) -> None:
    me, kept = person(calm_sandbox, pair), Kept()

    async def action() -> None:
        room = me.room(encrypted=True)
        known, unknown = [await put(me.provider(), room, name, DATA) for name in ("known", "unknown")]
        content = await me.provider(keepsakes=kept).open(known)
        stored = await content.fetch(StoredSpan(0, content.stored_size))
        calm_sandbox.control.fault(".*", status=503, count=-1)
        provider = me.provider(keepsakes=kept)
        content = await provider.open(known)
        assert content.cipher.decrypt(WHOLE, StoredSpan(0, content.stored_size), stored) == DATA
        with pytest.raises(Unavailable):
            await read_span(content, 0, 1)
        with pytest.raises(Unavailable):
            await provider.open(unknown)

    run(action, me)
    assert {re.sub(r"(?<=file key )\d+", "", name) for name in kept} == {"file key ", f"private key {pair}"}
    assert ENCRYPTION_PASSWORD not in repr(kept)


def test_a_plain_file_is_opened_without_the_service(calm_sandbox: RunningSandbox) -> None:
    me = person(calm_sandbox)

    async def action() -> None:
        node = await put(me.provider(), me.room(), "file", DATA)
        calm_sandbox.control.fault(".*", status=503, count=-1)
        content = await me.provider().open(node)
        assert content.cipher.decrypt(WHOLE, StoredSpan(0, content.stored_size), DATA) == DATA

    run(action, me)


def test_a_key_that_was_kept_is_not_asked_for_and_one_of_no_use_is(calm_sandbox: RunningSandbox) -> None:
    me, kept = person(calm_sandbox, "A"), Kept()

    async def action() -> None:
        node = await put(me.provider(), me.room(encrypted=True), "file", DATA)
        for asked in (1, 0, 1):
            calm_sandbox.control.forget_requests()
            assert await read(me.provider(keepsakes=kept), node) == DATA
            assert calm_sandbox.control.requests().count("GET", "/user_file_key") == asked
            if not asked:
                name = f"file key {node.version}"
                kept[name] = json.dumps({**json.loads(kept[name]), "key": "AAAA"})

    run(action, me)
