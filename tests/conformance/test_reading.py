import pytest
import trio

from mountcloud.model.arrival import Piece
from mountcloud.model.errors import NotFound, Outdated
from mountcloud.model.provider import Content, Integrity
from mountcloud.model.span import PlainSpan, StoredSpan
from tests.conformance.content import put, read, read_span, some_bytes
from tests.conformance.under_test import ProviderUnderTest, conforms

SIZE = 100_003
SPANS = [(0, 0), (0, 1), (0, 16), (1, 17), (15, 16), (16, 32), (17, 4711), (65_535, 65_537), (99_999, SIZE), (0, SIZE)]


async def old_bytes_or_outdated(content: Content, old: bytes) -> None:
    """A service may keep replaced versions for a while; what it must not do is to serve another one in its place."""
    try:
        data = await read_span(content, 0, len(old))
    except Outdated:
        return
    assert data == old


@conforms
async def test_any_range_can_be_read(t: ProviderUnderTest) -> None:
    data = some_bytes(SIZE)
    content = await t.second.open(await put(t, "file", data))
    for start, end in SPANS:
        assert await read_span(content, start, end) == data[start:end]
    await content.aclose()


@conforms
async def test_ranges_can_be_read_side_by_side(t: ProviderUnderTest) -> None:
    data = some_bytes(SIZE)
    content = await t.provider.open(await put(t, "file", data))

    async def check(start: int, end: int) -> None:
        assert await read_span(content, start, end) == data[start:end]

    async with trio.open_nursery() as nursery:
        for start, end in SPANS:
            nursery.start_soon(check, start, end)
    await content.aclose()


@conforms
@pytest.mark.parametrize("size", [0, 1, 1000])
async def test_content_and_cipher_agree_on_sizes(t: ProviderUnderTest, size: int) -> None:
    node = await put(t, "file", some_bytes(size))
    content = await t.provider.open(node)
    assert content.cipher.plain_size == node.size == size
    assert content.cipher.stored_size == content.stored_size
    await content.aclose()


@conforms
async def test_fetch_gives_exactly_the_stored_bytes_asked_for(t: ProviderUnderTest) -> None:
    content = await t.provider.open(await put(t, "file", some_bytes(SIZE)))
    for start, end in SPANS:
        covered = content.cipher.cover(PlainSpan(start, end))
        assert len(await content.fetch(covered)) == covered.length
    await content.aclose()


@conforms
async def test_fetch_hands_bytes_on_as_they_come(t: ProviderUnderTest) -> None:
    content = await t.provider.open(await put(t, "file", some_bytes(SIZE)))
    for start, end in SPANS:
        covered = content.cipher.cover(PlainSpan(start, end))
        pieces: list[Piece] = []
        assert await content.fetch(covered, pieces.append) == b""
        assert b"".join(pieces) == await content.fetch(covered)
    await content.aclose()


@conforms
async def test_a_reader_never_gets_the_bytes_of_another_version(t: ProviderUnderTest) -> None:
    old = some_bytes(SIZE, "old")
    node = await put(t, "file", old)
    content = await t.provider.open(node)
    assert await read_span(content, 0, 10) == old[:10]
    await put(t, "file", some_bytes(SIZE, "new"), replaces=node, provider=t.second)
    await old_bytes_or_outdated(content, old)
    await content.aclose()


@conforms
async def test_content_opened_but_not_read_is_bound_to_its_version_too(t: ProviderUnderTest) -> None:
    old = some_bytes(SIZE, "old")
    node = await put(t, "file", old)
    content = await t.provider.open(node)
    await put(t, "file", some_bytes(SIZE, "new"), replaces=node, provider=t.second)
    await old_bytes_or_outdated(content, old)
    await content.aclose()


@conforms
async def test_an_old_version_opens_as_itself_or_not_at_all(t: ProviderUnderTest) -> None:
    old = some_bytes(SIZE, "old")
    node = await put(t, "file", old)
    new = await put(t, "file", some_bytes(SIZE, "new"), replaces=node)
    try:
        content = await t.provider.open(node)
    except Outdated:
        pass
    else:
        await old_bytes_or_outdated(content, old)
        await content.aclose()
    assert await read(t.provider, new) == some_bytes(SIZE, "new")


@conforms
async def test_a_removed_file_is_outdated_for_its_readers(t: ProviderUnderTest) -> None:
    old = some_bytes(SIZE)
    node = await put(t, "file", old)
    content = await t.provider.open(node)
    await t.second.remove(node.ref)
    await old_bytes_or_outdated(content, old)
    await content.aclose()
    with pytest.raises((Outdated, NotFound)):
        await read(t.provider, node)


@conforms
async def test_a_reader_outlives_a_rename(t: ProviderUnderTest) -> None:
    data = some_bytes(SIZE)
    node = await put(t, "file", data)
    content = await t.provider.open(node)
    await t.second.move(node.ref, t.place, "renamed", None)
    assert await read_span(content, 5, SIZE) == data[5:]
    await content.aclose()


@conforms
async def test_content_is_closed_as_often_as_one_likes(t: ProviderUnderTest) -> None:
    node = await put(t, "file", b"abc")
    content = await t.provider.open(node)
    await content.aclose()
    await content.aclose()
    assert await read(t.provider, node) == b"abc"


@conforms
@pytest.mark.parametrize("size", [0, 1, SIZE])
async def test_a_check_of_the_whole_content_tells_genuine_from_altered(t: ProviderUnderTest, size: int) -> None:
    content = await t.provider.open(await put(t, "file", some_bytes(size)))
    check = content.cipher.check(b"")
    assert (check is None) == (content.cipher.integrity is not Integrity.WHOLE_FILE)
    if check is not None:
        whole = StoredSpan(0, content.stored_size)
        stored = await content.fetch(whole)
        check.add(whole, stored)
        assert check.verdict() is True
        altered = content.cipher.check(b"")
        if altered is not None and size:
            altered.add(whole, stored[:-1] + bytes([stored[-1] ^ 1]))
            assert altered.verdict() is False
    await content.aclose()
