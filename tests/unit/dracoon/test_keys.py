import pytest
import trio

from mountcloud.model.errors import AuthenticationRequired, NoKey
from mountcloud.model.ids import NodeId
from mountcloud.model.node import Node
from mountcloud.providers.dracoon.provider import DracoonProvider
from tests.conformance.content import MTIME_NS, read, some_bytes
from tests.sandbox.fixture import RunningSandbox
from tests.unit.dracoon.service import MEMBER, Person, person, put, run

DATA = some_bytes(100_001)
VERSIONS = ("A", "RSA-4096")


def join(room: NodeId, *people: Person) -> None:
    for one in people:
        one.sandbox.control.set_rights(int(room), one.id, MEMBER)


async def lacks_key(provider: DracoonProvider, node: Node) -> bool:
    try:
        await provider.open(node)
    except NoKey:
        return True
    return False


@pytest.mark.parametrize("mine", VERSIONS)
@pytest.mark.parametrize("theirs", VERSIONS)
def test_others_can_read_what_was_uploaded(calm_sandbox: RunningSandbox, mine: str, theirs: str) -> None:
    me, other = person(calm_sandbox, mine), person(calm_sandbox, theirs)

    async def action() -> None:
        room = me.room(encrypted=True)
        join(room, other)
        node = await put(me.provider(), room, "file", DATA)
        (seen,) = await other.provider().children(room)
        assert seen.ref == node.ref
        assert await read(other.provider(), seen) == DATA
        changed = await put(other.provider(), room, "file", DATA[::-1], seen)
        assert await read(me.provider(), changed) == DATA[::-1]

    run(action, me, other)


def test_keys_are_shared_later_with_who_comes_later(calm_sandbox: RunningSandbox) -> None:
    me, late, keyless = person(calm_sandbox, "RSA-4096"), person(calm_sandbox, "A"), person(calm_sandbox)

    async def action() -> None:
        provider, room = me.provider(), me.room(encrypted=True)
        nodes = [await put(provider, room, f"file {number}", DATA) for number in range(3)]
        join(room, late, keyless)
        assert [await lacks_key(late.provider(), node) for node in nodes] == [True] * 3
        assert await me.provider().distribute_keys() == 3
        assert [await read(late.provider(), node) for node in nodes] == [DATA] * 3
        assert await me.provider().distribute_keys() == 0
        assert await lacks_key(keyless.provider(), nodes[0])

    run(action, me, late, keyless)


def test_more_keys_are_missing_than_one_page_holds(calm_sandbox: RunningSandbox) -> None:
    me = person(calm_sandbox, "RSA-4096")
    others = [person(calm_sandbox, "A") for _ in range(41)]

    async def action() -> None:
        room = me.room(encrypted=True)
        nodes = [await put(me.provider(distribute_keys=False), room, f"file {number}", DATA) for number in range(5)]
        join(room, *others)
        assert await me.provider().distribute_keys() == 41 * 5
        assert await read(others[-1].provider(), nodes[-1]) == DATA
        assert calm_sandbox.control.requests().count("POST", "/nodes/files/keys") == 3

    run(action, me, *others)


def test_users_who_cannot_be_helped_do_not_keep_the_others_waiting(calm_sandbox: RunningSandbox) -> None:
    me, other = person(calm_sandbox, "RSA-4096"), person(calm_sandbox, "A")
    broken = [person(calm_sandbox) for _ in range(3)]
    for one in broken:
        public = {"version": "A", "publicKey": "-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----\n"}
        private = {"version": "A", "privateKey": "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA==\n"}
        calm_sandbox.control.set_key_pair(one.id, private, public)

    async def action() -> None:
        provider, room = me.provider(distribute_keys=False), me.room(encrypted=True)
        nodes = [await put(provider, room, f"file {number}", b"abc") for number in range(40)]
        join(room, *broken, other)
        assert await me.provider().distribute_keys() == 40
        assert await read(other.provider(), nodes[0]) == b"abc"

    run(action, me, other, *broken)


def test_an_upload_does_not_fail_because_keys_cannot_be_shared(calm_sandbox: RunningSandbox) -> None:
    me = person(calm_sandbox, "RSA-4096")

    async def action() -> None:
        calm_sandbox.control.fault("/missingFileKeys", status=500, count=-1)
        provider = me.provider()
        node = await put(provider, me.room(encrypted=True), "file", DATA)
        assert await read(provider, node) == DATA

    run(action, me)


def test_moving_into_another_room_brings_keys_to_its_members(calm_sandbox: RunningSandbox) -> None:
    me, other = person(calm_sandbox, "RSA-4096"), person(calm_sandbox, "RSA-4096")

    async def action() -> None:
        provider, here, there = me.provider(), me.room(encrypted=True), me.room(encrypted=True)
        join(there, other)
        folder = await provider.make_directory(here, "folder", MTIME_NS)
        inside, alone = await put(provider, folder.id, "inside", DATA), await put(provider, here, "alone", DATA)
        moved = await me.provider().move(alone.ref, there, "alone", None)
        await me.provider().move(folder.ref, there, "folder", None)
        for node in (moved, inside):
            assert await read(other.provider(), await other.provider().node(node.ref)) == DATA

    run(action, me, other)


def test_a_file_without_a_key_for_us_is_seen_but_not_opened(calm_sandbox: RunningSandbox) -> None:
    me = person(calm_sandbox, "RSA-4096")

    async def action() -> None:
        room = me.room(encrypted=True)
        node = await put(me.provider(), room, "file", DATA)
        calm_sandbox.control.drop_key(int(node.version), me.id)
        (seen,) = await me.provider().children(room)
        assert seen == node
        with pytest.raises(NoKey, match="no key for the file"):
            await me.provider().open(node)

    run(action, me)


def test_the_encryption_password_is_needed_for_reading_alone(calm_sandbox: RunningSandbox) -> None:
    me = person(calm_sandbox, "RSA-4096")

    async def action() -> None:
        room = me.room(encrypted=True)
        node = await put(me.provider(encryption_password=""), room, "file", DATA)
        assert await read(me.provider(), node) == DATA
        with pytest.raises(NoKey, match="login"):
            await me.provider(encryption_password="").open(node)
        with pytest.raises(AuthenticationRequired, match="wrong"):
            await me.provider(encryption_password="other").open(node)

    run(action, me)


def test_the_private_key_is_fetched_and_unlocked_once(calm_sandbox: RunningSandbox) -> None:
    me = person(calm_sandbox, "RSA-4096")

    async def action() -> None:
        room = me.room(encrypted=True)
        nodes = [await put(me.provider(), room, f"file {number}", DATA) for number in range(8)]
        reader = me.provider()
        calm_sandbox.control.forget_requests()
        async with trio.open_nursery() as nursery:
            for node in nodes * 2:
                nursery.start_soon(read, reader, node)
        requests = calm_sandbox.control.requests()
        assert requests.count("GET", "/keypair") == 1
        assert requests.count("GET", "/user_file_key") <= 16
        calm_sandbox.control.forget_requests()
        await read(reader, nodes[0])
        assert calm_sandbox.control.requests().count("GET", "key") == 0

    run(action, me)


def test_files_of_both_key_versions_are_read_with_both_pairs(calm_sandbox: RunningSandbox) -> None:
    """An account that moved from A to RSA-4096 still holds files that only the old pair opens."""
    me = person(calm_sandbox, "A")

    async def action() -> None:
        room = me.room(encrypted=True)
        old = await put(me.provider(), room, "old", DATA)
        calm_sandbox.control.add_key_pair(me.id, "key secret", "RSA-4096")
        new = await put(me.provider(), room, "new", DATA)
        reader = me.provider()
        assert await read(reader, old) == await read(reader, new) == DATA
        key = await reader._keys.wrapped_file_key(new.version)
        assert key.version == "RSA-4096/AES-256-GCM"

    run(action, me)


def test_verification_tells_what_a_mount_will_need(calm_sandbox: RunningSandbox) -> None:
    me, plain = person(calm_sandbox, "RSA-4096"), person(calm_sandbox)

    async def action() -> None:
        facts = await me.provider().verify()
        assert (facts.id, facts.user_name, facts.room_manager) == (me.id, me.name, True)
        assert (facts.encryption_enabled, facts.encryption_unlocked) == (True, True)
        assert (await me.provider(encryption_password="").verify()).encryption_unlocked is False
        assert (await plain.provider().verify()).encryption_unlocked is None
        with pytest.raises(AuthenticationRequired, match="encryption password is wrong"):
            await me.provider(encryption_password="other").verify()

    run(action, me, plain)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_private_key_is_unlocked_before_anybody_reads(calm_sandbox: RunningSandbox, version: str) -> None:
    me = person(calm_sandbox, version)

    async def action() -> None:
        node = await put(me.provider(), me.room(encrypted=True), "file", DATA)
        provider = me.provider()
        await provider.prepare()
        calm_sandbox.control.forget_requests()
        assert await read(provider, node) == DATA
        assert calm_sandbox.control.requests().count("GET", "/keypair") == 0

    run(action, me)


def test_without_a_password_or_a_pair_there_is_nothing_to_unlock(calm_sandbox: RunningSandbox) -> None:
    me, keyless = person(calm_sandbox, "A"), person(calm_sandbox)

    async def action() -> None:
        calm_sandbox.control.forget_requests()
        await me.provider(encryption_password="").prepare()
        assert calm_sandbox.control.requests().count() == 0
        await keyless.provider().prepare()
        with pytest.raises(AuthenticationRequired):
            await me.provider(encryption_password="wrong").prepare()

    run(action, me, keyless)
