"""Ids on servers that know paths only: they outlive renames, restarts, lost answers and foreign eyes."""

from dataclasses import replace

import pytest
import trio

from mountcloud.model.errors import NotFound, Unavailable
from mountcloud.model.ids import NodeId
from mountcloud.model.node import Node
from mountcloud.model.operation import Slot
from mountcloud.model.provider import UploadTarget
from mountcloud.providers.book import ROOT
from mountcloud.providers.webdav.address import Path
from mountcloud.providers.webdav.provider import WebdavProvider
from mountcloud.providers.webdav.small import SMALL
from tests.conformance.content import MTIME_NS, BytesSource
from tests.webdav.client import Bench, new_client, on

SERVERS = ("wsgidav", "nginx")


async def deep(b: Bench) -> tuple[Node, Node, Node]:
    """A directory in a directory, with a file in it."""
    above = await b.client.make_directory(ROOT, "above", MTIME_NS)
    below = await b.client.make_directory(above.id, "below", MTIME_NS)
    return above, below, await b.put("file", b"content", parent=below.id)


async def child(client: WebdavProvider, parent: NodeId) -> Node:
    [found] = await client.children(parent)
    return found


@on(*SERVERS)
async def test_ids_outlive_the_program(b: Bench) -> None:
    above, below, file = await deep(b)
    await b.client.move(above.ref, ROOT, "renamed", None)
    again = new_client(b.url, b.places)
    assert (await child(again, ROOT)).id == above.id
    assert (await child(again, above.id)).id == below.id
    seen = await child(again, below.id)
    assert (seen.id, seen.version, seen.mtime_ns) == (file.id, file.version, MTIME_NS)
    await again.aclose()


@on(*SERVERS)
async def test_an_operation_finds_its_node_below_a_directory_that_was_renamed(b: Bench) -> None:
    above, below, file = await deep(b)
    await b.client.move(above.ref, ROOT, "renamed", None)
    new = await b.client.upload(UploadTarget(below.id, "file", file.ref, 3, MTIME_NS), BytesSource(b"new"))
    assert (new.id, b.outsider.get("renamed/below/file")) == (file.id, b"new")
    await b.client.remove(new.ref)
    assert await b.names(below.id) == set()


def aimed(b: Bench, node: Node, parent: NodeId, name: str) -> None:
    """As the book is after a move whose answer never came."""
    place = b.places.get(node.id)
    assert place is not None
    b.places.change(put=[replace(place, aim=Slot(parent, name))])


@on(*SERVERS)
async def test_a_move_whose_answer_was_lost_is_seen_in_the_listing_of_either_directory(b: Bench) -> None:
    above, _, _ = await deep(b)
    for number, look_at in enumerate((above.id, ROOT)):
        name = f"file {number}"
        file = await b.client.move((await b.put(name, b"1")).ref, ROOT, f"{name} here", None)
        aimed(b, file, above.id, "there")
        b.outsider.move(f"{name} here", "above/there")
        await b.client.children(look_at)
        assert (await b.client.node(file.ref)).parent == above.id
        assert (await b.named("there", above.id)).id == file.id
        await b.client.remove(file.ref)


@on("lighttpd", "nginx")
async def test_new_content_goes_where_a_move_whose_answer_was_lost_brought_the_file(b: Bench) -> None:
    above, _, _ = await deep(b)
    file = await b.put("file", b"content")
    aimed(b, file, above.id, "there")
    b.outsider.move("file", "above/there")
    newer = await b.put("file", b"newer", replaces=file)
    assert (newer.id, newer.parent, newer.name) == (file.id, above.id, "there")
    assert (await b.client.node(file.ref)) == newer
    assert b.outsider.get("above/there") == b"newer"


@on(*SERVERS)
async def test_what_is_below_a_directory_whose_move_was_unanswered_is_found(b: Bench) -> None:
    above, below, file = await deep(b)
    aimed(b, above, ROOT, "elsewhere")
    (b.data / "above").rename(b.data / "elsewhere")
    assert (await b.client.node(file.ref)).id == file.id
    assert (await child(b.client, ROOT)).id == above.id
    assert await b.read(file) == b"content"
    assert (await child(b.client, above.id)).id == below.id


@on(*SERVERS)
async def test_a_move_that_never_happened_is_known_too(b: Bench) -> None:
    above, _, file = await deep(b)
    aimed(b, above, ROOT, "elsewhere")
    b.outsider.make_directory("unrelated")
    assert {node.name for node in await b.client.children(ROOT)} == {"above", "unrelated"}
    assert await b.read(file) == b"content"
    moved = await b.client.move(above.ref, ROOT, "elsewhere", None)
    assert moved.id == above.id


@on(*SERVERS)
async def test_an_upload_whose_answer_was_lost_is_known_by_its_time(b: Bench) -> None:
    """The draft arrived under its name, and only the book knew that it would."""
    lost = await b.put("file", b"content")
    again = new_client(b.url, b.places)
    seen = await child(again, ROOT)
    assert (seen.id, seen.size, seen.mtime_ns) == (lost.id, lost.size, MTIME_NS)
    await again.aclose()


@on("apache", "wsgidav")
async def test_a_move_whose_answer_alone_was_lost_is_in_nobodys_way(b: Bench) -> None:
    """The line holds, so the name is seen to be taken: by what we moved there ourselves."""
    move = b.client._dav.move

    async def unanswered(old: Path, new: Path, *, directory: bool, overwrite: bool) -> None:
        await move(old, new, directory=directory, overwrite=overwrite)
        raise Unavailable("the answer is lost")

    b.client._dav.move = unanswered  # type: ignore[method-assign]  # what a proxy would do, without one
    with pytest.raises(Unavailable):
        await b.put("file", bytes(SMALL + 1))
    file = await b.named("file")
    assert (file.size, file.mtime_ns) == (SMALL + 1, MTIME_NS)
    with pytest.raises(Unavailable):
        await b.client.move(file.ref, ROOT, "renamed", None)
    moved = await b.client.move(file.ref, ROOT, "renamed", None)
    assert (moved.id, moved.name, moved.version) == (file.id, "renamed", file.version)
    assert b.files == {"renamed"}


@on(*SERVERS)
async def test_lists_and_changes_of_one_directory_do_not_confuse_ids(b: Bench) -> None:
    """A list that is under way while names change would show a node under a name that is new to the book."""
    files = [await b.put(f"file {number}", b"1") for number in range(6)]
    ids = {each.id for each in files}
    strangers: set[NodeId] = set()

    async def look() -> None:
        for _ in range(12):
            strangers.update({node.id for node in await b.client.children(ROOT)} - ids)

    async def rename(file: Node) -> None:
        for number in range(4):
            await b.client.move(file.ref, ROOT, f"{file.name} {number}", None)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(look)
        for file in files:
            nursery.start_soon(rename, file)
    assert strangers == set()
    assert {node.id for node in await b.client.children(ROOT)} == ids


@on(*SERVERS)
async def test_nothing_seems_gone_while_a_directory_above_is_renamed(b: Bench) -> None:
    above, below, file = await deep(b)

    async def look() -> None:
        for _ in range(10):
            assert [node.id for node in await b.client.children(below.id)] == [file.id]
            assert (await b.client.node(file.ref)).id == file.id
            assert await b.read(file) == b"content"

    async def rename() -> None:
        for number in range(10):
            await b.client.move(above.ref, ROOT, f"above {number}", None)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(look)
        nursery.start_soon(look)
        nursery.start_soon(rename)


@on("wsgidav")
async def test_a_directory_in_the_place_of_a_file_is_another_node(b: Bench) -> None:
    file = await b.put("name", b"1")
    b.outsider.remove("name")
    b.outsider.make_directory("name")
    with pytest.raises(NotFound):
        await b.client.node(file.ref)
    assert (await child(b.client, ROOT)).id != file.id
