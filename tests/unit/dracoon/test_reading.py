from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
import trio

from mountcloud.model.arrival import Piece
from mountcloud.model.errors import (
    AuthenticationRequired,
    Blocked,
    Corrupt,
    Forbidden,
    NotFound,
    Outdated,
    Throttled,
    Unavailable,
)
from mountcloud.model.ids import NodeId, Ref, Version
from mountcloud.model.node import Rights
from mountcloud.model.span import StoredSpan
from tests.conformance.content import MTIME_NS, read, read_span, some_bytes
from tests.sandbox.fixture import RunningSandbox
from tests.unit.dracoon.service import MEMBER, person, put, run

DATA = some_bytes(200_000)


@pytest.mark.parametrize("static", [False, True])
@pytest.mark.parametrize("how", ["time", "uses"])
def test_an_address_whose_time_is_over_is_renewed(calm_sandbox: RunningSandbox, how: str, *, static: bool) -> None:
    calm_sandbox.control.set(static_downloads=static, **({"download_uses": 1} if how == "uses" else {}))
    me = person(calm_sandbox, "RSA-4096")

    async def action() -> None:
        provider = me.provider()
        node = await put(provider, me.room(encrypted=True), "file", DATA)
        content = await provider.open(node)
        calm_sandbox.control.forget_requests()
        for start in (0, 17, 150_000):
            if how == "time":
                calm_sandbox.control.expire("download")
            assert await read_span(content, start, start + 50_000) == DATA[start : start + 50_000]
        assert calm_sandbox.control.requests().count("POST", "/downloads") >= 2

    run(action, me)


def test_key_and_address_of_a_file_are_asked_for_at_once(calm_sandbox: RunningSandbox) -> None:
    """The first read of an encrypted file is two round trips, as that of any other."""
    me = person(calm_sandbox, "RSA-4096")

    async def action() -> None:
        node = await put(me.provider(), me.room(encrypted=True), "file", DATA)
        provider = me.provider()
        await provider.prepare()
        calm_sandbox.control.fault("/user_file_key", method="GET", kind="delay", seconds=2.0)
        calm_sandbox.control.fault("/downloads", method="POST", kind="delay", seconds=2.0)
        calm_sandbox.control.forget_requests()
        assert await read(provider, node) == DATA
        requests = calm_sandbox.control.requests()
        assert (requests.count("GET", "/user_file_key"), requests.count("POST", "/downloads")) == (1, 1)
        assert requests.most_at_once == 2

    run(action, me)


@pytest.mark.parametrize("path", ["/user_file_key", "/downloads"])
def test_whichever_of_both_is_refused_is_told(calm_sandbox: RunningSandbox, path: str) -> None:
    me = person(calm_sandbox, "RSA-4096")

    async def action() -> None:
        provider = me.provider()
        node = await put(provider, me.room(encrypted=True), "file", DATA)
        reader = me.provider()
        calm_sandbox.control.fault(path, status=403, count=-1)
        with pytest.raises(Forbidden):
            await reader.open(node)
        calm_sandbox.control.clear_faults()
        assert await read(reader, node) == DATA

    run(action, me)


def test_many_readers_share_one_address_and_one_renewal(calm_sandbox: RunningSandbox) -> None:
    me = person(calm_sandbox)

    async def action() -> None:
        provider = me.provider()
        content = await provider.open(await put(provider, me.room(), "file", DATA))
        calm_sandbox.control.forget_requests()
        calm_sandbox.control.expire("download")

        async def one(number: int) -> None:
            assert await content.fetch(StoredSpan(number, number + 1000)) == DATA[number : number + 1000]

        async with trio.open_nursery() as nursery:
            for number in range(30):
                nursery.start_soon(one, number)
        assert calm_sandbox.control.requests().count("POST", "/downloads") == 1

    run(action, me)


def test_what_was_replaced_or_removed_is_outdated(calm_sandbox: RunningSandbox) -> None:
    me = person(calm_sandbox, "RSA-4096")

    async def action() -> None:
        provider, room = me.provider(), me.room(encrypted=True)
        old = await put(provider, room, "file", DATA)
        content = await provider.open(old)
        new = await put(me.provider(), room, "file", b"new", old)
        calm_sandbox.control.expire("download")
        with pytest.raises(Outdated):
            await content.fetch(StoredSpan(0, 10))
        for reader in (provider, me.provider()):
            with pytest.raises(Outdated):
                await read(reader, old)
        await provider.remove(new.ref)
        with pytest.raises(Outdated):
            await read(provider, new)

    run(action, me)


@pytest.mark.parametrize("kind", ["cut", "reset"])
def test_a_connection_that_breaks_in_the_body_is_no_short_read(calm_sandbox: RunningSandbox, kind: str) -> None:
    me = person(calm_sandbox)

    async def action() -> None:
        provider = me.provider()
        content = await provider.open(await put(provider, me.room(), "file", DATA))
        calm_sandbox.control.fault("/downloads/", method="GET", kind=kind, after=1000)
        assert await content.fetch(StoredSpan(0, len(DATA))) == DATA

    run(action, me)


def test_an_address_that_ends_in_the_middle_is_renewed_for_the_rest(calm_sandbox: RunningSandbox) -> None:
    calm_sandbox.control.set(download_uses=1)
    me = person(calm_sandbox)

    async def action() -> None:
        provider = me.provider()
        content = await provider.open(await put(provider, me.room(), "file", DATA))
        calm_sandbox.control.forget_requests()
        calm_sandbox.control.fault("/downloads/", method="GET", kind="cut", after=1000)
        pieces: list[Piece] = []
        assert await content.fetch(StoredSpan(0, len(DATA)), pieces.append) == b""
        assert b"".join(pieces) == DATA
        requests = calm_sandbox.control.requests()
        assert (requests.count("GET", "/downloads"), requests.count("POST", "/downloads")) == (3, 2)

    run(action, me)


def test_another_length_than_the_node_has_is_corrupt(calm_sandbox: RunningSandbox) -> None:
    me = person(calm_sandbox)

    async def action() -> None:
        provider = me.provider()
        node = await put(provider, me.room(), "file", DATA)
        content = await provider.open(replace(node, size=node.size + 1))
        with pytest.raises(Corrupt):
            await content.fetch(StoredSpan(0, 10))
        with pytest.raises(ValueError, match="beyond"):
            await content.fetch(StoredSpan(0, node.size + 2))

    run(action, me)


@pytest.mark.parametrize("verdict", ["IN_PROGRESS", "MALICIOUS"])
def test_what_the_scanner_holds_back_is_blocked(calm_sandbox: RunningSandbox, verdict: str) -> None:
    me = person(calm_sandbox)

    async def action() -> None:
        provider = me.provider()
        node = await put(provider, me.room(), "file", DATA)
        calm_sandbox.control.set_verdict(int(node.version), verdict)
        with pytest.raises(Blocked):
            await read(provider, node)

    run(action, me)


def test_without_rights_nothing_is_read_written_or_made(calm_sandbox: RunningSandbox) -> None:
    me, guest = person(calm_sandbox), person(calm_sandbox, roles=())

    async def action() -> None:
        provider, room = me.provider(), me.room()
        node = await put(provider, room, "file", DATA)
        calm_sandbox.control.set_rights(int(room), guest.id, ("read",))
        other = guest.provider()
        (seen,) = await other.children(room)
        assert seen.rights == Rights.READ
        assert await read(other, seen) == DATA
        assert Rights.CREATE_DIRECTORIES not in (await other.root()).rights
        attempts: list[Callable[[], Awaitable[object]]] = [
            lambda: put(other, room, "new", b""),
            lambda: put(other, room, "file", b"", node),
            lambda: other.make_directory(room, "directory", MTIME_NS),
            lambda: other.make_directory(NodeId("0"), "room", MTIME_NS),
            lambda: other.remove(node.ref),
            lambda: other.set_times(node.ref, 0),
            lambda: other.move(node.ref, room, "renamed", None),
        ]
        for attempt in attempts:
            with pytest.raises(Forbidden):
                await attempt()
        calm_sandbox.control.set_rights(int(room), guest.id, tuple(set(MEMBER) - {"read"}))
        with pytest.raises(Forbidden):
            await read(guest.provider(), node)

    run(action, me, guest)


def test_tokens_that_end_in_the_middle_are_renewed_once_for_all(calm_sandbox: RunningSandbox) -> None:
    me = person(calm_sandbox)

    async def action() -> None:
        provider, room = me.provider(), me.room()
        nodes = [await put(provider, room, f"file {number}", DATA) for number in range(10)]
        calm_sandbox.control.expire("access", user=me.id)
        calm_sandbox.control.forget_requests()
        async with trio.open_nursery() as nursery:
            for node in nodes * 3:
                nursery.start_soon(read, provider, node)
        assert calm_sandbox.control.requests().count("POST", "/oauth/token") == 1

    run(action, me)


def test_without_any_valid_token_the_user_is_asked(calm_sandbox: RunningSandbox) -> None:
    me = person(calm_sandbox)

    async def action() -> None:
        provider = me.provider()
        await provider.root()
        provider._secrets.delete("password")
        calm_sandbox.control.expire("access", "refresh", user=me.id)
        with pytest.raises(AuthenticationRequired):
            await provider.children(NodeId("0"))

    run(action, me)


def test_patience_is_for_all_requests(calm_sandbox: RunningSandbox) -> None:
    me = person(calm_sandbox)

    async def action() -> None:
        provider, room = me.provider(), me.room()
        await provider.root()
        calm_sandbox.control.fault("/nodes", status=429, headers={"Retry-After": "1"}, count=1)
        started = trio.current_time()
        async with trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(provider.children, room)
        assert trio.current_time() - started >= 1
        calm_sandbox.control.clear_faults()
        calm_sandbox.control.fault("/nodes", status=429, headers={"Retry-After": "0"}, count=-1)
        with pytest.raises(Throttled):
            await provider.children(room)

    run(action, me)


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, "json"), *((status, body) for status in (200, 404, 500, 503) for body in ("html", "garbage", "empty"))],
)
def test_no_broken_answer_is_read_as_a_deletion(calm_sandbox: RunningSandbox, status: int, body: str) -> None:
    me = person(calm_sandbox)

    async def action() -> None:
        provider, room = me.provider(), me.room()
        node = await put(provider, room, "file", b"abc")
        calm_sandbox.control.fault("/nodes", status=status, body=body, count=-1)
        directory = Ref(room, Version(""))
        attempts: list[Callable[[], Awaitable[object]]] = [
            lambda: provider.node(node.ref),
            lambda: provider.node(directory),
            lambda: provider.children(room),
            lambda: provider.remove(directory),
        ]
        for attempt in attempts:
            with pytest.raises(Unavailable):
                await attempt()
        calm_sandbox.control.clear_faults()
        assert (await provider.node(node.ref)).ref == node.ref

    run(action, me)


def test_long_listings_are_whole(calm_sandbox: RunningSandbox) -> None:
    me = person(calm_sandbox)

    async def action() -> None:
        provider, room = me.provider(), me.room()
        calm_sandbox.control.populate(int(room), 1203)
        children = await provider.children(room)
        assert len({child.id for child in children}) == 1203
        assert calm_sandbox.control.requests().count("GET", "/api/v4/nodes") == 3

    run(action, me)


def test_the_tree_may_begin_below(calm_sandbox: RunningSandbox) -> None:
    me = person(calm_sandbox)

    async def action() -> None:
        provider, room = me.provider(), me.room()
        directory = await provider.make_directory(room, "directory", MTIME_NS)
        name = (await provider.node(Ref(room, Version("")))).name
        below = me.provider(root=f"/{name}/directory/")
        root = await below.root()
        assert (root.id, root.parent, root.name) == (directory.id, None, "")
        assert root.rights & (Rights.RENAME | Rights.DELETE | Rights.MOVE) == Rights.NONE
        assert await below.node(root.ref) == root
        node = await put(below, root.id, "file", b"x")
        assert node.parent == root.id
        with pytest.raises(NotFound):
            await below.children(NodeId("999999"))

    run(action, me)
