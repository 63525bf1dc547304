"""Servers that tell what changed (RFC 6578): the sandbox by the standard, and what a machine makes of it."""

import hashlib
import json
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import httpx
import pytest
import trio
from defusedxml.ElementTree import fromstring

from mountcloud.daemon.secrets import MemorySecrets
from mountcloud.model.change import Removed, Upserted
from mountcloud.model.errors import Refused, Unavailable
from mountcloud.model.ids import Cursor, NodeId
from mountcloud.model.operation import Slot
from mountcloud.model.places import Place, Places
from mountcloud.model.provider import ChangeFeed, UploadTarget
from mountcloud.providers.book import ROOT
from mountcloud.providers.memory_places import MemoryPlaces
from mountcloud.providers.webdav.abilities import Abilities
from mountcloud.providers.webdav.facts import Facts, Sent
from mountcloud.providers.webdav.nextcloud import ABILITIES as ALL_ABILITIES
from mountcloud.providers.webdav.provider import ABILITIES, WebdavProvider
from mountcloud.providers.webdav.settings import WebdavSettings
from tests.nextcloud.dav import D, Dav
from tests.nextcloud.provider import MTIME_NS
from tests.nextcloud.server import NextcloudServer
from tests.real_server import Bytes, on_real_trio
from tests.unit.engine.harness import Content, Machine

TELLS = replace(ALL_ABILITIES, sync=True)
PATHS_ONLY = replace(TELLS, owncloud=False, sets_dates=False)
"""As on a server that has no ids: a path is all that is known of a node."""


@pytest.fixture(autouse=True)
def syncing(nextcloud: NextcloudServer) -> Iterator[NextcloudServer]:
    nextcloud.control.set(sync=True)
    yield nextcloud
    nextcloud.control.set(sync=False, sync_page=0, sync_floor=0)


@asynccontextmanager
async def provider_of(
    dav: Dav, abilities: str = TELLS.text, places: Places | None = None
) -> AsyncIterator[WebdavProvider]:
    """The plain WebDAV provider; without abilities it finds them out."""
    book = places or MemoryPlaces()
    book.set_note(ABILITIES, abilities)
    provider = WebdavProvider(
        WebdavSettings(dav.url("").rstrip("/"), dav.login), MemorySecrets({"password": dav.password}), book
    )
    try:
        yield provider
    finally:
        with trio.CancelScope(shield=True):
            await provider.aclose()


def ask(dav: Dav, token: str, path: str = "", *, level: str = "infinite", limit: int = 0) -> httpx.Response:
    """A report, as another client would ask for it."""
    most = f"<limit><nresults>{limit}</nresults></limit>" if limit else ""
    asked = f"<sync-token>{token}</sync-token><sync-level>{level}</sync-level>{most}<prop><getetag/></prop>"
    body = f'<sync-collection xmlns="DAV:">{asked}</sync-collection>'
    return dav.ask("REPORT", path, content=body.encode(), headers={"Depth": "0"})


def told(answer: httpx.Response) -> tuple[list[tuple[str, str]], str]:
    """Last names with the status of each, in order, and the new token."""
    assert answer.status_code == 207, answer.text
    top = fromstring(answer.content)
    found = []
    for each in top.findall(f"{D}response"):
        name = unquote(each.findtext(f"{D}href") or "").rstrip("/").rpartition("/")[2]
        found.append((name, (each.findtext(f"{D}status") or "HTTP/1.1 200").split()[1]))
    return found, top.findtext(f"{D}sync-token") or ""


def present(dav: Dav) -> str:
    return dav.list(depth=0, names=[f"{D}sync-token"])[0].values[f"{D}sync-token"]


def test_a_report_names_what_changed_since_its_token(dav: Dav) -> None:
    dav.ok("MKCOL", "d")
    dav.put("d/gone", b"1")
    first = present(dav)
    assert told(ask(dav, first)) == ([], first)
    dav.put("d/new", b"1")
    dav.put("d/new", b"22")
    dav.ok("DELETE", "d/gone")
    found, second = told(ask(dav, first))
    assert found == [("new", "200"), ("gone", "404")]
    dav.move("d", "moved")
    assert sorted(told(ask(dav, second))[0]) == [("d", "404"), ("moved", "200"), ("new", "200")]
    assert sorted(told(ask(dav, second, level="1"))[0]) == [("d", "404"), ("moved", "200")]
    assert told(ask(dav, first, "moved"))[0] == [("new", "200"), ("gone", "404")]
    assert sorted(told(ask(dav, ""))[0]) == [("moved", "200"), ("new", "200")]


def test_long_reports_come_in_pages(dav: Dav, nextcloud: NextcloudServer) -> None:
    first = present(dav)
    for number in range(3):
        dav.put(f"f{number}", b"1")
    page, token = told(ask(dav, first, limit=2))
    assert page == [("f0", "200"), ("f1", "200"), (dav.account, "507")]
    assert told(ask(dav, token, limit=2)) == ([("f2", "200")], present(dav))
    nextcloud.control.set(sync_page=1)
    assert told(ask(dav, first))[0] == [("f0", "200"), (dav.account, "507")]


def test_tokens_that_are_not_known_and_what_cannot_be_told(dav: Dav, other: Dav, nextcloud: NextcloudServer) -> None:
    token = present(dav)
    dav.put("f", b"1")
    nextcloud.control.set(sync_floor=10**9)
    for wrong in (token, "nonsense", "http://sabre.io/ns/sync/x"):
        answer = ask(dav, wrong)
        assert (answer.status_code, b"<d:valid-sync-token/>" in answer.content) == (403, True)
    assert ask(dav, token, level="2").status_code == 400
    nextcloud.control.set(sync_floor=0)
    other.ok("MKCOL", "team")
    share = {"account": other.account, "path": "team", "recipient": dav.account}
    nextcloud.control.call("POST", "/shares", **share, permissions="RG")
    assert ("team", "403") in told(ask(dav, token))[0]
    nextcloud.control.set(sync=False)
    assert ask(dav, token).status_code == 415


@on_real_trio
async def test_the_probe_believes_only_what_tells_of_everything(
    dav: Dav, other: Dav, nextcloud: NextcloudServer
) -> None:
    async with provider_of(dav, "") as provider:
        await provider.verify()
        assert provider.capabilities.change_feed is ChangeFeed.CURSOR
    other.ok("MKCOL", "team")
    share = {"account": other.account, "path": "team", "recipient": dav.account}
    nextcloud.control.call("POST", "/shares", **share, permissions="RG")
    async with provider_of(dav, "") as provider:
        await provider.verify()
        assert provider.capabilities.change_feed is ChangeFeed.TREE_VERSION


@on_real_trio
async def test_a_server_that_tells_no_more_is_looked_at_instead(dav: Dav, nextcloud: NextcloudServer) -> None:
    places = MemoryPlaces()
    async with provider_of(dav, places=places) as provider:
        cursor = (await provider.changes(None)).cursor
        nextcloud.control.set(sync=False)
        with pytest.raises(Unavailable):
            await provider.changes(cursor)
        assert provider.capabilities.change_feed is ChangeFeed.TREE_VERSION
        assert json.loads(places.note(ABILITIES) or "")["sync"] is False


@on_real_trio
async def test_a_token_that_the_server_forgot_is_a_reset(dav: Dav, nextcloud: NextcloudServer) -> None:
    async with provider_of(dav) as provider:
        cursor = (await provider.changes(None)).cursor
        dav.put("f", b"1")
        now = int(present(dav).rpartition("/")[2])
        nextcloud.control.set(sync_floor=now)
        batch = await provider.changes(cursor)
        assert (batch.reset, batch.changes, batch.more) == (True, (), False)
        assert (await provider.changes(batch.cursor)).changes == ()


BOTH = pytest.mark.parametrize("abilities", [TELLS, PATHS_ONLY], ids=["ids", "paths"])


@BOTH
@on_real_trio
async def test_a_report_from_before_a_change_of_ours_is_not_believed(
    dav: Dav, monkeypatch: pytest.MonkeyPatch, abilities: Abilities
) -> None:
    """It would give the old name to the node that we just renamed."""
    async with provider_of(dav, abilities.text) as provider:
        await provider.root()
        dav.put("f", b"1")
        (file,) = await provider.children(ROOT)
        cursor = (await provider.changes(None)).cursor
        dav.put("f", b"22")
        sync = provider._dav.sync

        async def overtaken(token: Cursor, props: tuple[str, ...]) -> object:
            page = await sync(token, props)
            await provider.move(file.ref, ROOT, "ours", None)
            return page

        (file,) = await provider.children(ROOT)
        monkeypatch.setattr(provider._dav, "sync", overtaken)
        batch = await provider.changes(cursor)
        assert [each.node.name for each in batch.changes if isinstance(each, Upserted)] == ["ours"]
        assert [each.id for each in await provider.children(ROOT)] == [file.id]


@on_real_trio
async def test_a_directory_that_cannot_be_looked_into_holds_nothing_up(
    dav: Dav, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with provider_of(dav, PATHS_ONLY.text) as provider:
        await provider.root()
        dav.ok("MKCOL", "d")
        dav.put("d/f", b"1")
        (directory,) = await provider.children(ROOT)
        await provider.children(directory.id)
        cursor = (await provider.changes(None)).cursor
        dav.ok("DELETE", "d")
        dav.ok("MKCOL", "d")
        dav.put("new", b"1")

        async def refused(_: NodeId) -> object:
            raise Refused("not this one")

        monkeypatch.setattr(provider._tree, "look_around", refused)
        batch = await provider.changes(cursor)
        assert "new" in [each.node.name for each in batch.changes if isinstance(each, Upserted)]
        assert batch.cursor != cursor
        assert provider.capabilities.change_feed is ChangeFeed.CURSOR


@BOTH
@on_real_trio
async def test_what_the_index_did_not_hear_of_is_told_again(dav: Dav, abilities: Abilities) -> None:
    """The daemon was killed between the answer and its commit; the book had forgotten the file by then."""
    dav.put("f", b"1")
    places = MemoryPlaces()
    async with provider_of(dav, abilities.text, places) as provider:
        await provider.root()
        (file,) = await provider.children(ROOT)
        cursor = (await provider.changes(None)).cursor
        dav.ok("DELETE", "f")
        assert (await provider.changes(cursor)).changes == (Removed(file.id),)
        assert places.get(file.id) is None
    async with provider_of(dav, abilities.text, places) as again:
        batch = await again.changes(cursor)
        assert batch.changes == (Removed(file.id),)
        assert (await again.changes(batch.cursor)).changes == ()


@on_real_trio
async def test_moves_and_uploads_whose_answers_were_lost_are_known_again(dav: Dav) -> None:
    places = MemoryPlaces()
    async with provider_of(dav, PATHS_ONLY.text, places) as provider:
        directory = await provider.make_directory((await provider.root()).id, "d", 0)
        file = await provider.upload(UploadTarget(ROOT, "f", None, 1, MTIME_NS), Bytes(b"1"))
        cursor = (await provider.changes(None)).cursor
        moved = places.get(file.id)
        assert moved is not None
        sent = Facts(sent=(Sent(hashlib.sha256(b"22").hexdigest(), 2, MTIME_NS + 5),)).text
        new = Place(NodeId("new"), ROOT, "new", is_directory=False, facts=sent)
        places.change(put=[replace(moved, aim=Slot(directory.id, "g")), new])
        dav.move("f", "d/g")
        dav.put("new", b"22")
        changes = (await provider.changes(cursor)).changes
        nodes = {each.node.id: each.node for each in changes if isinstance(each, Upserted)}
        assert (nodes[file.id].parent, nodes[file.id].name) == (directory.id, "g")
        assert nodes[NodeId("new")].mtime_ns == MTIME_NS + 5
        assert not [each for each in changes if isinstance(each, Removed)]


@on_real_trio
async def test_a_moved_node_keeps_its_id_and_all_below_it(dav: Dav, nextcloud: NextcloudServer) -> None:
    """Also if the server's answer says first where it is no more, in a page of its own."""
    nextcloud.control.set(sync_page=1)
    async with provider_of(dav) as provider:
        await provider.root()
        directory = await provider.make_directory(ROOT, "d", 0)
        file = await provider.upload(UploadTarget(directory.id, "f", None, 1, MTIME_NS + 7), Bytes(b"1"))
        cursor = (await provider.changes(None)).cursor
        dav.move("d", "a")
        dav.move("a/f", "a/g")
        changes = (await provider.changes(cursor)).changes
        nodes = {each.node.id: each.node for each in changes if isinstance(each, Upserted)}
        assert {id: node.name for id, node in nodes.items()} == {directory.id: "a", file.id: "g"}
        assert (nodes[file.id].version, nodes[file.id].mtime_ns) == (file.version, MTIME_NS + 7)
        assert not [each for each in changes if isinstance(each, Removed)]


def there(dav: Dav, path: str = "") -> dict[str, Content]:
    """What the server has."""
    found: dict[str, Content] = {}
    for each in dav.list(path)[1:]:
        below = f"{path}/{each.name}".lstrip("/")
        found[each.name] = there(dav, below) if each.directory else dav.get(below)
    return found


def disturb(dav: Dav, rng: random.Random) -> None:
    """One thing that another client does; much of it is about the same few names."""
    names, directories = ["a", "b", "c"], ["", "a/", "b/", "a/b/"]
    path, target = (rng.choice(directories) + rng.choice(names) for _ in range(2))
    action = rng.choice(("put", "put", "mkcol", "mkcol", "move", "delete", "replace"))
    if action == "put":
        dav.ask("PUT", path, content=rng.randbytes(rng.randrange(1, 9)))
    elif action == "mkcol":
        dav.ask("MKCOL", path)
    elif action == "move":
        dav.move(path, target)
    elif action == "delete":
        dav.ask("DELETE", path)
    else:
        dav.ask("DELETE", path)
        dav.ask("MKCOL", path)


@BOTH
@pytest.mark.parametrize("page", [0, 2])
@on_real_trio
async def test_the_view_is_true_after_any_changes(
    dav: Dav, nextcloud: NextcloudServer, tmp_path: Path, abilities: Abilities, page: int
) -> None:
    nextcloud.control.set(sync_page=page)
    rng = random.Random(page)
    async with provider_of(dav, abilities.text) as provider, trio.open_nursery() as nursery:
        here = await Machine(tmp_path / "machine", provider, nursery).boot()
        for _ in range(6):
            await here.syncer.poll()
            assert await here.tree() == there(dav)
            for _ in range(rng.randrange(1, 9)):
                disturb(dav, rng)
        await here.syncer.poll()
        assert await here.tree() == there(dav)
        nextcloud.control.forget_requests()
        await here.syncer.poll()
        requests = nextcloud.control.requests()
        assert requests.count() == requests.count("REPORT") == 1
        nursery.cancel_scope.cancel()
