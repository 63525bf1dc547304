"""The files that the demonstration begins with, put there as any client would: through the provider."""

import hashlib
import math
import struct
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from mountcloud.model.ids import NodeId
from mountcloud.model.node import Node
from mountcloud.model.provider import Provider, Source, UploadTarget

_MIB = 1 << 20
_DAY_NS = 86_400 * 10**9


class Bytes:
    """Content that is there already."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self._data)

    async def pread(self, size: int, offset: int) -> bytes:
        """These bytes."""
        return self._data[offset : offset + size]


class Noise:
    """Content that cannot be compressed, the same each time, made when it is read."""

    def __init__(self, size: int, seed: str) -> None:
        self._size = size
        self._seed = seed
        self._held = (-1, b"")

    @property
    def size(self) -> int:
        """Bytes."""
        return self._size

    async def pread(self, size: int, offset: int) -> bytes:
        """These bytes."""
        end = min(offset + size, self._size)
        pieces = []
        while offset < end:
            number, start = divmod(offset, _MIB)
            pieces.append(self._block(number)[start : start + end - offset])
            offset += len(pieces[-1])
        return b"".join(pieces)

    def _block(self, number: int) -> bytes:
        if self._held[0] != number:
            self._held = (number, hashlib.shake_128(f"{self._seed} {number}".encode()).digest(_MIB))
        return self._held[1]


@dataclass(frozen=True, slots=True)
class Piece:
    """One file of the demonstration: its path, what is in it, and how many days old it is."""

    path: str
    source: Source
    days: int


def pieces() -> tuple[Piece, ...]:
    """All files, small ones first."""
    return (
        Piece("Projects/Read me first.txt", _text(_WELCOME), 0),
        Piece("Projects/Website/index.html", _text(_PAGE), 12),
        Piece("Projects/Website/style.css", _text("body { font: 1.1rem/1.5 serif; max-width: 40rem }\n"), 12),
        Piece("Projects/Website/pictures/Rings.png", Bytes(picture(320, 200, rings)), 40),
        Piece("Projects/Photos/Sunrise over the lake.png", Bytes(picture(640, 400, sunrise)), 200),
        Piece("Projects/Notes/Übersicht 2026.csv", _text(_TABLE), 3),
        Piece("Projects/Notes/Meeting notes.md", _text(_NOTES), 7),
        Piece("Confidential/Contracts/Agreement (draft).txt", _text(_AGREEMENT), 5),
        Piece("Confidential/Salaries.csv", _text("name,role,salary\nA. Example,Engineer,54000\n"), 30),
        Piece("Confidential/Photos/Whiteboard.png", Bytes(picture(320, 200, rings)), 2),
        Piece("Confidential/Backups/mail-archive.bin", Noise(24 * _MIB, "mail"), 60),
        Piece("Projects/Video/big.bin", Noise(200 * _MIB, "video"), 90),
    )


async def plant(provider: Provider, files: tuple[Piece, ...], say: Callable[[str], None]) -> None:
    """Make what is missing of these files, with their directories. Raises what the provider raises."""
    garden = _Garden(provider)
    for piece in files:
        *directories, name = piece.path.split("/")
        parent = (await provider.root()).id
        for each in directories:
            parent = await garden.directory(parent, each)
        if name in await garden.children(parent):
            continue
        if piece.source.size >= _MIB:
            say(f"  {piece.path} ({piece.source.size // _MIB} MiB)")
        mtime_ns = time.time_ns() - piece.days * _DAY_NS
        await provider.upload(UploadTarget(parent, name, None, piece.source.size, mtime_ns), piece.source)


class _Garden:
    """What is there, listed once a directory."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._listed: dict[NodeId, dict[str, Node]] = {}

    async def children(self, directory: NodeId) -> dict[str, Node]:
        if directory not in self._listed:
            found = await self._provider.children(directory)
            self._listed[directory] = {node.name: node for node in found}
        return self._listed[directory]

    async def directory(self, parent: NodeId, name: str) -> NodeId:
        known = await self.children(parent)
        if name not in known:
            known[name] = await self._provider.make_directory(parent, name, time.time_ns())
        return known[name].id


def picture(width: int, height: int, colour: Callable[[float, float], tuple[int, int, int]]) -> bytes:
    """A PNG file (RFC 2083) of a function from the unit square to red, green and blue."""
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        for x in range(width):
            rows += bytes(colour(x / width, y / height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def sunrise(x: float, y: float) -> tuple[int, int, int]:
    """Sky, sun, hills and their mirror in a lake."""
    mirrored = y > 0.6
    height = 1.2 - y if mirrored else y
    dim = 0.7 if mirrored else 1.0
    hills = 0.55 - 0.08 * math.sin(7 * x) - 0.04 * math.sin(19 * x + 1)
    if height > hills:
        return int(30 * dim), int(50 * dim), int(40 * dim)
    glow = max(0.0, 1 - 6 * math.hypot(x - 0.62, height - 0.38))
    red, green, blue = 120 + 200 * height, 90 + 120 * height, 160 - 60 * height
    return tuple(min(255, int(dim * (base + 200 * glow))) for base in (red, green, blue))  # type: ignore[return-value]


def rings(x: float, y: float) -> tuple[int, int, int]:
    """Two stones fell into the water."""
    wave = math.sin(60 * math.hypot(x - 0.3, y - 0.4)) + math.sin(60 * math.hypot(x - 0.7, y - 0.6))
    level = int(127 + 60 * wave)
    return level // 2, level, min(255, level + 40)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _text(text: str) -> Bytes:
    return Bytes(text.encode())


_WELCOME = """Welcome to mountcloud.

This directory is a cloud account: what you change here is on the server a moment later, and the other way round.
"Projects" is an ordinary room. Everything in "Confidential" is encrypted on this machine before it is sent.

The server runs on your own computer and ends with the demonstration; your files stay for the next time.
"""
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Rings</title><link rel="stylesheet" href="style.css"></head>
<body><h1>Rings</h1><p>Open this page from the mount in your browser.</p>
<img src="pictures/Rings.png" alt="Rings on water" width="320" height="200"></body></html>
"""
_TABLE = "Monat,Einnahmen,Ausgaben\n" + "".join(
    f"2026-{month:02},{900 + 37 * month},{700 + 53 * month}\n" for month in range(1, 13)
)
_NOTES = """# Meeting notes

* Everybody gets the files as an ordinary directory.
* No program needs to know about it.
* Ask Ada about the name.
"""
_AGREEMENT = """AGREEMENT (draft)

The parties agree to keep this text to themselves. The server that stores it cannot read it.
"""
