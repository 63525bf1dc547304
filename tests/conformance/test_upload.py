import pytest
import trio

from mountcloud.model.errors import Conflict, Exists, NotFound, TooLarge
from mountcloud.model.node import Kind, Rights
from mountcloud.model.provider import UploadTarget
from tests.conformance.content import MTIME_NS, BytesSource, put, read, some_bytes
from tests.conformance.under_test import ProviderUnderTest, conforms

MIB = 1 << 20


@conforms
@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, MIB + 3, 6 * MIB])
async def test_what_goes_up_comes_down(t: ProviderUnderTest, size: int) -> None:
    data = some_bytes(size)
    node = await put(t, "file.bin", data)
    assert (node.parent, node.name, node.kind, node.size) == (t.place, "file.bin", Kind.FILE, size)
    assert node.version
    assert Rights.READ | Rights.WRITE in node.rights
    assert await read(t.provider, node) == data
    (seen,) = await t.second.children(t.place)
    assert (seen.id, seen.version, seen.size) == (node.id, node.version, size)
    assert await read(t.second, seen) == data


@conforms
async def test_the_modification_time_goes_with_the_content(t: ProviderUnderTest) -> None:
    if not t.provider.capabilities.keeps_mtime:
        pytest.skip("the service keeps no times")
    old = await put(t, "file", b"old")
    assert abs(old.mtime_ns - MTIME_NS) < t.provider.capabilities.mtime_resolution_ns
    later = MTIME_NS + 5_000_000_000
    new = await t.provider.upload(UploadTarget(t.place, "file", old.ref, 3, later), BytesSource(b"new"))
    assert abs(new.mtime_ns - later) < t.provider.capabilities.mtime_resolution_ns
    assert (await t.second.node(new.ref)).mtime_ns == new.mtime_ns


@conforms
@pytest.mark.parametrize("size", [0, 3, MIB + 3])
async def test_new_content_keeps_the_node_and_changes_its_version(t: ProviderUnderTest, size: int) -> None:
    data = some_bytes(size, "new")
    old = await put(t, "file", some_bytes(100, "old"))
    new = await put(t, "file", data, replaces=old)
    assert (new.id, new.parent, new.name, new.size) == (old.id, old.parent, old.name, size)
    assert new.version != old.version
    assert await read(t.second, new) == data
    assert [child.id for child in await t.provider.children(t.place)] == [old.id]


@conforms
async def test_content_can_be_replaced_again_and_again(t: ProviderUnderTest) -> None:
    node = await put(t, "file", b"0")
    versions = {node.version}
    for round_ in range(1, 4):
        node = await put(t, "file", str(round_).encode(), replaces=node)
        versions.add(node.version)
        assert await read(t.second, node) == str(round_).encode()
    assert len(versions) == 4


@conforms
async def test_a_lost_update_is_noticed(t: ProviderUnderTest) -> None:
    if not t.provider.capabilities.conditional_upload:
        pytest.skip("the service cannot notice it")
    base = await put(t, "file", b"base")
    theirs = await put(t, "file", b"theirs", replaces=base, provider=t.second)
    with pytest.raises(Conflict):
        await put(t, "file", b"mine", replaces=base)
    (now,) = await t.provider.children(t.place)
    assert (now.id, now.version) == (theirs.id, theirs.version)
    assert await read(t.provider, now) == b"theirs"


@conforms
async def test_new_content_goes_where_the_file_is_now(t: ProviderUnderTest) -> None:
    old = await put(t, "file", b"old")
    await t.second.move(old.ref, t.place, "renamed", None)
    new = await put(t, "file", b"new", replaces=old)
    assert (new.id, new.name) == (old.id, "renamed")
    assert [(child.id, child.name) for child in await t.second.children(t.place)] == [(old.id, "renamed")]
    assert await read(t.second, new) == b"new"


@conforms
async def test_content_cannot_be_given_to_what_is_gone(t: ProviderUnderTest) -> None:
    node = await put(t, "file", b"base")
    await t.second.remove(node.ref)
    with pytest.raises(NotFound):
        await put(t, "file", b"mine", replaces=node)
    assert list(await t.provider.children(t.place)) == []


@conforms
async def test_a_new_file_needs_a_free_name(t: ProviderUnderTest) -> None:
    file = await put(t, "file", b"first", provider=t.second)
    directory = await t.second.make_directory(t.place, "directory", MTIME_NS)
    for name in ("file", "directory"):
        with pytest.raises(Exists):
            await put(t, name, b"second")
    assert {child.id for child in await t.provider.children(t.place)} == {file.id, directory.id}
    assert await read(t.provider, file) == b"first"


@conforms
async def test_a_new_file_needs_its_directory(t: ProviderUnderTest) -> None:
    directory = await t.provider.make_directory(t.place, "directory", MTIME_NS)
    await t.second.remove(directory.ref)
    with pytest.raises(NotFound):
        await t.provider.upload(UploadTarget(directory.id, "file", None, 1, MTIME_NS), BytesSource(b"x"))


@conforms
async def test_a_source_can_be_sent_twice(t: ProviderUnderTest) -> None:
    source = BytesSource(some_bytes(100_000))
    for name in ("one", "other"):
        node = await t.provider.upload(UploadTarget(t.place, name, None, source.size, MTIME_NS), source)
        assert await read(t.provider, node) == some_bytes(100_000)


@conforms
async def test_uploads_side_by_side_do_not_mix(t: ProviderUnderTest) -> None:
    async def check(number: int) -> None:
        data = some_bytes(70_000 + number, str(number))
        assert await read(t.provider, await put(t, f"file {number}", data)) == data

    async with trio.open_nursery() as nursery:
        for number in range(12):
            nursery.start_soon(check, number)
    assert len(await t.provider.children(t.place)) == 12


@conforms
async def test_of_two_new_files_with_one_name_one_wins_and_is_whole(t: ProviderUnderTest) -> None:
    outcomes: list[str] = []

    async def attempt(text: str) -> None:
        try:
            await put(t, "file", text.encode() * 1000, provider=t.provider if text == "one" else t.second)
        except Exists:
            outcomes.append("exists")
        else:
            outcomes.append(text)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(attempt, "one")
        nursery.start_soon(attempt, "two")
    (node,) = await t.provider.children(t.place)
    assert outcomes.count("exists") == 1
    (winner,) = set(outcomes) - {"exists"}
    assert await read(t.provider, node) == winner.encode() * 1000


@conforms
async def test_a_file_that_cannot_be_stored_is_refused(t: ProviderUnderTest) -> None:
    limit = t.provider.capabilities.max_file_size
    if not limit:
        pytest.skip("the service names no largest file")
    with pytest.raises(TooLarge):
        await t.provider.upload(UploadTarget(t.place, "file", None, limit + 1, MTIME_NS), BytesSource(b""))
    assert list(await t.provider.children(t.place)) == []
