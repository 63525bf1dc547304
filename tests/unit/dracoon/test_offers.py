import httpx
import pytest

from mountcloud.crypt.gcm_stream import GcmStreamCipher
from mountcloud.crypt.keys import PrivateKeyContainer, WrappedFileKey, make_key_pair, unlock
from mountcloud.model.errors import Conflict, InvalidArgument, NotFound, Unsupported
from mountcloud.model.ids import NodeId, Ref, Version
from mountcloud.model.node import Kind, Node
from mountcloud.model.offers import LinkKind, LinkWish, RawApi, Sharing, Thumbnails, Trash, Versions
from mountcloud.model.provider import UploadTarget
from mountcloud.model.span import PlainSpan
from mountcloud.providers.dracoon import sharing, wire
from mountcloud.providers.dracoon.provider import DracoonProvider
from mountcloud.providers.memory import MemoryProvider
from mountcloud.providers.wrap.limited import limited
from tests.conformance.content import MTIME_NS, BytesSource
from tests.sandbox.fixture import RunningSandbox
from tests.unit.dracoon.service import person, run


async def put(provider: DracoonProvider, parent: str, name: str, data: bytes, replaces: Ref | None = None) -> Node:
    target = UploadTarget(NodeId(parent), name, replaces, len(data), MTIME_NS)
    return await provider.upload(target, BytesSource(data))


def test_a_provider_says_what_it_offers(sandbox: RunningSandbox) -> None:
    me = person(sandbox)

    async def test() -> None:
        provider = me.provider()
        for port in (Sharing, Trash, Versions, RawApi):
            assert isinstance(provider, port)
            assert not isinstance(MemoryProvider(), port)
            assert not isinstance(limited(provider), port)
        assert not isinstance(provider, Thumbnails)

    run(test, me)


def test_a_link_has_what_was_wished_for_and_ends(sandbox: RunningSandbox) -> None:
    me = person(sandbox)

    async def test() -> None:
        provider, room = me.provider(), me.room()
        file = await put(provider, room, "shared.txt", b"for you")
        wish = LinkWish(password="Open sesame 1", expires_at=4_000_000_000.0, max_downloads=3)
        link = await provider.share(file.ref, LinkKind.DOWNLOAD, wish)
        assert (link.protected, link.expires_at, link.max_downloads, link.used) == (True, 4_000_000_000.0, 3, 0)
        assert link.url.startswith(f"{sandbox.base_url}/public/download-shares/")
        key = link.url.rpartition("/")[2]
        assert key not in repr(link)
        with httpx.Client(base_url=f"{sandbox.base_url}/api/v4/public/shares", trust_env=False) as stranger:
            assert stranger.post(f"/downloads/{key}", json={"password": "wrong"}).status_code == 403
            answer = stranger.post(f"/downloads/{key}", json={"password": "Open sesame 1"})
            assert stranger.get(answer.json()["downloadUrl"]).content == b"for you"
        assert [each.used for each in await provider.links(file.ref)] == [1]
        await provider.unshare(link)
        assert await provider.links(file.ref) == []
        with pytest.raises(NotFound):
            await provider.unshare(link)

    run(test, me)


def test_strangers_upload_into_a_directory_only(sandbox: RunningSandbox) -> None:
    me = person(sandbox)

    async def test() -> None:
        provider, room = me.provider(), me.room()
        link = await provider.share(Ref(room, Version("")), LinkKind.UPLOAD, LinkWish(name="inbox"))
        assert (link.kind, link.name, "/public/upload-shares/" in link.url) == (LinkKind.UPLOAD, "inbox", True)
        file = await put(provider, room, "file", b"")
        with pytest.raises(InvalidArgument, match="not into a file"):
            await provider.share(file.ref, LinkKind.UPLOAD, LinkWish())
        with pytest.raises(InvalidArgument, match="no number of downloads"):
            await provider.share(Ref(room, Version("")), LinkKind.UPLOAD, LinkWish(max_downloads=1))

    run(test, me)


def test_a_link_to_an_encrypted_file_locks_its_key_with_the_password(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = person(sandbox, "A")
    monkeypatch.setattr(sharing, "make_key_pair", lambda *words: make_key_pair(*words, rounds=10))

    async def test() -> None:
        provider, room = me.provider(), me.room(encrypted=True)
        file = await put(provider, room, "secret.txt", b"a secret")
        with pytest.raises(InvalidArgument, match="needs a password"):
            await provider.share(file.ref, LinkKind.DOWNLOAD, LinkWish())
        with pytest.raises(Unsupported, match="single files"):
            await provider.share(Ref(room, Version("")), LinkKind.DOWNLOAD, LinkWish(password="x"))
        link = await provider.share(file.ref, LinkKind.DOWNLOAD, LinkWish(password="for the key"))
        with httpx.Client(base_url=f"{sandbox.base_url}/api/v4/public/shares", trust_env=False) as stranger:
            key = link.url.rpartition("/")[2]
            told = stranger.get(f"/downloads/{key}").json()
            stored = stranger.get(stranger.post(f"/downloads/{key}", json={}).json()["downloadUrl"]).content
        container = told["privateKeyContainer"]
        pair = unlock(PrivateKeyContainer(container["version"], container["privateKey"]), "for the key")
        wrapped: WrappedFileKey = wire.file_key(told["fileKey"])
        cipher = GcmStreamCipher(pair.unwrap(wrapped), len(stored))
        whole = PlainSpan(0, len(stored))
        assert cipher.decrypt(whole, cipher.cover(whole), stored) == b"a secret"

    run(test, me)


def test_what_was_removed_comes_back_from_the_bin(sandbox: RunningSandbox) -> None:
    me = person(sandbox)

    async def test() -> None:
        provider, room = me.provider(), me.room()
        inner = await provider.make_directory(room, "inner", MTIME_NS)
        kept = await put(provider, room, "kept", b"1")
        await put(provider, room, "kept", b"2", kept.ref)
        gone = await put(provider, inner.id, "gone", b"here")
        await provider.remove(gone.ref)
        found = await provider.discarded(room)
        assert [(each.path.partition("/")[2], each.kind) for each in found] == [("inner/gone", Kind.FILE)]
        assert found[0].deleted_at is not None
        assert [each.id for each in await provider.discarded(inner.id)] == [found[0].id]
        await provider.restore(found[0])
        assert await provider.discarded(room) == []
        back = [node.name for node in await provider.children(inner.id)]
        assert back == ["gone"]

    run(test, me)


def test_a_removed_file_is_told_from_the_living_one_of_its_name_and_purged_for_ever(sandbox: RunningSandbox) -> None:
    me = person(sandbox)

    async def test() -> None:
        provider, room = me.provider(), me.room()
        first = await put(provider, room, "name", b"one")
        second = await put(provider, room, "name", b"two", first.ref)
        await provider.remove(second.ref)
        present = await put(provider, room, "name", b"another file")
        newer = await put(provider, room, "name", b"newer", present.ref)
        (found,) = await provider.discarded(room)
        assert found.id == second.version
        await provider.purge(found)
        assert await provider.discarded(room) == []
        assert [each.id for each in await provider.versions(newer.ref)] == [newer.version, present.version]
        with pytest.raises(NotFound):
            await provider.restore(found)

    run(test, me)


def test_the_top_has_no_bin_of_its_own(sandbox: RunningSandbox) -> None:
    me = person(sandbox)

    async def test() -> None:
        with pytest.raises(Unsupported, match="name a room"):
            await me.provider().discarded(wire.ROOT_ID)

    run(test, me)


def test_an_older_version_becomes_the_present_one(sandbox: RunningSandbox) -> None:
    me = person(sandbox)

    async def test() -> None:
        provider, room = me.provider(), me.room()
        first = await put(provider, room, "text", b"first")
        second = await put(provider, room, "text", b"the second", first.ref)
        listed = await provider.versions(second.ref)
        assert [(each.id, each.size, each.present) for each in listed] == [
            (second.version, 10, True),
            (first.version, 5, False),
        ]
        assert all(each.changed_at for each in listed)
        with pytest.raises(NotFound, match="no version 1"):
            await provider.restore_version(second.ref, Version("1"))
        await provider.restore_version(second.ref, first.version)
        now = await provider.node(second.ref)
        assert (now.id, now.version, now.size) == (second.id, first.version, 5)
        assert [each.id for each in await provider.versions(now.ref)] == [first.version, second.version]
        with pytest.raises(Conflict):
            await provider.restore_version(second.ref, first.version)

    run(test, me)


def test_the_interface_itself_is_in_reach(sandbox: RunningSandbox) -> None:
    me = person(sandbox)

    async def test() -> None:
        provider, room = me.provider(), me.room()
        account = await provider.request("get", "/api/v4/user/account", {"more_info": True})
        assert isinstance(account, dict)
        assert account["userName"] == me.name
        made = await provider.request("POST", "/v4/nodes/folders", {"parentId": int(room), "name": "by hand"})
        assert isinstance(made, dict)
        assert await provider.request("DELETE", f"/v4/nodes/{made['id']}", {}) is None
        sandbox.control.populate(int(room), 501)
        pages = [page async for page in provider.pages("/v4/nodes", {"parent_id": room})]
        assert [len(page["items"]) for page in pages if isinstance(page, dict)] == [500, 1]
        assert len([page async for page in provider.pages("/v4/user/account", {})]) == 1
        with pytest.raises(InvalidArgument, match="is no path"):
            await provider.request("GET", "https://elsewhere.example/", {})

    run(test, me)
