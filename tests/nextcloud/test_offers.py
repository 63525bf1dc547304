"""Trash bin, older versions, links, small pictures and the server's own interface, through the provider."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx
import pytest

from mountcloud.model.errors import (
    Conflict,
    Forbidden,
    InvalidArgument,
    NotFound,
    OutOfSpace,
    Unavailable,
    Unsupported,
)
from mountcloud.model.ids import Version
from mountcloud.model.node import Kind, Node
from mountcloud.model.offers import (
    Diagnosed,
    Discarded,
    LinkKind,
    LinkWish,
    PastVersion,
    RawApi,
    Sharing,
    Thumbnails,
    Trash,
    Versions,
)
from mountcloud.providers.memory_places import MemoryPlaces
from mountcloud.providers.webdav.cloud import cloud_of
from mountcloud.providers.webdav.nextcloud import CLOUD, NextcloudProvider
from tests.nextcloud.dav import Dav
from tests.nextcloud.provider import provider_of
from tests.nextcloud.server import NextcloudServer
from tests.real_server import on_real_trio


async def named(provider: NextcloudProvider, path: str) -> Node:
    """What is at a path."""
    node = await provider.root()
    for name in path.split("/"):
        [node] = [each for each in await provider.children(node.id) if each.name == name]
    return node


async def discarded(provider: NextcloudProvider, path: str = "") -> dict[str, Discarded]:
    """What was removed at or below a path, by its own path."""
    node = await named(provider, path) if path else await provider.root()
    return {each.path: each for each in await provider.discarded(node.id)}


def stranger(url: str, password: str = "") -> httpx.Response:
    with httpx.Client(trust_env=False) as client:
        return client.get(url, auth=("anonymous", password) if password else None)


@on_real_trio
async def test_what_the_server_offers_is_asked_at_login_and_kept(nextcloud: NextcloudServer, dav: Dav) -> None:
    nextcloud.control.set(trash=False, links=False)
    places = MemoryPlaces()
    async with provider_of(dav, places) as provider:
        await provider.verify()
        for port in (Trash, Versions, Sharing, Thumbnails, RawApi, Diagnosed):
            assert isinstance(provider, port)
        known = cloud_of(places.note(CLOUD))
        assert known is not None
        assert known.offers == ("versions",)
        root = await provider.root()
        nextcloud.control.forget_requests()
        with pytest.raises(Unsupported, match="trash bin"):
            await provider.discarded(root.id)
        with pytest.raises(Unsupported, match="links"):
            await provider.links(root.ref)
        assert nextcloud.control.requests().count() == 0
        nextcloud.control.set(trash=True)
        await provider.verify()
        assert await provider.discarded(root.id) == []


@on_real_trio
async def test_who_logged_in_before_is_asked_now(dav: Dav) -> None:
    places = MemoryPlaces()
    async with provider_of(dav, places) as provider:
        await provider.root()
    kept = json.loads(places.note(CLOUD) or "")
    del kept["offers"]
    places.set_note(CLOUD, json.dumps(kept))
    async with provider_of(dav, places) as provider:
        assert await discarded(provider) == {}


@on_real_trio
async def test_what_was_removed_comes_back_or_goes_for_ever(dav: Dav) -> None:
    dav.ok("MKCOL", "d")
    dav.ok("MKCOL", "d/e")
    for path in ("d/f é.txt", "d/e/g", "other"):
        dav.put(path, b"content")
        dav.ok("DELETE", path)
    dav.ok("DELETE", "d/e")
    async with provider_of(dav) as provider:
        assert set(await discarded(provider)) == {"d/f é.txt", "d/e/g", "d/e", "other"}
        below = await discarded(provider, "d")
        assert set(below) == {"d/f é.txt", "d/e/g", "d/e"}
        file, directory = below["d/f é.txt"], below["d/e"]
        assert (file.kind, file.size, directory.kind) == (Kind.FILE, 7, Kind.DIRECTORY)
        assert file.deleted_at is not None
        with pytest.raises(NotFound, match="'d/e' is gone"):
            await provider.restore(below["d/e/g"])
        dav.put("d/f é.txt", b"another")
        await provider.restore(file)
        assert (dav.get("d/f é.txt"), dav.get("d/f é (restored).txt")) == (b"another", b"content")
        await provider.restore(directory)
        await provider.restore(below["d/e/g"])
        assert dav.get("d/e/g") == b"content"
        for again in (provider.restore, provider.purge):
            with pytest.raises(NotFound):
                await again(file)
        [last] = (await discarded(provider)).values()
    async with provider_of(dav) as another:  # that never listed the bin
        await another.purge(last)
        assert await discarded(another) == {}


@on_real_trio
async def test_a_full_account_gets_nothing_back(nextcloud: NextcloudServer, dav: Dav) -> None:
    dav.put("f", b"content")
    dav.ok("DELETE", "f")
    nextcloud.control.call("PUT", "/accounts", account=dav.account, quota=10_000)
    async with provider_of(dav) as provider:
        [item] = (await discarded(provider)).values()
        with pytest.raises(OutOfSpace):
            await provider.restore(item)
        assert list(await discarded(provider)) == ["f"]


@on_real_trio
async def test_an_older_content_becomes_the_present_one(dav: Dav) -> None:
    for number, data in enumerate([b"one", b"three", b"five!"]):
        dav.put("f", data, X_OC_MTime=str(1_700_000_000 + number))
    async with provider_of(dav) as provider:
        node = await named(provider, "f")
        present, *older = await provider.versions(node.ref)
        assert present == PastVersion(node.version, 5, 1_700_000_002.0, present=True)
        assert older == [
            PastVersion(Version("1700000001"), 5, 1_700_000_001.0),
            PastVersion(Version("1700000000"), 3, 1_700_000_000.0),
        ]
        with pytest.raises(NotFound, match="no version"):
            await provider.restore_version(node.ref, Version("1"))
        await provider.restore_version(node.ref, node.version)
        assert dav.get("f") == b"five!"
        await provider.restore_version(node.ref, Version("1700000000"))
        assert dav.get("f") == b"one"
        with pytest.raises(Conflict):
            await provider.restore_version(node.ref, Version("1700000001"))
        again = await provider.node(node.ref)
        assert (again.id, again.size) == (node.id, 3)
        assert [each.size for each in await provider.versions(again.ref)] == [3, 5, 5]
        dav.ok("MKCOL", "d")
        with pytest.raises(Unsupported, match="directories"):
            await provider.versions((await named(provider, "d")).ref)
        dav.ok("DELETE", "f")
        with pytest.raises(NotFound):
            await provider.versions(again.ref)


@on_real_trio
async def test_who_may_only_read_a_share_restores_nothing(nextcloud: NextcloudServer, dav: Dav, other: Dav) -> None:
    dav.ok("MKCOL", "d")
    for number in range(2):
        dav.put("d/f", str(number).encode(), X_OC_MTime=str(1_700_000_000 + number))
    share = {"account": dav.account, "path": "d", "recipient": other.account}
    nextcloud.control.call("POST", "/shares", **share, permissions="RG")
    async with provider_of(other) as provider:
        node = await named(provider, "d/f")
        assert [each.size for each in await provider.versions(node.ref)] == [1, 1]
        with pytest.raises(Forbidden):
            await provider.restore_version(node.ref, Version("1700000000"))
    assert dav.get("d/f") == b"1"


@on_real_trio
async def test_links_are_made_as_wished_and_ended(nextcloud: NextcloudServer, dav: Dav) -> None:
    dav.ok("MKCOL", "d")
    dav.put("d/f", b"content")
    async with provider_of(dav) as provider:
        file, directory = await named(provider, "d/f"), await named(provider, "d")
        plain = await provider.share(file.ref, LinkKind.DOWNLOAD, LinkWish())
        assert (plain.name, plain.protected, plain.expires_at, plain.used) == ("f", False, None, None)
        assert stranger(f"{plain.url}/download").content == b"content"
        noon = (datetime.now().astimezone() + timedelta(days=3)).replace(hour=12, minute=0, second=0, microsecond=0)
        wish = LinkWish("a secret", noon.timestamp(), name="for you")
        guarded = await provider.share(file.ref, LinkKind.DOWNLOAD, wish)
        assert (guarded.name, guarded.protected) == ("for you", True)
        assert guarded.expires_at == noon.replace(hour=0).timestamp() + 86_400, "the end of the day that was wished"
        assert stranger(f"{guarded.url}/download").content == b""
        assert list(await provider.links(file.ref)) == [plain, guarded]
        drop = await provider.share(directory.ref, LinkKind.UPLOAD, LinkWish())
        [listed] = await provider.links(directory.ref)
        assert (listed, listed.kind) == (drop, LinkKind.UPLOAD)
        await provider.unshare(plain)
        assert stranger(f"{plain.url}/download").status_code == 404
        with pytest.raises(NotFound):
            await provider.unshare(plain)


@on_real_trio
async def test_wishes_that_cannot_be_granted(nextcloud: NextcloudServer, dav: Dav) -> None:
    dav.put("f", b"content")
    async with provider_of(dav) as provider:
        file = await named(provider, "f")
        with pytest.raises(Unsupported, match="count"):
            await provider.share(file.ref, LinkKind.DOWNLOAD, LinkWish(max_downloads=3))
        with pytest.raises(InvalidArgument):
            await provider.share(file.ref, LinkKind.UPLOAD, LinkWish())
        nextcloud.control.set(link_passwords=True)
        with pytest.raises(Forbidden, match="the server says: Passwords are enforced"):
            await provider.share(file.ref, LinkKind.DOWNLOAD, LinkWish())
        nextcloud.control.set(public_upload=False)
        await provider.verify()
        with pytest.raises(Unsupported, match="uploads"):
            await provider.share((await provider.root()).ref, LinkKind.UPLOAD, LinkWish())


@on_real_trio
async def test_a_link_without_the_password_that_it_should_have_is_ended(dav: Dav) -> None:
    """Whatever server ignores the wish: nobody may get in without the password."""
    dav.put("f", b"content")
    async with provider_of(dav) as provider:
        file = await named(provider, "f")
        kept = await provider.share(file.ref, LinkKind.DOWNLOAD, LinkWish())
        request = provider._client.request

        async def deaf(method: str, url: str, **rest: object) -> object:
            form = rest.get("form")
            if isinstance(form, dict):
                form.pop("password", None)
            return await request(method, url, **rest)  # type: ignore[arg-type]  # passed on

        provider._client.request = deaf  # type: ignore[assignment]  # what such a server would do
        with pytest.raises(Unsupported):
            await provider.share(file.ref, LinkKind.DOWNLOAD, LinkWish("a secret"))
        assert list(await provider.links(file.ref)) == [kept]


@on_real_trio
async def test_pictures_have_thumbnails(nextcloud: NextcloudServer, dav: Dav) -> None:
    dav.ok("MKCOL", "d")
    dav.put("d/photo é.jpg", b"not looked at")
    dav.put("text.txt", b"text")
    async with provider_of(dav) as provider:
        picture = await provider.thumbnail((await named(provider, "d/photo é.jpg")).ref, 64)
        assert picture is not None
        assert picture[16:24] == b"\0\0\0\x40" * 2
        assert nextcloud.control.requests().count("GET", "/files/") == 0
        assert await provider.thumbnail((await named(provider, "text.txt")).ref, 64) is None
        nextcloud.control.set(maintenance=True)
        with pytest.raises(Unavailable):
            await provider.thumbnail((await provider.node((await named(provider, "text.txt")).ref)).ref, 64)


@on_real_trio
async def test_the_interface_of_the_server_itself(nextcloud: NextcloudServer, dav: Dav) -> None:
    dav.put("f", b"content")
    async with provider_of(dav) as provider:
        facts = await provider.about()
        assert (facts.product, facts.version) == ("Nextcloud", "31.0.2")
        told = parsedate_to_datetime(dav.page("/status.php").headers["date"]).timestamp()
        assert facts.time is not None
        assert abs(facts.time - told) < 60
        user = await provider.request("get", "/cloud/user", {})
        assert isinstance(user, dict)
        assert user["id"] == dav.account
        whole = await provider.request("GET", "/status.php", {})
        assert isinstance(whole, dict)
        assert whole["installed"] is True
        shares = "/apps/files_sharing/api/v1/shares"
        made = await provider.request("POST", shares, {"path": "f", "shareType": 3})
        assert isinstance(made, dict)
        assert await provider.request("DELETE", f"/ocs/v1.php{shares}/{made['id']}", {}) == []
        for version in ("", "/ocs/v1.php"):  # the first version says 200 to everything
            with pytest.raises(NotFound, match="Wrong share ID"):
                await provider.request("DELETE", f"{version}{shares}/{made['id']}", {})
        with pytest.raises(InvalidArgument):
            await provider.request("GET", "cloud/user", {})


@on_real_trio
async def test_pages_are_followed_to_their_end(
    nextcloud: NextcloudServer, dav: Dav, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the server tells everything at once, in as many things as a page has."""
    monkeypatch.setattr("mountcloud.providers.webdav.ocs._PAGE", 3)
    dav.put("f", b"content")
    path = "/apps/files_sharing/api/v1/shares"
    async with provider_of(dav) as provider:
        assert [page async for page in provider.pages(path, {})] == [[]]
        for _ in range(3):
            assert dav.shares("POST", path="f", shareType="3").status_code == 200
        [page] = [page async for page in provider.pages(path, {})]
        assert isinstance(page, list)
        assert len(page) == 3

        async def paged(method: str, path: str, fields: Mapping[str, object]) -> object:
            offset = int(str(fields["offset"]))
            return {"users": list(range(7))[offset : offset + int(str(fields["limit"]))]}

        monkeypatch.setattr(provider._ocs, "request", paged)
        assert [page async for page in provider.pages("/cloud/users", {})] == [
            {"users": [0, 1, 2]},
            {"users": [3, 4, 5]},
            {"users": [6]},
        ]
