"""What the provider does on Nextcloud alone, before the sandbox."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import pytest
import trio

from mountcloud.model.errors import AuthenticationRequired, Busy, Conflict, InvalidName, QuotaExceeded, Unavailable
from mountcloud.model.node import Rights
from mountcloud.model.provider import ChangeFeed, Source, UploadTarget, Usage
from mountcloud.model.span import StoredSpan
from mountcloud.net.http import Response
from mountcloud.providers.memory_places import MemoryPlaces
from tests.nextcloud.dav import OC, D, Dav
from tests.nextcloud.provider import MTIME_NS, over, provider_of, put
from tests.nextcloud.server import NextcloudServer
from tests.real_server import Bytes, on_real_trio
from tests.unit.engine.harness import Machine


@on_real_trio
async def test_login_finds_the_account_and_leaves_nothing_behind(nextcloud: NextcloudServer, dav: Dav) -> None:
    nextcloud.control.set(windows_names=True)
    places = MemoryPlaces()
    async with provider_of(dav, places) as provider:
        await provider.verify()
        assert provider.capabilities.names.forbidden.count(":") == 1
    assert nextcloud.control.requests().count("PUT") == 0
    nextcloud.control.forget_requests()
    async with provider_of(dav, places) as again:
        assert again.capabilities.change_feed is ChangeFeed.TREE_VERSION
        assert "con" in again.capabilities.names.reserved
        await again.root()
        with pytest.raises(InvalidName):
            await put(again, "a.part", b"")
    assert nextcloud.control.requests().count(template="ocs") == 0


@on_real_trio
async def test_a_typed_password_is_exchanged_for_one_of_this_machine(nextcloud: NextcloudServer) -> None:
    account = nextcloud.control.add_account("typist", "typed")
    with Dav(nextcloud.base_url, account, "typist", "typed") as dav:
        async with provider_of(dav) as provider:
            await provider.verify()
            password = provider._secrets.get("password")
            assert password is not None
            assert len(password) == 72
        nextcloud.control.call("PUT", "/accounts", account=account, two_factor=True)
        async with provider_of(dav, password=password) as provider:
            await provider.root()
            await provider.revoke()
        async with provider_of(dav, password=password) as provider:
            with pytest.raises(AuthenticationRequired):
                await provider.root()


@on_real_trio
async def test_new_content_keeps_id_and_versions_and_carries_time_and_checksum(dav: Dav) -> None:
    async with provider_of(dav) as provider:
        node = await put(provider, "f", b"one")
        before = dav.stat("f")
        assert before.values[f"{OC}checksums"] == f"SHA1:{hashlib.sha1(b'one').hexdigest()}"
        changed = await provider.upload(over(node, b"two!"), Bytes(b"two!"))
    after = dav.stat("f")
    assert (after.fileid, changed.id) == (before.fileid, node.id)
    assert changed.mtime_ns == MTIME_NS + 10**9
    assert len(dav.older("f")) == 1
    assert dav.list("trash", space="trashbin")[1:] == []


@on_real_trio
async def test_one_request_is_enough_for_the_next_new_file(nextcloud: NextcloudServer, dav: Dav) -> None:
    """The answer tells all that a look would, but for the rights, which are those of the file before."""
    async with provider_of(dav) as provider:
        root = (await provider.root()).id
        await put(provider, "first", b"1")
        nextcloud.control.forget_requests()
        target = UploadTarget(root, "next", None, 2, MTIME_NS + 5)
        told = await provider.upload(target, Bytes(b"22"))
        assert nextcloud.control.requests().counts == {"PUT /remote.php/dav/files/{user}/{path}": 1}
        content = await provider.open(told)
        assert content.cipher.check(b"") is not None, "its checksum is known without asking"
        nextcloud.control.forget_requests()
        changed = await provider.upload(over(told, b"333"), Bytes(b"333"))
        assert nextcloud.control.requests().count("PROPFIND") == 1
        listed = {node.name: node for node in await provider.children(root)}
        assert listed["next"] == changed
        assert (changed.id, changed.size, told.size, told.mtime_ns) == (told.id, 3, 2, MTIME_NS + 5)
    async with provider_of(dav) as another:
        [seen] = [node for node in await another.children((await another.root()).id) if node.name == "next"]
        assert (seen.id, seen.version, seen.rights) == (changed.id, changed.version, told.rights)


@on_real_trio
async def test_a_list_that_began_before_an_upload_ended_does_not_make_it_vanish(
    dav: Dav, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with provider_of(dav) as provider, trio.open_nursery() as nursery:
        root = (await provider.root()).id
        await put(provider, "first", b"1")
        asked, uploaded = trio.Event(), trio.Event()
        children = provider._dav.children

        async def late(*arguments: object) -> object:
            found = await children(*arguments)  # type: ignore[arg-type] # passed on
            asked.set()
            with trio.move_on_after(1):
                await uploaded.wait()
            return found

        monkeypatch.setattr(provider._dav, "children", late)
        nursery.start_soon(provider.children, root)
        await asked.wait()
        made = await put(provider, "next", b"22")
        uploaded.set()
        assert await provider.node(made.ref) == made


@on_real_trio
async def test_what_others_replaced_right_after_us_is_not_taken_for_ours(
    dav: Dav, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with provider_of(dav) as provider:
        node = await put(provider, "f", b"one")
        send = provider._dav.put

        async def overtaken(*arguments: object) -> object:
            answer = await send(*arguments)  # type: ignore[arg-type] # passed on
            dav.put("f", b"two")
            return answer

        monkeypatch.setattr(provider._dav, "put", overtaken)
        ours = await provider.upload(over(node, b"our"), Bytes(b"our"))
        theirs = await provider.node(ours.ref)
        assert theirs.version != ours.version
        monkeypatch.undo()
        with pytest.raises(Conflict):
            await provider.upload(over(ours, b"more"), Bytes(b"more"))


@on_real_trio
async def test_what_others_wrote_in_our_second_is_not_taken_for_what_was_sent_in_vain(
    dav: Dav, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Size and second are the same; only the bytes tell that our content never arrived."""
    async with provider_of(dav) as provider, trio.open_nursery() as nursery:
        machine = await Machine(tmp_path / "machine", provider, nursery, settle_s=0.0).boot()
        await machine.write("f", b"base")
        await machine.drain()
        send = provider._dav.put

        async def overtaken(path: tuple[str, ...], source: Source, headers: Mapping[str, str]) -> Response:
            monkeypatch.setattr(provider._dav, "put", send)
            dav.put("f", b"them", X_OC_MTime=headers["X-OC-Mtime"])
            raise Unavailable("the line is broken")

        monkeypatch.setattr(provider._dav, "put", overtaken)
        await machine.write("f", b"ours")
        await machine.drain()
        assert sorted(dav.get(name) for name in dav.names()) == [b"ours", b"them"]
        nursery.cancel_scope.cancel()


@on_real_trio
@pytest.mark.parametrize("theirs", [b"them", None])
async def test_what_was_sent_is_known_again_when_newer_bytes_are_owed(
    dav: Dav, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, theirs: bytes | None
) -> None:
    """What was sent is here no more, and another client's file has its size and second: its digest tells."""
    async with provider_of(dav) as provider, trio.open_nursery() as nursery:
        machine = await Machine(tmp_path / "machine", provider, nursery, settle_s=0.0).boot()
        await machine.write("f", b"base")
        await machine.drain()
        send = provider._dav.put

        async def unanswered(path: tuple[str, ...], source: Source, headers: Mapping[str, str]) -> Response:
            monkeypatch.setattr(provider._dav, "put", send)
            if theirs is None:
                await send(path, source, headers)
            else:
                dav.put("f", theirs, X_OC_MTime=headers["X-OC-Mtime"])
            machine.replayer.pause(paused=True)
            raise Unavailable("the line is broken")

        monkeypatch.setattr(provider._dav, "put", unanswered)
        await machine.write("f", b"ours")
        while not machine.owed[0].attempts:
            await trio.sleep(0.01)
        await machine.write("f", b"newer")
        machine.replayer.pause(paused=False)
        await machine.drain()
        there = sorted(dav.get(name) for name in dav.names())
        assert there == ([b"newer"] if theirs is None else [b"newer", theirs])
        assert b"ours" not in there
        nursery.cancel_scope.cancel()


@on_real_trio
@pytest.mark.parametrize("known", [True, False])
async def test_what_arrived_without_an_answer_is_sent_once(
    nextcloud: NextcloudServer, dav: Dav, tmp_path: Path, *, known: bool
) -> None:
    async with provider_of(dav) as provider, trio.open_nursery() as nursery:
        machine = await Machine(tmp_path / "machine", provider, nursery, settle_s=0.0).boot()
        if known:
            await machine.write("f", b"base")
            await machine.drain()
        nextcloud.control.forget_requests()
        nextcloud.control.fault("/f$", method="PUT", kind="lost_reply")
        await machine.write("f", b"ours")
        await machine.drain()
        assert {name: dav.get(name) for name in dav.names()} == {"f": b"ours"}
        assert nextcloud.control.requests().count("PUT") == 1
        nursery.cancel_scope.cancel()


@on_real_trio
async def test_a_renaming_by_others_keeps_the_id(dav: Dav) -> None:
    async with provider_of(dav) as provider:
        dav.ok("MKCOL", "d")
        dav.put("d/f", b"1")
        root = await provider.root()
        [directory] = await provider.children(root.id)
        [file] = await provider.children(directory.id)
        dav.move("d", "e")
        dav.move("e/f", "e/g")
        [renamed] = await provider.children(root.id)
        assert (renamed.id, renamed.name) == (directory.id, "e")
        [moved] = await provider.children(renamed.id)
        assert (moved.id, moved.name, moved.version) == (file.id, "g", file.version)


@on_real_trio
@pytest.mark.parametrize("rewritten", [False, True])
async def test_a_move_whose_answer_was_lost_is_known_by_its_id(
    nextcloud: NextcloudServer, dav: Dav, *, rewritten: bool
) -> None:
    """Whoever asks for the node itself gets its new name, also if somebody else wrote the file since."""
    async with provider_of(dav) as provider:
        root = (await provider.root()).id
        directory = await provider.make_directory(root, "d", MTIME_NS)
        node = await put(provider, "f", b"one")
        nextcloud.control.fault("/f$", method="MOVE", kind="lost_reply")
        with pytest.raises(Unavailable):
            await provider.move(node.ref, directory.id, "g", None)
        if rewritten:
            dav.put("d/g", b"two!")
        seen = await provider.node(node.ref)
        assert (seen.id, seen.parent, seen.name) == (node.id, directory.id, "g")
        assert (seen.version == node.version) is not rewritten
        assert await provider.move(seen.ref, directory.id, "g", None) == seen


@on_real_trio
async def test_new_content_goes_where_a_move_whose_answer_was_lost_brought_the_file(
    nextcloud: NextcloudServer, dav: Dav
) -> None:
    async with provider_of(dav) as provider:
        directory = await provider.make_directory((await provider.root()).id, "d", MTIME_NS)
        node = await put(provider, "f", b"one")
        nextcloud.control.fault("/f$", method="MOVE", kind="lost_reply")
        with pytest.raises(Unavailable):
            await provider.move(node.ref, directory.id, "g", None)
        changed = await provider.upload(over(node, b"two!"), Bytes(b"two!"))
        assert (changed.id, changed.parent, changed.name) == (node.id, directory.id, "g")
        assert await provider.children(directory.id) == [changed]


@on_real_trio
async def test_a_new_date_is_no_new_content(dav: Dav) -> None:
    async with provider_of(dav) as provider:
        node = await put(provider, "f", b"one")
        time_ns = 1_600_000_000 * 10**9 + 123
        dated = await provider.set_times(node.ref, time_ns)
        assert (dated.version, dated.mtime_ns) == (node.version, time_ns)
        assert dav.stat("f").values[f"{D}getlastmodified"] == "Sun, 13 Sep 2020 12:26:40 GMT"
        listed = await provider.children((await provider.root()).id)
        assert listed == [dated]
        content = await provider.open(dated)
        assert await content.fetch(StoredSpan(0, 3)) == b"one"


@on_real_trio
async def test_altered_content_is_noticed_by_the_checksum(nextcloud: NextcloudServer, dav: Dav) -> None:
    dav.put("f", b"hello", OC_Checksum=f"SHA1:{hashlib.sha1(b'hello').hexdigest()} MD5:00")
    dav.put("none", b"hello")
    places = MemoryPlaces()
    async with provider_of(dav, places) as provider:
        node, other = await provider.children((await provider.root()).id)
    async with provider_of(dav, places) as provider:  # after a restart nothing is listed again
        for tampered in (False, True):
            content = await provider.open(node)
            check = content.cipher.check(b"")
            assert check is not None
            check.add(StoredSpan(0, 5), await content.fetch(StoredSpan(0, 5)))
            assert check.verdict() is not tampered
            nextcloud.control.call("POST", "/tamper", account=dav.account, path="f")
        assert (await provider.open(other)).cipher.check(b"") is None


@on_real_trio
async def test_rights_of_shares(nextcloud: NextcloudServer, dav: Dav, other: Dav) -> None:
    for name in ("reading", "writing"):
        dav.ok("MKCOL", name)
        dav.put(f"{name}/f", b"1")
    for name, letters in (("reading", "RG"), ("writing", "RGDNVCKW")):
        share = {"account": dav.account, "path": name, "recipient": other.account}
        nextcloud.control.call("POST", "/shares", **share, permissions=letters)
    async with provider_of(other) as provider:
        reading, writing = await provider.children((await provider.root()).id)
        assert Rights.CREATE_FILES not in reading.rights
        assert Rights.RENAME | Rights.DELETE in reading.rights
        [file] = await provider.children(reading.id)
        assert file.rights == Rights.READ
        [file] = await provider.children(writing.id)
        assert Rights.WRITE | Rights.DELETE | Rights.RENAME in file.rights
        assert Rights.CREATE_FILES | Rights.CREATE_DIRECTORIES in writing.rights


@on_real_trio
async def test_trouble(nextcloud: NextcloudServer, dav: Dav) -> None:
    async with provider_of(dav) as provider:
        node = await put(provider, "f", b"12345")
        nextcloud.control.call("PUT", "/locks", account=dav.account, path="f", locked=True)
        with pytest.raises(Busy):
            await provider.upload(over(node, b"1"), Bytes(b"1"))
        with pytest.raises(Busy):
            await provider.set_times(node.ref, MTIME_NS)
        nextcloud.control.call("PUT", "/accounts", account=dav.account, quota=10)
        with pytest.raises(QuotaExceeded):
            await put(provider, "g", b"123456")
        assert await provider.usage() == Usage(5, 10)
        nextcloud.control.set(maintenance=True)
        with pytest.raises(Unavailable, match="maintenance"):
            await provider.root()


@on_real_trio
async def test_looking_for_changes_is_one_request_while_there_are_none(
    nextcloud: NextcloudServer, dav: Dav, tmp_path: Path
) -> None:
    for path in ("a", "a/b", "a/b/c", "other"):
        dav.ok("MKCOL", path)
    dav.put("a/b/c/f", b"1")
    async with provider_of(dav) as provider, trio.open_nursery() as nursery:
        machine = Machine(tmp_path / "machine", provider, nursery)
        await machine.syncer.ensure_root()
        await machine.tree()
        await machine.syncer.poll()
        nextcloud.control.forget_requests()
        await machine.syncer.poll()
        assert nextcloud.control.requests().counts == {"PROPFIND /remote.php/dav/files/{user}/{path}": 1}
        dav.put("a/b/c/f", b"22")
        nextcloud.control.forget_requests()
        await machine.syncer.poll()
        assert (await machine.node("a/b/c/f")).size == 2
        assert nextcloud.control.requests().count("PROPFIND") == 4
        assert nextcloud.control.requests().count("REPORT") == 0
        nursery.cancel_scope.cancel()


@on_real_trio
async def test_an_external_storage_is_looked_at_after_a_while(
    nextcloud: NextcloudServer, dav: Dav, tmp_path: Path
) -> None:
    nextcloud.control.call("POST", "/externals", account=dav.account, name="nas")
    dav.put("nas/f", b"1")
    async with provider_of(dav) as provider, trio.open_nursery() as nursery:
        machine = Machine(tmp_path / "machine", provider, nursery)
        await machine.syncer.ensure_root()
        await machine.tree()
        change = {"account": dav.account, "path": "nas", "name": "f"}
        nextcloud.control.call("POST", "/externals/change", **change, text="changed behind the server")
        await machine.syncer.poll()
        assert (await machine.node("nas/f")).size == 1
        machine.syncer.recheck_s = 1e-6
        await machine.syncer.poll()
        assert (await machine.node("nas/f")).size == len("changed behind the server")
        nursery.cancel_scope.cancel()
