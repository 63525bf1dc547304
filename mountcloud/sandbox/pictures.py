"""Made-up pictures, where a service makes small ones of the files that it holds."""

import struct
import zlib


def grey_png(side: int) -> bytes:
    """A grey square of so many pixels each way."""
    rows = (b"\0" + b"\x80" * side) * side
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)), (b"IDAT", zlib.compress(rows)))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in (*chunks, (b"IEND", b"")))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
