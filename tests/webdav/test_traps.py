"""What servers do that loses files, unless a client knows of it (WebDAV facts, 1)."""

import os
import time

import pytest
import trio

from mountcloud.model.errors import Conflict, Exists, InvalidName, NotEmpty, NotFound, Outdated, Unavailable
from mountcloud.model.ids import Ref, Version
from mountcloud.model.provider import UploadTarget
from mountcloud.providers.book import ROOT
from mountcloud.providers.memory_places import MemoryPlaces
from mountcloud.providers.webdav.abilities import Abilities, abilities_of
from mountcloud.providers.webdav.provider import ABILITIES
from mountcloud.providers.webdav.tree import HIDDEN
from tests.conformance.content import MTIME_NS, BytesSource
from tests.webdav.client import Bench, bench, new_client, on
from tests.webdav.servers import anywhere, serving_or_skip

EVERYWHERE = ("wsgidav", "apache", "nginx", "lighttpd", "rclone")
HONEST = Abilities(
    put_if_none=True, put_if_match=True, delete_if_match=True, precise=True, move_keeps=True, move_refuses=True,
    properties=True, whole_put=True, mkcol_tells=True, ranges=True,
)  # fmt: skip
KNOWN = {
    "apache": HONEST,
    "wsgidav": Abilities(
        put_if_none=True, put_if_match=True, delete_if_match=True, move_keeps=True, move_refuses=True,
        properties=True, mkcol_tells=True, ranges=True, moves_semicolons=False, quota=True,
    ),
    "nginx": Abilities(
        move_keeps=True, move_refuses=True, lists_hidden=False, whole_put=True, mkcol_tells=True, ranges=True,
    ),
    "lighttpd": Abilities(
        put_if_none=True, put_if_match=True, delete_if_match=True, precise=True, move_keeps=True, properties=True,
        whole_put=True, mkcol_tells=True, ranges=True,
    ),
    "rclone": Abilities(precise=True, move_keeps=True, move_refuses=True, ranges=True),
}  # fmt: skip


@on(*EVERYWHERE)
async def test_the_probe_finds_each_server_as_it_is_and_leaves_nothing(b: Bench) -> None:
    places = MemoryPlaces()
    client = new_client(b.url, places)
    await client.verify()
    await client.aclose()
    assert abilities_of(places.note(ABILITIES)) == KNOWN[b.kind]
    assert b.files == set()


@on(*EVERYWHERE)
async def test_a_rewrite_of_one_size_in_one_second_is_seen(b: Bench) -> None:
    """nginx and WsgiDAV show the same tag, date and size for both contents."""
    b.outsider.put("file", b"first")
    seen = await b.named("file")
    b.outsider.put("file", b"other")
    try:
        assert await b.read(seen) == b"other"
    except Outdated:
        assert await b.read(await b.named("file")) == b"other"
    assert await b.read(await b.named("file")) == b"other"


@on("wsgidav", "nginx")
async def test_a_version_that_may_hide_a_rewrite_is_not_kept(b: Bench) -> None:
    """What is cached under the first version must not be taken for the second content."""
    b.outsider.put("file", b"first")
    seen = await b.named("file")
    b.outsider.put("file", b"other")
    await trio.sleep(2.5)  # the server's clock, in whole seconds
    assert (await b.named("file")).version != seen.version


@on("wsgidav", "nginx")
async def test_a_version_seen_too_soon_holds_once_it_was_opened(b: Bench) -> None:
    b.outsider.put("file", b"first")
    seen = await b.named("file")
    assert await b.read(seen) == b"first"
    assert (await b.named("file")).version == seen.version
    new = await b.put("file", b"second", replaces=seen)
    assert b.outsider.get("file") == b"second"
    assert new.version != seen.version


@on("apache")
async def test_tags_that_are_weak_for_a_second_are_no_obstacle(b: Bench) -> None:
    node = await b.put("file", b"0")
    for number in range(1, 4):
        node = await b.put("file", str(number).encode(), replaces=node)
        assert await b.read(node) == str(number).encode()
    await b.client.remove(node.ref)
    assert b.files == set()


def test_a_compressing_server_does_not_change_a_file() -> None:
    """Its tags end in -gzip in some answers, and as conditions they would never match."""
    text = b"the same words again and again " * 1000

    async def main(b: Bench) -> None:
        b.outsider.put("page.html", text)
        await trio.sleep(1.1)
        node = await b.named("page.html")
        assert await b.read(node) == text
        node = await b.put("page.html", text + b"more", replaces=node)
        assert await b.read(await b.named("page.html")) == text + b"more"
        await b.client.remove(node.ref)

    with serving_or_skip("apache", anywhere(compress=True)) as site:

        async def run() -> None:
            async with bench("apache", site, MemoryPlaces()) as ready:
                await main(ready)

        trio.run(run)


@on("nginx", "rclone")
async def test_servers_that_ignore_conditions_overwrite_nothing(b: Bench) -> None:
    base = await b.put("file", b"base")
    b.outsider.put("file", b"their work")
    with pytest.raises(Conflict):
        await b.put("file", b"mine", replaces=base)
    with pytest.raises(Conflict):
        await b.client.remove(base.ref)
    with pytest.raises(Exists):
        await b.put("file", b"mine")
    assert b.outsider.get("file") == b"their work"
    assert b.files == {"file"}


@on(*EVERYWHERE)
async def test_a_move_of_what_is_gone_leaves_its_target_alone(b: Bench) -> None:
    """SabreDAV and rclone delete the target before they look for the source."""
    file, victim = await b.put("file", b"new"), await b.put("victim", b"precious")
    b.outsider.remove("file")
    with pytest.raises(NotFound):
        await b.client.move(file.ref, ROOT, "victim", victim.ref)
    assert b.outsider.get("victim") == b"precious"


@on(*EVERYWHERE)
async def test_a_directory_is_never_overwritten_by_a_file(b: Bench) -> None:
    """Apache, WsgiDAV and rclone wipe it with all that is in it, lighttpd moves into it."""
    file, victim = await b.put("file", b"new"), await b.put("victim", b"old")
    b.outsider.remove("victim")
    b.outsider.make_directory("victim")
    b.outsider.put("victim/precious", b"1")
    await b.client.move(file.ref, ROOT, "other", None)
    for replaces in (victim.ref, None):
        with pytest.raises(Exists):
            await b.client.move(file.ref, ROOT, "victim", replaces)
    with pytest.raises(Exists):
        await b.put("victim", b"new")
    with pytest.raises((NotFound, Conflict)):
        await b.put("victim", b"new", replaces=victim)
    assert b.outsider.get("victim/precious") == b"1"
    assert {each.name for each in (b.data / "victim").iterdir()} - {".DAV"} == {"precious"}
    assert b.files == {"other", "victim"}


@on(*EVERYWHERE)
async def test_a_directory_that_is_not_empty_any_more_stays(b: Bench) -> None:
    """DELETE is recursive everywhere."""
    made = await b.client.make_directory(ROOT, "directory", MTIME_NS)
    b.outsider.put("directory/precious", b"1")
    with pytest.raises(NotEmpty):
        await b.client.remove(made.ref)
    assert b.outsider.get("directory/precious") == b"1"


class BreaksOff:
    """A file of which the second half cannot be read."""

    size = 400_000

    async def pread(self, size: int, offset: int) -> bytes:
        if offset:
            raise Unavailable("the network went away")
        return b"x" * min(size, 200_000)


@on(*EVERYWHERE)
async def test_an_upload_that_breaks_off_leaves_no_torn_file(b: Bench) -> None:
    old = await b.put("file", b"old content")
    for name, replaces in (("new", None), ("file", old.ref)):
        with pytest.raises(Unavailable):
            await b.client.upload(UploadTarget(ROOT, name, replaces, BreaksOff.size, MTIME_NS), BreaksOff())
    assert b.outsider.get("file") == b"old content"
    assert await b.names() == {"file"}


@on("wsgidav", "apache")
async def test_what_a_dead_client_left_hides_itself_and_holds_nothing_up(b: Bench) -> None:
    made = await b.client.make_directory(ROOT, "directory", MTIME_NS)
    left = b.data / "directory" / f"{HIDDEN}upload-1234"
    b.outsider.put(f"directory/{left.name}", b"half")
    assert await b.names(made.id) == set()
    with pytest.raises(NotEmpty):
        await b.client.remove(made.ref)
    os.utime(left, (time.time() - 100_000,) * 2)
    await b.client.remove(made.ref)
    assert b.files == set()


@on("wsgidav", "apache", "nginx", "lighttpd")
async def test_a_share_that_is_away_is_trouble_and_no_deletion(b: Bench) -> None:
    """A disk that is not mounted on its server answers 404 to everything."""
    b.outsider.make_directory("share")
    client = new_client(f"{b.url}/share", MemoryPlaces())
    made = await client.make_directory((await client.root()).id, "directory", MTIME_NS)
    (b.data / "share").rename(b.data / "elsewhere")
    with pytest.raises(Unavailable):
        await client.children(made.id)
    with pytest.raises(Unavailable):
        await client.node(made.ref)
    with pytest.raises(Unavailable):
        await client.root()
    (b.data / "elsewhere").rename(b.data / "share")
    assert list(await client.children(made.id)) == []
    await client.aclose()


@on("apache", "wsgidav")
async def test_a_kept_time_is_the_time_of_its_content_only(b: Bench) -> None:
    """Servers keep a dead property when another client, who does not know it, writes the file."""
    node = await b.put("file", b"ours")
    another = new_client(b.url, MemoryPlaces())
    await another.root()
    [seen] = await another.children(ROOT)
    assert seen.mtime_ns == node.mtime_ns == MTIME_NS
    b.outsider.put("file", b"theirs, and longer")
    [seen] = await another.children(ROOT)
    assert abs(seen.mtime_ns - time.time_ns()) < 60 * 10**9
    await another.aclose()


ODD_NAME = os.fsdecode(b"caf\xe9")


def write_odd(b: Bench, directory: bytes) -> None:
    """A file whose name is no UTF-8, as older programs leave them on a server's disk."""
    above = b.data / os.fsdecode(directory)
    above.mkdir(exist_ok=True)
    (above / ODD_NAME).write_bytes(b"precious")
    for path in (above, above / ODD_NAME):
        path.chmod(0o777)  # the server runs as somebody else


@on("apache", "nginx", "lighttpd", "rclone")
async def test_a_directory_with_a_name_that_is_no_text_is_not_empty(b: Bench) -> None:
    made = await b.client.make_directory(ROOT, "directory", MTIME_NS)
    write_odd(b, b"directory")
    with pytest.raises(NotEmpty):
        await b.client.remove(made.ref)
    assert (b.data / "directory" / ODD_NAME).read_bytes() == b"precious"


@on("apache", "nginx", "lighttpd", "rclone")
async def test_a_name_that_is_no_text_is_a_name_as_any_other(b: Bench) -> None:
    write_odd(b, b"d\xe9")
    above = await b.named(os.fsdecode(b"d\xe9"))
    file = await b.named(ODD_NAME, above.id)
    assert await b.read(file) == b"precious"
    if b.kind != "lighttpd":  # which refuses to move anything to such a name
        file = await b.put(ODD_NAME, b"changed", replaces=file, parent=above.id)
        assert (b.data / os.fsdecode(b"d\xe9") / ODD_NAME).read_bytes() == b"changed"
    above = await b.client.move(above.ref, ROOT, "directory", None)
    file = await b.client.move(file.ref, ROOT, "file", None)
    assert await b.read(file) == (b"precious" if b.kind == "lighttpd" else b"changed")
    await b.client.remove(above.ref)
    assert b.files == {"file"}


@on("nginx")
async def test_names_that_lists_leave_out_stay_in_view(b: Bench) -> None:
    hidden = await b.put(".profile", b"1")
    directory = await b.client.make_directory(ROOT, ".config", MTIME_NS)
    assert {node.id for node in await b.client.children(ROOT)} == {hidden.id, directory.id}
    b.outsider.remove(".profile")
    assert {node.id for node in await b.client.children(ROOT)} == {directory.id}


@on("nginx")
async def test_a_directory_with_a_known_name_that_lists_leave_out_is_not_empty(b: Bench) -> None:
    directory = await b.client.make_directory(ROOT, "project", MTIME_NS)
    await b.put(".gitignore", b"*.o", parent=directory.id)
    with pytest.raises(NotEmpty):
        await b.client.remove(directory.ref)
    assert b.outsider.get("project/.gitignore") == b"*.o"


@on("wsgidav")
async def test_a_name_that_the_server_would_cut_off_is_refused(b: Bench) -> None:
    node = await b.put("file", b"1")
    with pytest.raises(InvalidName):
        await b.put("a;b", b"2")
    with pytest.raises(InvalidName):
        await b.client.move(node.ref, ROOT, "a;b", None)
    assert b.files == {"file"}


@on("apache", "rclone")
async def test_a_file_that_outsiders_moved_is_another_file(b: Bench) -> None:
    """Nothing on a plain server tells a move to another directory from a removal and a new file."""
    node = await b.put("file", b"1")
    directory = await b.client.make_directory(ROOT, "d", 1)
    b.outsider.move("file", "d/moved")
    moved = await b.named("moved", directory.id)
    assert moved.id != node.id
    with pytest.raises(NotFound):
        await b.client.node(Ref(node.id, Version("")))
    assert await b.read(moved) == b"1"


@on("apache")
async def test_a_read_only_account_can_be_read(b: Bench) -> None:
    b.outsider.put("file", b"1")
    b.data.chmod(0o555)
    client = new_client(b.url, MemoryPlaces())
    try:
        await client.verify()
        assert [node.name for node in await client.children(ROOT)] == ["file"]
        with pytest.raises(Exception) as refused:  # noqa: PT011 - which one is the server's choice
            await client.upload(UploadTarget(ROOT, "new", None, 1, MTIME_NS), BytesSource(b"1"))
        assert not isinstance(refused.value, NotFound)
    finally:
        b.data.chmod(0o755)
        await client.aclose()
