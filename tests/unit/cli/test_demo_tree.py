import struct
import zlib
from collections.abc import Awaitable, Callable

import trio

from mountcloud.cli.demo_tree import Bytes, Noise, Piece, picture, pieces, plant, rings, sunrise
from mountcloud.model.node import Node
from mountcloud.model.provider import Provider
from mountcloud.model.span import StoredSpan
from mountcloud.providers.memory import MemoryProvider
from mountcloud.providers.memory_service import MemoryService

SMALL = (
    Piece("Projects/a/b.txt", Bytes(b"hello"), 3),
    Piece("Projects/noise.bin", Noise(3 << 20, "n"), 0),
    Piece("Projects/a/empty", Bytes(b""), 0),
)


def planted(check: Callable[[Provider], Awaitable[None]], *, times: int = 1) -> list[str]:
    said: list[str] = []

    async def main() -> None:
        provider = MemoryProvider(MemoryService())
        for _ in range(times):
            await plant(provider, SMALL, said.append)
        await check(provider)

    trio.run(main)
    return said


async def at(provider: Provider, path: str) -> Node:
    node = await provider.root()
    for name in path.split("/"):
        node = next(each for each in await provider.children(node.id) if each.name == name)
    return node


async def content(provider: Provider, node: Node) -> bytes:
    opened = await provider.open(node)
    return await opened.fetch(StoredSpan(0, opened.stored_size))


def test_planting_makes_files_and_directories() -> None:
    async def check(provider: Provider) -> None:
        assert await content(provider, await at(provider, "Projects/a/b.txt")) == b"hello"
        assert (await at(provider, "Projects/a/empty")).size == 0
        noise = await content(provider, await at(provider, "Projects/noise.bin"))
        assert noise == await Noise(3 << 20, "n").pread(3 << 20, 0)
        young, old = await at(provider, "Projects/noise.bin"), await at(provider, "Projects/a/b.txt")
        assert 2.9 < (young.mtime_ns - old.mtime_ns) / 86_400e9 < 3.1

    assert planted(check) == ["  Projects/noise.bin (3 MiB)"]


def test_planting_again_makes_nothing_twice() -> None:
    async def check(provider: Provider) -> None:
        assert [each.name for each in await provider.children((await provider.root()).id)] == ["Projects"]
        assert {each.name for each in await provider.children((await at(provider, "Projects")).id)} == {
            "a",
            "noise.bin",
        }

    assert len(planted(check, times=2)) == 1


def test_noise_is_the_same_in_any_pieces() -> None:
    async def main() -> None:
        noise = Noise((2 << 20) + 77, "seed")
        whole = await noise.pread(noise.size, 0)
        assert len(whole) == noise.size
        assert len(set(whole[:4096])) > 200
        assert whole[: 1 << 20] != whole[1 << 20 : 2 << 20]
        assert whole != await Noise(noise.size, "other").pread(noise.size, 0)
        for size, offset in ((10, 0), (10, (1 << 20) - 5), (1 << 20, 17), (100, noise.size - 50), (10, noise.size)):
            assert await noise.pread(size, offset) == whole[offset : offset + size]

    trio.run(main)


def test_the_pictures_are_png_files() -> None:
    for colour in (sunrise, rings):
        data = picture(64, 40, colour)
        assert data.startswith(b"\x89PNG\r\n\x1a\n")
        chunks = list(chunks_of(data[8:]))
        assert [kind for kind, _ in chunks] == [b"IHDR", b"IDAT", b"IEND"]
        assert struct.unpack(">IIBBBBB", chunks[0][1]) == (64, 40, 8, 2, 0, 0, 0)
        rows = zlib.decompress(chunks[1][1])
        assert len(rows) == 40 * (1 + 3 * 64)
        assert set(rows[:: 1 + 3 * 64]) == {0}
        assert len(set(rows)) > 50


def chunks_of(data: bytes) -> list[tuple[bytes, bytes]]:
    found = []
    while data:
        (size,) = struct.unpack(">I", data[:4])
        body, data = data[4 : 8 + size], data[8 + size :]
        assert struct.unpack(">I", data[:4])[0] == zlib.crc32(body)
        found.append((body[:4], body[4:]))
        data = data[4:]
    return found


def test_the_demonstration_has_something_for_everyone() -> None:
    paths = [piece.path for piece in pieces()]
    assert len(paths) == len(set(paths))
    assert {path.split("/")[0] for path in paths} == {"Projects", "Confidential"}
    assert {path.rsplit(".")[-1] for path in paths} >= {"txt", "png", "csv", "html", "md", "bin"}
    assert max(piece.source.size for piece in pieces()) == 200 << 20
