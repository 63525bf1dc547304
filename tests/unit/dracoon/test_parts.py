import itertools

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from mountcloud.crypt.gcm_stream import GcmStreamCipher
from mountcloud.model.errors import Unavailable
from mountcloud.model.span import PlainSpan
from mountcloud.net.bodies import Body
from mountcloud.providers.dracoon.parts import MAX_PARTS, EncryptedFeed, Part, PlainFeed, content_range, cut
from tests.conformance.content import BytesSource, some_bytes

MIB = 1 << 20
KEY, IV = bytes(range(32)), bytes(range(12))


async def gathered(body: Body) -> bytes:
    return b"".join([piece async for piece in body()])


@given(st.integers(0, 10**13), st.integers(5 * MIB, 64 * MIB))
def test_parts_cover_the_file_once_and_are_no_more_than_allowed(size: int, preferred: int) -> None:
    parts = cut(size, preferred)
    assert 1 <= len(parts) <= MAX_PARTS
    assert [part.number for part in parts] == list(range(1, len(parts) + 1))
    assert (parts[0].start, parts[-1].end) == (0, size)
    assert all(left.end == right.start for left, right in itertools.pairwise(parts))
    assert {part.size for part in parts[:-1]} <= {parts[0].size}
    assert parts[-1].size <= parts[0].size
    assert len(parts) == 1 or parts[0].size >= preferred
    assert (parts[-1].size > 0) is (size > 0)


def test_parts_stay_as_small_as_wished_while_they_can() -> None:
    assert {part.size for part in cut(100 * MIB, 5 * MIB)} == {5 * MIB}
    assert cut(0, 5 * MIB) == [Part(1, 0, 0)]
    assert cut(5 * MIB + 1, 5 * MIB) == [Part(1, 0, 5 * MIB), Part(2, 5 * MIB, 5 * MIB + 1)]


@pytest.mark.parametrize(
    ("part", "total", "expected"),
    [
        (Part(1, 0, 1000), 3980, "bytes 0-999/3980"),
        (Part(2, 1000, 2000), 3980, "bytes 1000-1999/3980"),
        (Part(1, 0, 1), 1, "bytes 0-0/1"),
    ],
)
def test_content_ranges_end_inclusively(part: Part, total: int, expected: str) -> None:
    assert content_range(part, total) == expected


def test_plain_parts_can_be_read_again() -> None:
    data = some_bytes(3 * MIB + 5)

    async def main() -> None:
        feed = PlainFeed(BytesSource(data))
        body = await feed.body(Part(1, 7, 2 * MIB + 9))
        assert await gathered(body) == await gathered(body) == data[7 : 2 * MIB + 9]
        assert feed.file_key() is None  # type: ignore[func-returns-value] # that is the statement

    trio.run(main)


@pytest.mark.parametrize("size", [0, 1, 16, MIB, 3 * MIB + 5])
def test_encrypted_parts_are_slices_of_one_stream(size: int) -> None:
    data = some_bytes(size)

    async def main() -> None:
        feed = EncryptedFeed(BytesSource(data), KEY, IV)
        stored = b""
        for part in cut(size, MIB + 3):
            body = await feed.body(part)
            assert await gathered(body) == await gathered(body)
            stored += await gathered(body)
        key = feed.file_key()
        assert feed.file_key() is key
        cipher = GcmStreamCipher(key, size)
        want = PlainSpan(0, size)
        assert cipher.decrypt(want, cipher.cover(want), stored) == data
        assert stored != data or not data

    trio.run(main)


def test_encrypted_parts_have_an_order() -> None:
    async def main() -> None:
        feed = EncryptedFeed(BytesSource(b"abcdef"), KEY, IV)
        await feed.body(Part(1, 0, 3))
        for wrong in (Part(1, 0, 3), Part(3, 4, 6)):
            with pytest.raises(ValueError, match="order"):
                await feed.body(wrong)

    trio.run(main)


def test_a_source_that_shrinks_is_trouble() -> None:
    async def main() -> None:
        feed = PlainFeed(BytesSource(b"abc"))
        with pytest.raises(Unavailable, match="changed"):
            await gathered(await feed.body(Part(1, 0, 4)))

    trio.run(main)
