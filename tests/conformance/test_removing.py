import pytest

from mountcloud.model.errors import Conflict, NotEmpty, NotFound
from mountcloud.model.ids import Ref, Version
from mountcloud.model.provider import UploadTarget
from tests.conformance.content import MTIME_NS, BytesSource, put, read
from tests.conformance.under_test import ProviderUnderTest, conforms


@conforms
async def test_a_removed_file_is_gone_for_all(t: ProviderUnderTest) -> None:
    file, other = await put(t, "file", b"abc"), await put(t, "other", b"abc")
    await t.provider.remove(file.ref)
    assert [child.id for child in await t.second.children(t.place)] == [other.id]
    with pytest.raises(NotFound):
        await t.second.node(file.ref)


@conforms
async def test_an_empty_directory_can_be_removed(t: ProviderUnderTest) -> None:
    directory = await t.provider.make_directory(t.place, "directory", MTIME_NS)
    await t.provider.remove(directory.ref)
    assert list(await t.second.children(t.place)) == []


@conforms
async def test_a_directory_with_children_stays(t: ProviderUnderTest) -> None:
    directory = await t.provider.make_directory(t.place, "directory", MTIME_NS)
    await t.provider.upload(UploadTarget(directory.id, "file", None, 1, MTIME_NS), BytesSource(b"x"))
    above = await t.provider.make_directory(t.place, "above", MTIME_NS)
    await t.provider.make_directory(above.id, "below", MTIME_NS)
    for node in (directory, above):
        with pytest.raises(NotEmpty):
            await t.provider.remove(node.ref)
        assert len(await t.second.children(node.id)) == 1


@conforms
async def test_a_directory_that_was_emptied_can_be_removed_at_any_version(t: ProviderUnderTest) -> None:
    directory = await t.provider.make_directory(t.place, "directory", MTIME_NS)
    below = await t.second.make_directory(directory.id, "below", MTIME_NS)
    await t.second.remove(below.ref)
    await t.settle()
    await t.provider.remove(Ref(directory.id, Version("")))
    assert list(await t.provider.children(t.place)) == []


@conforms
async def test_a_file_that_moved_on_stays(t: ProviderUnderTest) -> None:
    old = await put(t, "file", b"old")
    new = await put(t, "file", b"new", replaces=old, provider=t.second)
    with pytest.raises(Conflict):
        await t.provider.remove(old.ref)
    assert [child.id for child in await t.provider.children(t.place)] == [new.id]
    assert await read(t.provider, new) == b"new"
    await t.provider.remove(new.ref)
    assert list(await t.second.children(t.place)) == []


@conforms
async def test_a_file_that_only_got_another_name_is_removed(t: ProviderUnderTest) -> None:
    file = await put(t, "file", b"abc")
    await t.second.move(file.ref, t.place, "renamed", None)
    await t.provider.remove(file.ref)
    assert list(await t.provider.children(t.place)) == []


@conforms
async def test_what_is_gone_already_is_not_found(t: ProviderUnderTest) -> None:
    made = [await put(t, "file", b"abc"), await t.provider.make_directory(t.place, "directory", MTIME_NS)]
    for node in made:
        await t.second.remove(node.ref)
        with pytest.raises(NotFound):
            await t.provider.remove(node.ref)


@conforms
async def test_a_name_is_free_again_and_its_next_holder_is_another_node(t: ProviderUnderTest) -> None:
    file = await put(t, "name", b"first")
    await t.provider.remove(file.ref)
    directory = await t.provider.make_directory(t.place, "name", MTIME_NS)
    await t.provider.remove(directory.ref)
    again = await put(t, "name", b"second")
    assert len({file.id, directory.id, again.id}) == 3
    assert again.version != file.version
    assert await read(t.second, again) == b"second"
