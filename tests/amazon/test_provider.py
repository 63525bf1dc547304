"""The provider in trouble, and what it asks for."""

from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import trio

from mountcloud.model.arrival import Piece
from mountcloud.model.errors import (
    AuthenticationRequired,
    Busy,
    Conflict,
    Exists,
    Failure,
    Forbidden,
    InvalidArgument,
    NotFound,
    Outdated,
    QuotaExceeded,
    Refused,
    Throttled,
    Unavailable,
    Unsupported,
)
from mountcloud.model.ids import NodeId, Ref, Version
from mountcloud.model.offers import GrantedByCode, LinkKind, LinkWish, RawApi, Sharing, Thumbnails, Trash, Versions
from mountcloud.model.span import StoredSpan
from mountcloud.providers.amazon.errors import failure_for
from mountcloud.providers.amazon.settings import settings_from
from tests.amazon.drive import Drive, form
from tests.amazon.provider import new_file, over, provider_of, put, read
from tests.amazon.server import AmazonServer
from tests.real_server import Bytes, Kept, on_real_trio

MIB = 1 << 20


@on_real_trio
async def test_a_new_file_is_one_request(amazon: AmazonServer, drive: Drive) -> None:
    async with provider_of(drive) as provider:
        await put(provider, "first", b"1")
        amazon.control.forget_requests()
        await put(provider, "second", b"2")
        assert sum(amazon.control.requests().counts.values()) == 1


@on_real_trio
async def test_times_that_do_not_come_with_a_new_node_are_written_after_it(amazon: AmazonServer, drive: Drive) -> None:
    amazon.control.set(properties_at_creation=False)
    async with provider_of(drive) as provider:
        file = await put(provider, "f", b"1")
        assert (await provider.node(file.ref)).mtime_ns == file.mtime_ns == 1_700_000_000_123_456_789


@on_real_trio
async def test_an_upload_that_was_stored_late_is_not_sent_again(amazon: AmazonServer, drive: Drive) -> None:
    async with provider_of(drive) as provider:
        amazon.control.set(stored_but_504=1, stored_after=0.2)
        file = await put(provider, "f", b"first")
        amazon.control.set(stored_but_504=1, stored_after=0.2)
        new = await provider.upload(over(file, b"second"), Bytes(b"second"))
        assert (new.id, await read(provider, new)) == (file.id, b"second")
        requests = amazon.control.requests()
        assert (requests.count("POST", "/cdproxy"), requests.count("PUT", "/cdproxy")) == (1, 1)


@pytest.mark.parametrize(
    ("which", "change"), [("d", "overwrite"), ("d/e", "overwrite"), ("d", "new"), ("d", "move"), ("d/e", "move")]
)
@on_real_trio
async def test_no_content_goes_into_the_trash_with_a_folder(drive: Drive, which: str, change: str) -> None:
    """Another client put it there a moment ago; the service takes what is meant for a file in it all the same."""
    async with provider_of(drive) as provider:
        above = await provider.make_directory((await provider.root()).id, "d", 0)
        below = await provider.make_directory(above.id, "e", 0)
        mover = await put(provider, "mover", b"1")
        file = await provider.upload(new_file(below.id, "f", b"first"), Bytes(b"first"))
        drive.trash(drive.id(f"/{which}"))
        changes: dict[str, Callable[[], Awaitable[object]]] = {
            "overwrite": lambda: provider.upload(over(file, b"second"), Bytes(b"second")),
            "new": lambda: provider.upload(new_file(below.id, "g", b"1"), Bytes(b"1")),
            "move": lambda: provider.move(mover.ref, below.id, "mover", None),
        }
        with pytest.raises(NotFound):
            await changes[change]()
        assert mover.id in {each["id"] for each in drive.children()}


@on_real_trio
async def test_a_later_attempt_finds_what_an_earlier_one_stored(amazon: AmazonServer, drive: Drive) -> None:
    """The answer was lost, the daemon was killed: all that is left is that the upload had begun."""
    drive.put("f", b"content")
    async with provider_of(drive) as provider:
        root = await provider.root()
        found = await provider.upload(new_file(root.id, "f", b"content"), Bytes(b"content"), Kept("begun"))
        assert found.mtime_ns == 1_700_000_000_123_456_789
        with pytest.raises(Exists):
            await provider.upload(new_file(root.id, "f", b"another"), Bytes(b"another"), Kept("begun"))
        with pytest.raises(Exists):
            await provider.upload(new_file(root.id, "f", b"content"), Bytes(b"content"), Kept())
        old = found
        drive.overwrite(found.id, b"newer")
        assert (await provider.upload(over(old, b"newer"), Bytes(b"newer"), Kept("begun"))).size == 5
        with pytest.raises(Conflict):
            await provider.upload(over(old, b"other"), Bytes(b"other"), Kept("begun"))
        assert drive.read(old.id) == b"newer"


@on_real_trio
async def test_what_a_lost_reply_was_about_is_found_though_listings_lag(amazon: AmazonServer, drive: Drive) -> None:
    async with provider_of(drive) as provider:
        root = (await provider.root()).id
        amazon.control.set(listing_lag=3600.0)
        file, folder = drive.put("f", b"content"), drive.mkdir("d")
        found = await provider.upload(new_file(root, "f", b"content"), Bytes(b"content"), Kept("begun"))
        assert found.id == file
        with pytest.raises(Exists):
            await provider.make_directory(root, "d", 0)
        assert folder in {each.id for each in await provider.children(root)}


@on_real_trio
async def test_what_is_stored_wrongly_is_sent_again(amazon: AmazonServer, drive: Drive) -> None:
    async with provider_of(drive) as provider:
        amazon.control.set(corrupt_uploads=2)
        file = await put(provider, "f", b"content")
        assert drive.read(file.id) == b"content"
        assert len(drive.ok("GET", "M:trash")["data"]) == 2
        amazon.control.set(corrupt_uploads=1)
        new = await provider.upload(over(file, b"new"), Bytes(b"new"))
        assert (new.id, drive.read(file.id)) == (file.id, b"new")
        amazon.control.set(corrupt_uploads=9)
        with pytest.raises(Refused):
            await put(provider, "g", b"content")


@on_real_trio
async def test_damage_on_the_way_down_is_told_by_the_check(amazon: AmazonServer, drive: Drive) -> None:
    async with provider_of(drive) as provider:
        file = await put(provider, "f", b"content")
        amazon.control.call("POST", "/tamper", node=file.id)
        content = await provider.open(file)
        check = content.cipher.check(b"")
        assert check is not None
        check.add(StoredSpan(0, 7), await content.fetch(StoredSpan(0, 7)))
        assert check.verdict() is False


@on_real_trio
async def test_bytes_of_another_version_are_not_handed_on(amazon: AmazonServer, drive: Drive) -> None:
    """The file gets new content of the same size between our request and its answer."""
    data = bytes(range(256)) * 4096
    async with provider_of(drive) as provider:
        file = await put(provider, "f", data)
        content = await provider.open(file)
        amazon.control.fault(f"/{file.id}/content", method="GET", kind="slow", after=1 << 16, seconds=0.2)
        got: list[Piece] = []

        async def replace_it() -> None:
            await trio.sleep(0.2)
            await trio.to_thread.run_sync(drive.overwrite, file.id, data[::-1])

        async with trio.open_nursery() as nursery:
            nursery.start_soon(replace_it)
            with pytest.raises(Outdated):
                await content.fetch(StoredSpan(0, len(data)), got.append)
        assert data.startswith(b"".join(got))


@on_real_trio
async def test_a_slow_line_gives_its_first_bytes_early(amazon: AmazonServer, drive: Drive) -> None:
    data = bytes(8 << 16)
    async with provider_of(drive) as provider:
        content = await provider.open(await put(provider, "f", data))
        amazon.control.fault("/content", method="GET", kind="slow", after=1 << 16, seconds=3.0)
        got: list[Piece] = []
        with trio.move_on_after(30) as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(content.fetch, StoredSpan(0, len(data)), got.append)
                while not got:
                    await trio.sleep(0.05)
                assert sum(map(len, got)) < len(data)
                nursery.cancel_scope.cancel()
        assert not scope.cancelled_caught


@on_real_trio
async def test_bytes_keep_their_order_though_the_version_cannot_be_asked_for(
    amazon: AmazonServer, drive: Drive
) -> None:
    data = bytes(range(256)) * 2048
    async with provider_of(drive) as provider:
        file = await put(provider, "f", data)
        content = await provider.open(file)
        amazon.control.fault("/content", method="GET", kind="slow", after=1 << 16, seconds=0.6)
        amazon.control.fault(f"/nodes/{file.id}$", method="GET", count=1, status=503)
        got: list[Piece] = []
        with pytest.raises(Unavailable):
            await content.fetch(StoredSpan(0, len(data)), got.append)
        come = b"".join(got)
        assert data.startswith(come)
        assert await content.fetch(StoredSpan(len(come), len(data))) == data[len(come) :]


@on_real_trio
async def test_bytes_that_come_while_the_version_is_asked_for_wait_for_the_next_word(
    amazon: AmazonServer, drive: Drive
) -> None:
    data = bytes(range(256)) * 2048
    async with provider_of(drive) as provider:
        file = await put(provider, "f", data)
        content = await provider.open(file)
        amazon.control.fault("/content", method="GET", kind="slow", after=1 << 16, seconds=0.5)
        amazon.control.fault(f"/nodes/{file.id}$", method="GET", count=1, kind="delay", seconds=1)
        assert await content.fetch(StoredSpan(0, len(data))) == data


@on_real_trio
@pytest.mark.parametrize("way", ["redirect", "link"])
async def test_content_comes_from_another_host_without_our_token(amazon: AmazonServer, drive: Drive, way: str) -> None:
    data = bytes(range(256)) * 8192
    async with provider_of(drive, temp_link_from=1 if way == "link" else 1 << 40) as provider:
        file = await put(provider, "f", data)
        amazon.control.set(redirect_downloads=way == "redirect")
        content = await provider.open(file)
        assert await content.fetch(StoredSpan(5, MIB)) == data[5:MIB]
        amazon.control.set(signed_lifetime=-1.0)
        if way == "link":
            amazon.control.set(signed_lifetime=300.0)
            assert await content.fetch(StoredSpan(0, 10)) == data[:10]
        assert amazon.control.requests().count("GET", "/signed/") >= 1


@on_real_trio
async def test_a_token_that_ends_in_the_middle_is_renewed_once(amazon: AmazonServer, drive: Drive) -> None:
    async with provider_of(drive) as provider:
        file = await put(provider, "f", b"1")
        amazon.control.call("POST", "/tokens/expire")
        new = await provider.upload(over(file, b"after"), Bytes(b"after"))
        amazon.control.call("POST", "/tokens/expire")
        assert await read(provider, new) == b"after"
        assert len(await provider.children((await provider.root()).id)) == 1


@on_real_trio
async def test_a_listing_that_lags_is_put_right(amazon: AmazonServer, drive: Drive) -> None:
    async with provider_of(drive) as provider:
        root = await provider.root()
        old, gone = await put(provider, "old", b"1"), await put(provider, "gone", b"2")
        moved = await put(provider, "moved", b"3")
        target = await provider.make_directory(root.id, "target", 0)
        theirs = NodeId(drive.put("theirs", b"4"))
        cursor = (await provider.changes(None)).cursor
        amazon.control.set(listing_lag=3600.0)
        new = await put(provider, "new", b"5")
        old = await provider.upload(over(old, b"11"), Bytes(b"11"))
        await provider.remove(gone.ref)
        await provider.move(moved.ref, target.id, "moved", None)
        drive.rename(theirs, "renamed")
        while (batch := await provider.changes(cursor)).more:
            cursor = batch.cursor
        found = {each.id: each for each in await provider.children(root.id)}
        assert {each.name for each in found.values()} == {"old", "new", "target", "renamed"}
        assert (found[old.id], found[new.id]) == (old, new)
        assert [each.id for each in await provider.children(target.id)] == [moved.id]
        # What somebody else removed meanwhile is not brought back.
        drive.trash(new.id)
        assert new.id not in {each.id for each in await provider.children(root.id)}


@on_real_trio
async def test_pages_that_expire_are_asked_for_anew(amazon: AmazonServer, drive: Drive) -> None:
    amazon.control.set(page_size=2)
    for number in range(5):
        drive.mkdir(f"d{number}")
    async with provider_of(drive) as provider:
        root = (await provider.root()).id
        amazon.control.fault(f"/{root}/children", count=1, skip=1, status=400)
        assert len(await provider.children(root)) == 5


@on_real_trio
@pytest.mark.parametrize("refused", ["rename", "reparent", "rename after"])
async def test_a_move_of_which_half_is_refused_is_undone(amazon: AmazonServer, drive: Drive, refused: str) -> None:
    """Two calls: whatever is refused, the node is there once, under its old name, and what made way is back."""
    async with provider_of(drive) as provider:
        root = (await provider.root()).id
        target = await provider.make_directory(root, "target", 0)
        file, victim = await put(provider, "a", b"a"), drive.put("b", b"victim", target.id)
        holder = await provider.node(Ref(NodeId(victim), Version("")))
        if refused == "rename after":
            drive.put("b", b"in the way")
        where = {"rename": f"PATCH /nodes/{file.id}", "reparent": f"POST /nodes/{target.id}/children"}
        method, path = where.get(refused, f"PATCH /nodes/{file.id}").split(" ")
        skip = 1 if refused == "rename after" else 0
        amazon.control.fault(path, method=method, count=1, skip=skip, status=403)
        with pytest.raises(Forbidden):
            await provider.move(file.ref, target.id, "b", holder.ref)
        assert drive.node(file.id)["name"] == "a"
        assert drive.node(file.id)["parents"] == [root]
        assert drive.node(victim)["status"] == "AVAILABLE"


@on_real_trio
async def test_below_a_trashed_folder_nothing_is_there(drive: Drive) -> None:
    async with provider_of(drive) as provider:
        root = (await provider.root()).id
        above = await provider.make_directory(root, "above", 0)
        below = await provider.make_directory(above.id, "below", 0)
        file = await provider.upload(new_file(below.id, "f", b"1"), Bytes(b"1"))
        drive.trash(above.id)
        async with provider_of(drive) as fresh:
            for each in (below, file):
                with pytest.raises(NotFound):
                    await fresh.node(each.ref)
            with pytest.raises(NotFound):
                await fresh.upload(new_file(below.id, "g", b"2"), Bytes(b"2"))
            with pytest.raises(NotFound):
                await fresh.upload(over(file, b"2"), Bytes(b"2"))
            with pytest.raises(NotFound):
                await fresh.make_directory(below.id, "d", 0)


@on_real_trio
async def test_the_trash(drive: Drive) -> None:
    async with provider_of(drive) as provider:
        assert isinstance(provider, Trash)
        root = (await provider.root()).id
        directory = await provider.make_directory(root, "d", 0)
        inside = await provider.upload(new_file(directory.id, "f.txt", b"1"), Bytes(b"1"))
        outside = await put(provider, "g", b"2")
        await provider.remove(inside.ref)
        await provider.remove(outside.ref)
        assert {each.path for each in await provider.discarded(root)} == {"d/f.txt", "g"}
        [discarded] = await provider.discarded(directory.id)
        drive.put("f.txt", b"another", directory.id)
        await provider.restore(discarded)
        assert drive.names(directory.id) == {"f.txt", "f (1).txt"}
        with pytest.raises(NotFound):
            await provider.restore(discarded)
        [left] = await provider.discarded(root)
        with pytest.raises(Unsupported, match="30 days"):
            await provider.purge(left)


@on_real_trio
async def test_links_thumbnails_and_calls(drive: Drive) -> None:
    picture = form(b"p", {"kind": "FILE", "name": "p.png"})
    picture["content"] = picture["content"].replace(b"application/octet-stream", b"image/png")
    shown = drive.ok("POST", "C:nodes", **picture)
    async with provider_of(drive) as provider:
        assert isinstance(provider, Sharing)
        assert isinstance(provider, Thumbnails)
        assert isinstance(provider, RawApi)
        assert not isinstance(provider, Versions)
        file, root = await provider.node(Ref(NodeId(shown["id"]), Version(""))), (await provider.root()).ref
        link = await provider.share(file.ref, LinkKind.DOWNLOAD, LinkWish())
        assert httpx.get(link.url).content == b"p"
        for kind, ref, wish in (
            (LinkKind.UPLOAD, file.ref, LinkWish()),
            (LinkKind.DOWNLOAD, file.ref, LinkWish(password="x")),
            (LinkKind.DOWNLOAD, root, LinkWish()),
        ):
            with pytest.raises(Unsupported):
                await provider.share(ref, kind, wish)
        assert (await provider.thumbnail(file.ref, 32) or b"").startswith(b"\x89PNG")
        assert await provider.thumbnail((await put(provider, "t.txt", b"t")).ref, 32) is None
        quota = await provider.request("GET", "/account/quota", {})
        assert isinstance(quota, dict)
        assert quota["quota"] > 0
        assert len([page async for page in provider.pages("/nodes", {"limit": 1})]) == 3


@on_real_trio
async def test_a_browser_grants_access(amazon: AmazonServer, drive: Drive) -> None:
    amazon.control.set(authorize_as="demo")
    fresh = Drive(type(drive.customer)(drive.customer.url, "", "", ""))
    async with provider_of(fresh, redirect_uri="http://localhost:1/") as provider:
        assert isinstance(provider, GrantedByCode)
        with pytest.raises(AuthenticationRequired):
            await provider.root()
        sent = httpx.get(provider.authorize_url("our state"))
        back = parse_qs(urlsplit(sent.headers["location"]).query)
        assert (back["state"], back["scope"]) == (["our state"], ["clouddrive:read_all clouddrive:write"])
        await provider.redeem(back["code"][0])
        assert (await provider.verify()).parent is None


@pytest.mark.parametrize(
    ("status", "code", "message", "expected"),
    [
        (400, "", "", Refused),
        (401, "", "Token has expired", AuthenticationRequired),
        (403, "OVER_QUOTA", "The quota of the account is exceeded", QuotaExceeded),
        (403, "", "Authorization header requires 'Credential' parameter", Unavailable),
        (403, "", "Insufficient permissions", Forbidden),
        (404, "", "", NotFound),
        (409, "NAME_ALREADY_EXISTS", "", Exists),
        (409, "", "Node with the name x already exists under parentId y conflicting NodeId: z", Exists),
        (409, "MD5_ALREADY_EXISTS", "", Refused),
        (409, "", "Parallel modification", Busy),
        (429, "", "Rate exceeded", Throttled),
        (408, "", "", Unavailable),
        (504, "", "", Unavailable),
    ],
)
def test_every_refusal_is_a_failure_of_ours(status: int, code: str, message: str, expected: type[Failure]) -> None:
    assert type(failure_for(status, code, message)) is expected


def test_any_status_is_a_failure() -> None:
    assert all(isinstance(failure_for(status), Failure) for status in range(1000))


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "drive.example.com"},
        {"url": "http://drive.example.com"},
        {"url": "https://drive.example.com", "ownr": "x"},
        {"url": "https://drive.example.com", "owner": "a/b"},
        {"url": "https://drive.example.com", "max_concurrency": 0},
        {"url": "https://drive.example.com", "change_calls_per_hour": -1},
        {"url": "https://drive.example.com", "token_url": "http://login.example.com"},
        {"url": 3},
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidArgument):
        settings_from(wrong)
