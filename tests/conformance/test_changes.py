"""How a provider tells what another client did. Most tests are about one kind of feed; other kinds skip them."""

import pytest

from mountcloud.model.change import Change, Removed, Upserted
from mountcloud.model.errors import Unsupported
from mountcloud.model.ids import Cursor, NodeId, Ref, Version
from mountcloud.model.node import Node
from mountcloud.model.provider import ChangeFeed, Provider, UploadTarget
from tests.conformance.content import MTIME_NS, BytesSource, put, read
from tests.conformance.under_test import ProviderUnderTest, conforms


def only_for(t: ProviderUnderTest, feed: ChangeFeed) -> None:
    if t.provider.capabilities.change_feed is not feed:
        pytest.skip("another kind of feed")


async def all_after(provider: Provider, cursor: Cursor) -> tuple[list[Change], Cursor]:
    changes: list[Change] = []
    more = True
    while more:
        batch = await provider.changes(cursor)
        assert not batch.reset
        assert batch.changes or not batch.more
        changes += batch.changes
        cursor, more = batch.cursor, batch.more
    return changes, cursor


async def present(t: ProviderUnderTest) -> Cursor:
    """Where the feed begins for who has listed the directory."""
    batch = await t.follower.changes(None)
    assert (batch.changes, batch.more, batch.reset) == ((), False, False)
    await t.follower.children((await t.follower.root()).id)
    await t.follower.children(t.place)
    return batch.cursor


async def doomed(t: ProviderUnderTest) -> tuple[Node, Node]:
    """Files that ``do_everything`` does away with."""
    return await put(t, "victim", b"333", provider=t.second), await put(t, "gone", b"", provider=t.second)


async def do_everything(t: ProviderUnderTest, victim: Node, gone: Node) -> tuple[dict[NodeId, Node], list[NodeId]]:
    """All that another client can do; gives the nodes that remain and those that are gone."""
    make, move, remove = t.second.make_directory, t.second.move, t.second.remove
    directory = await make(t.place, "directory", MTIME_NS)
    file = await put(t, "file", b"1", provider=t.second)
    file = await put(t, "file", b"22", replaces=file, provider=t.second)
    file = await move(file.ref, directory.id, "renamed", None)
    file = await t.second.set_times(file.ref, 5_000_000_000)
    other = await move((await put(t, "other", b"4", provider=t.second)).ref, t.place, "victim", victim.ref)
    await remove(gone.ref)
    return {node.id: node for node in (directory, file, other)}, [victim.id, gone.id]


@conforms
async def test_without_a_cursor_feed_there_are_no_changes(t: ProviderUnderTest) -> None:
    if t.provider.capabilities.change_feed is ChangeFeed.CURSOR:
        pytest.skip("it has one")
    with pytest.raises(Unsupported):
        await t.provider.changes(None)


@conforms
async def test_the_feed_leads_from_one_picture_to_the_next(t: ProviderUnderTest) -> None:
    only_for(t, ChangeFeed.CURSOR)
    files = await doomed(t)
    cursor = await present(t)
    remaining, gone = await do_everything(t, *files)
    changes, _ = await all_after(t.follower, cursor)
    picture: dict[NodeId, Node] = {}
    for change in changes:
        if isinstance(change, Upserted):
            picture[change.node.id] = change.node
        else:
            picture.pop(change.id, None)
    picture.pop(t.place, None)
    assert {id: (node.parent, node.name, node.size) for id, node in picture.items()} == {
        id: (node.parent, node.name, node.size) for id, node in remaining.items()
    }
    for id, node in picture.items():
        assert node == await t.follower.node(Ref(id, Version("")))
    assert {change.id for change in changes if isinstance(change, Removed)} == set(gone)


@conforms
async def test_changes_come_in_their_order(t: ProviderUnderTest) -> None:
    only_for(t, ChangeFeed.CURSOR)
    cursor = await present(t)
    made = [(await put(t, f"file {number}", b"", provider=t.second)).id for number in range(10)]
    changes, _ = await all_after(t.follower, cursor)
    told = [change.node.id for change in changes if isinstance(change, Upserted) and change.node.id in made]
    assert list(dict.fromkeys(told)) == made


@conforms
async def test_a_lost_reply_can_be_asked_for_again(t: ProviderUnderTest) -> None:
    only_for(t, ChangeFeed.CURSOR)
    files = await doomed(t)
    cursor = await present(t)
    await do_everything(t, *files)
    first = await t.follower.changes(cursor)
    assert first.changes
    assert await t.follower.changes(cursor) == first
    rest, end = await all_after(t.follower, first.cursor)
    assert await all_after(t.follower, cursor) == ([*first.changes, *rest], end)


@conforms
async def test_a_cursor_outlives_the_client_that_made_it(t: ProviderUnderTest) -> None:
    only_for(t, ChangeFeed.CURSOR)
    files = await doomed(t)
    cursor = await present(t)
    await do_everything(t, *files)
    assert await all_after(t.follower_again, cursor) == await all_after(t.follower, cursor)


@conforms
async def test_the_feed_is_quiet_when_nothing_happens(t: ProviderUnderTest) -> None:
    only_for(t, ChangeFeed.CURSOR)
    files = await doomed(t)
    cursor = await present(t)
    await do_everything(t, *files)
    _, end = await all_after(t.follower, cursor)
    assert await all_after(t.follower, end) == ([], end)


@conforms
@pytest.mark.parametrize("action", ["upload", "replace", "rename", "move out", "remove", "mkdir", "times"])
async def test_a_change_below_reaches_the_versions_of_all_directories_above(t: ProviderUnderTest, action: str) -> None:
    only_for(t, ChangeFeed.TREE_VERSION)
    above = await t.provider.make_directory(t.place, "above", MTIME_NS)
    below = await t.provider.make_directory(above.id, "below", MTIME_NS)
    aside = await t.provider.make_directory(t.place, "aside", MTIME_NS)
    target = UploadTarget(below.id, "file", None, 1, MTIME_NS)
    file = await t.provider.upload(target, BytesSource(b"1"))
    await t.settle()
    before = await versions(t, [below.id, above.id, t.place, (await t.provider.root()).id, aside.id])
    await act(t, action, below, file)
    await t.settle()
    after = await versions(t, list(before))
    changed = [id for id in before if before[id] != after[id]]
    telling = {id for id, version in before.items() if version}  # Where a service tells nothing, versions are empty.
    expected = telling if action == "move out" else telling - {aside.id}
    assert set(changed) - {aside.id} == expected - {aside.id}
    assert (aside.id in changed) is (action == "move out")


@conforms
async def test_versions_rest_when_nothing_happens(t: ProviderUnderTest) -> None:
    only_for(t, ChangeFeed.TREE_VERSION)
    directory = await t.provider.make_directory(t.place, "directory", MTIME_NS)
    file = await put(t, "file", b"abc")
    await t.settle()
    before = await versions(t, [directory.id, t.place, file.id])
    await t.second.children(t.place)
    assert await read(t.second, file) == b"abc"
    await t.settle()
    assert await versions(t, list(before)) == before


async def versions(t: ProviderUnderTest, ids: list[NodeId]) -> dict[NodeId, Version]:
    return {id: (await t.provider.node(Ref(id, Version("")))).version for id in ids}


async def act(t: ProviderUnderTest, action: str, below: Node, file: Node) -> None:
    match action:
        case "upload":
            await t.second.upload(UploadTarget(below.id, "new", None, 1, MTIME_NS), BytesSource(b"2"))
        case "replace":
            await t.second.upload(UploadTarget(below.id, "file", file.ref, 1, MTIME_NS), BytesSource(b"2"))
        case "rename":
            await t.second.move(file.ref, below.id, "renamed", None)
        case "move out":
            (aside,) = [child for child in await t.second.children(t.place) if child.name == "aside"]
            await t.second.move(file.ref, aside.id, "file", None)
        case "remove":
            await t.second.remove(file.ref)
        case "mkdir":
            await t.second.make_directory(below.id, "new", MTIME_NS)
        case "times":
            await t.second.set_times(file.ref, 5_000_000_000)
        case _:
            raise AssertionError(action)
