import pytest
import trio

from mountcloud.model.errors import Exists, NotFound
from mountcloud.model.ids import Ref, Version
from mountcloud.model.node import Kind, Rights
from tests.conformance.content import MTIME_NS, put, some_bytes
from tests.conformance.under_test import ProviderUnderTest, conforms


@conforms
async def test_the_tree_begins_at_one_directory_without_a_parent(t: ProviderUnderTest) -> None:
    root = await t.provider.root()
    assert root.parent is None
    assert root.kind is Kind.DIRECTORY
    assert Rights.READ in root.rights
    assert (await t.second.root()).id == root.id
    assert (await t.provider.node(root.ref)).id == root.id


@conforms
async def test_every_node_leads_up_to_the_root(t: ProviderUnderTest) -> None:
    root, above = (await t.provider.root()).id, t.place
    while above != root:
        node = await t.provider.node(Ref(above, Version("")))
        assert node.parent is not None
        above = node.parent


@conforms
async def test_a_new_directory_is_empty_and_seen_by_all(t: ProviderUnderTest) -> None:
    made = await t.provider.make_directory(t.place, "directory", MTIME_NS)
    assert (made.parent, made.name, made.kind, made.size) == (t.place, "directory", Kind.DIRECTORY, 0)
    assert made.is_directory
    assert Rights.READ | Rights.CREATE_FILES | Rights.CREATE_DIRECTORIES in made.rights
    assert list(await t.provider.children(made.id)) == []
    assert [child.id for child in await t.second.children(t.place)] == [made.id]


@conforms
async def test_a_directory_needs_a_free_name(t: ProviderUnderTest) -> None:
    directory = await t.provider.make_directory(t.place, "directory", MTIME_NS)
    file = await put(t, "file", b"")
    for name in ("directory", "file"):
        with pytest.raises(Exists):
            await t.provider.make_directory(t.place, name, MTIME_NS)
    assert {child.id for child in await t.provider.children(t.place)} == {directory.id, file.id}


@conforms
async def test_a_node_and_its_entry_in_a_listing_are_the_same(t: ProviderUnderTest) -> None:
    made = [await t.provider.make_directory(t.place, "directory", MTIME_NS), await put(t, "file", b"abc")]
    listed = {child.id: child for child in await t.provider.children(t.place)}
    assert listed.keys() == {node.id for node in made}
    for node in made:
        assert await t.provider.node(node.ref) == listed[node.id]
        assert (await t.second.node(node.ref)).name == node.name


@conforms
async def test_a_node_is_told_as_it_is_now(t: ProviderUnderTest) -> None:
    old = await put(t, "file", b"old")
    new = await put(t, "file", b"newer", replaces=old, provider=t.second)
    for ref in (old.ref, new.ref, Ref(old.id, Version(""))):
        node = await t.provider.node(ref)
        assert (node.id, node.version, node.size) == (new.id, new.version, 5)


@conforms
async def test_what_is_gone_is_not_found(t: ProviderUnderTest) -> None:
    directory = await t.provider.make_directory(t.place, "directory", MTIME_NS)
    file = await put(t, "file", b"abc")
    await t.second.remove(directory.ref)
    await t.second.remove(file.ref)
    for node in (directory, file):
        with pytest.raises(NotFound):
            await t.provider.node(node.ref)
    with pytest.raises(NotFound):
        await t.provider.children(directory.id)
    with pytest.raises(NotFound):
        await t.provider.make_directory(directory.id, "below", MTIME_NS)


@conforms
@pytest.mark.parametrize("count", [0, 1, 20, pytest.param(1010, marks=pytest.mark.slow)])
async def test_each_child_is_listed_once(t: ProviderUnderTest, count: int) -> None:
    limiter = trio.CapacityLimiter(t.provider.capabilities.max_concurrency)
    made = []

    async def make(number: int) -> None:
        async with limiter:
            made.append((await t.provider.make_directory(t.place, f"directory {number}", MTIME_NS)).id)

    async with trio.open_nursery() as nursery:
        for number in range(count):
            nursery.start_soon(make, number)
    children = await t.second.children(t.place)
    assert len(set(made)) == count
    assert sorted(child.id for child in children) == sorted(made)
    assert {child.parent for child in children} <= {t.place}


@conforms
async def test_children_are_those_of_one_directory_only(t: ProviderUnderTest) -> None:
    above = await t.provider.make_directory(t.place, "above", MTIME_NS)
    below = await t.provider.make_directory(above.id, "below", MTIME_NS)
    assert [child.id for child in await t.provider.children(t.place)] == [above.id]
    assert [(child.id, child.parent) for child in await t.provider.children(above.id)] == [(below.id, above.id)]


@conforms
async def test_one_name_may_live_in_two_directories(t: ProviderUnderTest) -> None:
    one = await t.provider.make_directory(t.place, "name", MTIME_NS)
    other = await t.provider.make_directory(one.id, "name", MTIME_NS)
    assert one.id != other.id


@conforms
async def test_what_is_made_lies_on_its_parents_side_of_the_encryption(t: ProviderUnderTest) -> None:
    place = await t.provider.node(Ref(t.place, Version("")))
    directory = await t.provider.make_directory(t.place, "directory", MTIME_NS)
    file = await put(t, "file", some_bytes(10))
    assert [directory.encrypted, file.encrypted] == [place.encrypted] * 2


@conforms
async def test_usage_is_in_bytes_and_within_the_total(t: ProviderUnderTest) -> None:
    await put(t, "file", some_bytes(1000))
    usage = await t.provider.usage()
    assert usage.used >= 0
    assert usage.total is None or usage.total >= usage.used
