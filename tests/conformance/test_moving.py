import pytest

from mountcloud.model.errors import Exists, InvalidArgument, NotFound
from mountcloud.model.ids import NodeId
from mountcloud.model.node import Node
from mountcloud.model.provider import UploadTarget
from tests.conformance.content import MTIME_NS, BytesSource, put, read
from tests.conformance.under_test import ProviderUnderTest, conforms


async def directory(t: ProviderUnderTest, name: str, parent: NodeId | None = None) -> Node:
    return await t.provider.make_directory(parent or t.place, name, MTIME_NS)


async def names_and_ids(t: ProviderUnderTest, parent: NodeId) -> dict[str, NodeId]:
    """What the other client sees."""
    return {child.name: child.id for child in await t.second.children(parent)}


@conforms
async def test_a_rename_changes_the_name_alone(t: ProviderUnderTest) -> None:
    file = await put(t, "old.txt", b"abc")
    moved = await t.provider.move(file.ref, t.place, "new.dat", None)
    assert (moved.id, moved.parent, moved.name, moved.size) == (file.id, t.place, "new.dat", 3)
    assert (moved.version, moved.mtime_ns) == (file.version, file.mtime_ns)
    assert await names_and_ids(t, t.place) == {"new.dat": file.id}
    assert await read(t.second, moved) == b"abc"


@conforms
async def test_a_move_changes_the_parent_alone(t: ProviderUnderTest) -> None:
    target = await directory(t, "target")
    file = await put(t, "file", b"abc")
    moved = await t.provider.move(file.ref, target.id, "file", None)
    assert (moved.id, moved.parent, moved.name) == (file.id, target.id, "file")
    assert (moved.version, moved.mtime_ns) == (file.version, file.mtime_ns)
    assert await names_and_ids(t, t.place) == {"target": target.id}
    assert await names_and_ids(t, target.id) == {"file": file.id}
    assert await read(t.second, moved) == b"abc"


@conforms
async def test_name_and_parent_can_change_at_once(t: ProviderUnderTest) -> None:
    target = await directory(t, "target")
    file = await put(t, "old.txt", b"abc")
    moved = await t.provider.move(file.ref, target.id, "new.txt", None)
    assert (moved.id, moved.parent, moved.name, moved.version) == (file.id, target.id, "new.txt", file.version)
    assert await names_and_ids(t, t.place) == {"target": target.id}
    assert await names_and_ids(t, target.id) == {"new.txt": file.id}


@conforms
async def test_both_can_change_although_the_middle_names_are_taken(t: ProviderUnderTest) -> None:
    """The old name is taken in the new directory and the new name in the old one: neither stands in the way."""
    target = await directory(t, "target")
    file, other = await put(t, "old", b"abc"), await put(t, "new", b"other")
    inside = await t.provider.upload(UploadTarget(target.id, "old", None, 1, MTIME_NS), BytesSource(b"x"))
    moved = await t.provider.move(file.ref, target.id, "new", None)
    assert moved.id == file.id
    assert await names_and_ids(t, t.place) == {"target": target.id, "new": other.id}
    assert await names_and_ids(t, target.id) == {"old": inside.id, "new": file.id}


@conforms
async def test_a_directory_moves_with_all_that_is_in_it(t: ProviderUnderTest) -> None:
    target, source = await directory(t, "target"), await directory(t, "source")
    below = await directory(t, "below", source.id)
    file = await t.provider.upload(UploadTarget(below.id, "file", None, 3, MTIME_NS), BytesSource(b"abc"))
    moved = await t.provider.move(source.ref, target.id, "renamed", None)
    assert (moved.id, moved.parent, moved.name) == (source.id, target.id, "renamed")
    assert await names_and_ids(t, source.id) == {"below": below.id}
    assert await names_and_ids(t, below.id) == {"file": file.id}
    assert await read(t.second, file) == b"abc"


@conforms
async def test_the_old_name_is_free_for_another_node(t: ProviderUnderTest) -> None:
    file = await put(t, "name", b"first")
    moved = await t.provider.move(file.ref, t.place, "elsewhere", None)
    other = await put(t, "name", b"second")
    assert other.id != file.id
    assert await read(t.second, moved) == b"first"


@conforms
async def test_a_taken_name_is_refused(t: ProviderUnderTest) -> None:
    target = await directory(t, "target")
    file, other = await put(t, "file", b"abc"), await put(t, "other", b"other")
    inside = await t.provider.upload(UploadTarget(target.id, "file", None, 1, MTIME_NS), BytesSource(b"x"))
    for parent, name in [(t.place, "other"), (t.place, "target"), (target.id, "file")]:
        with pytest.raises(Exists):
            await t.provider.move(file.ref, parent, name, None)
    assert await names_and_ids(t, t.place) == {"target": target.id, "file": file.id, "other": other.id}
    assert await names_and_ids(t, target.id) == {"file": inside.id}
    assert await read(t.second, inside) == b"x"


@conforms
@pytest.mark.parametrize("where", ["same directory", "other directory", "other directory, new name"])
async def test_a_file_makes_way_for_another(t: ProviderUnderTest, where: str) -> None:
    target = t.place if where == "same directory" else (await directory(t, "target")).id
    name = "file" if where == "other directory" else "victim"
    file = await put(t, "file", b"new content")
    victim = await t.provider.upload(UploadTarget(target, name, None, 3, MTIME_NS), BytesSource(b"old"))
    moved = await t.provider.move(file.ref, target, name, victim.ref)
    assert (moved.id, moved.parent, moved.name, moved.version) == (file.id, target, name, file.version)
    assert (await names_and_ids(t, target))[name] == file.id
    assert await read(t.second, moved) == b"new content"
    with pytest.raises(NotFound):
        await t.second.node(victim.ref)
    assert "file" not in await names_and_ids(t, t.place)


@conforms
async def test_an_empty_directory_makes_way_for_another(t: ProviderUnderTest) -> None:
    source, victim = await directory(t, "source"), await directory(t, "victim")
    below = await directory(t, "below", source.id)
    moved = await t.provider.move(source.ref, t.place, "victim", victim.ref)
    assert moved.id == source.id
    assert await names_and_ids(t, t.place) == {"victim": source.id}
    assert await names_and_ids(t, source.id) == {"below": below.id}


@conforms
async def test_only_the_named_node_makes_way(t: ProviderUnderTest) -> None:
    """The name changed hands since the caller looked: the new holder must not be lost."""
    file, victim = await put(t, "file", b"abc"), await put(t, "victim", b"old")
    await t.second.move(victim.ref, t.place, "saved", None)
    holder = await put(t, "victim", b"somebody else's", provider=t.second)
    with pytest.raises(Exists):
        await t.provider.move(file.ref, t.place, "victim", victim.ref)
    assert await names_and_ids(t, t.place) == {"file": file.id, "saved": victim.id, "victim": holder.id}
    assert await read(t.provider, holder) == b"somebody else's"


@conforms
async def test_what_makes_way_need_not_be_there_any_more(t: ProviderUnderTest) -> None:
    file, victim = await put(t, "file", b"abc"), await put(t, "victim", b"old")
    await t.second.remove(victim.ref)
    moved = await t.provider.move(file.ref, t.place, "victim", victim.ref)
    assert await names_and_ids(t, t.place) == {"victim": moved.id}


@conforms
async def test_a_directory_cannot_go_below_itself(t: ProviderUnderTest) -> None:
    above = await directory(t, "above")
    below = await directory(t, "below", above.id)
    for target in (above, below):
        with pytest.raises(InvalidArgument):
            await t.provider.move(above.ref, target.id, "name", None)
    assert await names_and_ids(t, t.place) == {"above": above.id}
    assert await names_and_ids(t, above.id) == {"below": below.id}


@conforms
async def test_what_is_gone_cannot_move_or_be_moved_to(t: ProviderUnderTest) -> None:
    gone_file, file = await put(t, "gone file", b"abc"), await put(t, "file", b"abc")
    gone = await directory(t, "gone")
    await t.second.remove(gone_file.ref)
    await t.second.remove(gone.ref)
    with pytest.raises(NotFound):
        await t.provider.move(gone_file.ref, t.place, "name", None)
    with pytest.raises(NotFound):
        await t.provider.move(file.ref, gone.id, "file", None)
    assert await names_and_ids(t, t.place) == {"file": file.id}


@conforms
async def test_a_name_can_change_its_case(t: ProviderUnderTest) -> None:
    file = await put(t, "name.txt", b"abc")
    moved = await t.provider.move(file.ref, t.place, "Name.TXT", None)
    assert (moved.id, moved.name) == (file.id, "Name.TXT")
    assert await names_and_ids(t, t.place) == {"Name.TXT": file.id}


@conforms
async def test_two_directories_can_swap_their_order(t: ProviderUnderTest) -> None:
    above = await directory(t, "above")
    below = await directory(t, "below", above.id)
    below = await t.provider.move(below.ref, t.place, "below", None)
    above = await t.provider.move(above.ref, below.id, "above", None)
    assert await names_and_ids(t, t.place) == {"below": below.id}
    assert await names_and_ids(t, below.id) == {"above": above.id}
