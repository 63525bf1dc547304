"""Large files in chunks that are kept by the server: chunked upload, version 2 (WebDAV facts, 2).

What has arrived is not sent again after a broken connection or a restart. The server tells the sizes of what it has;
that the bytes are still the same, our own digests tell, since a chunk cannot be read back.
"""

import hashlib
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import trio

from mountcloud.model.errors import Failure, NotFound, Unavailable
from mountcloud.model.provider import Source, UploadProgress
from mountcloud.net.http import Response
from mountcloud.providers.webdav import wire
from mountcloud.providers.webdav.dav import Dav

MOST_CHUNKS = 10_000
CHUNK = 16 << 20
"""Bytes of one chunk; the server wants at least 5 MB."""
_PIECE = 1 << 20
_CLEAN_UP_S = 5.0
CHECKSUM = "SHA1"
"""What every Nextcloud and its own clients know."""


@dataclass(frozen=True, slots=True)
class Stand:
    """How far an upload is: its name, where it is to go, its size and that of its chunks, the digests of the sent."""

    upload: str
    destination: str
    size: int
    chunk: int
    digests: dict[int, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """As it is kept."""
        kept = {"upload": self.upload, "destination": self.destination, "size": self.size, "chunk": self.chunk}
        return json.dumps({**kept, "digests": self.digests})

    def fits(self, other: "Stand") -> bool:
        """True if it is an earlier attempt of the other."""
        return (self.destination, self.size, self.chunk) == (other.destination, other.size, other.chunk)


def stand_of(text: str) -> Stand | None:
    """What ``Stand.text`` was made of."""
    if not text:
        return None
    kept = json.loads(text)
    digests = {int(number): digest for number, digest in kept["digests"].items()}
    return Stand(kept["upload"], kept["destination"], kept["size"], kept["chunk"], digests)


def length_of_chunks(size: int, preferred: int) -> int:
    """Bytes of each chunk but the last, in whole MiB where more than the preferred are needed."""
    smallest = -(-size // MOST_CHUNKS)
    return preferred if smallest <= preferred else -(-smallest // _PIECE) * _PIECE


class Chunks:
    """Chunked uploads of one account. ``dav`` sees the account's uploads."""

    def __init__(self, dav: Dav, chunk: int = CHUNK) -> None:
        self._dav = dav
        self._chunk = chunk

    def wants(self, size: int) -> bool:
        """True for files of more than one chunk."""
        return size > self._chunk

    async def send(
        self, destination: str, source: Source, headers: dict[str, str], progress: UploadProgress | None
    ) -> Response:
        """Put a whole file at the absolute address, under the conditions in ``headers``; the answer is a success."""
        fresh = Stand(secrets.token_hex(16), destination, source.size, length_of_chunks(source.size, self._chunk))
        stand, present = await self._begun(fresh, progress)
        try:
            checksum = await self._fill(_Sending(stand, source, progress), present)
            sent = {**headers, **_common(stand), "OC-Checksum": checksum}
            return await self._dav.assemble((stand.upload, ".file"), sent)
        except BaseException:
            if progress is None:
                with trio.move_on_after(_CLEAN_UP_S, shield=True):
                    await self.discard(stand.text)
            raise

    async def _begun(self, fresh: Stand, progress: UploadProgress | None) -> tuple[Stand, dict[int, int]]:
        """The upload to go on with, and the sizes of the chunks that the server has of it."""
        kept = stand_of(progress.state) if progress is not None else None
        if kept is not None and kept.fits(fresh):
            present = await self._present(kept.upload)
            if present is not None:
                return kept, present
        elif kept is not None:
            await self.discard(kept.text)
        await self._dav.make_collection((fresh.upload,), _common(fresh))
        if progress is not None:
            progress.save(fresh.text)
        return fresh, {}

    async def _present(self, upload: str) -> dict[int, int] | None:
        """Sizes by number; None if the server forgot the upload, as it does after a day."""
        try:
            found = await self._dav.children((upload,), wire.BASIC)
        except NotFound:
            return None
        return {int(each.path[-1]): each.size or 0 for each in found if each.path[-1].isdecimal()}

    async def _fill(self, sending: "_Sending", present: dict[int, int]) -> str:
        """Send the chunks that are missing; the checksum of the whole."""
        whole = hashlib.sha1(usedforsecurity=False)
        for number, piece in sending.pieces():
            digest = await piece.digest(whole)
            if present.get(number) != piece.size or sending.stand.digests.get(number) != digest:
                await self._dav.put((sending.stand.upload, f"{number:05d}"), piece, _common(sending.stand))
                sending.keep(number, digest)
        return f"{CHECKSUM}:{whole.hexdigest()}"

    async def discard(self, text: str) -> None:
        """Give back what an upload left on the server; what cannot be reached now is forgotten there after a day."""
        stand = stand_of(text)
        if stand is None:
            return
        try:
            await self._dav.delete((stand.upload,), directory=True)
        except Failure as failure:
            if not isinstance(failure, NotFound | Unavailable):
                raise


def _common(stand: Stand) -> dict[str, str]:
    """Without the same destination on every request the server cannot write the chunks where they belong."""
    return {"Destination": stand.destination, "OC-Total-Length": str(stand.size)}


@dataclass(slots=True)
class _Sending:
    """One attempt."""

    stand: Stand
    source: Source
    progress: UploadProgress | None

    def pieces(self) -> Iterator[tuple[int, "Slice"]]:
        """The chunks in order, from number 1."""
        starts = range(0, self.stand.size, self.stand.chunk)
        for number, start in enumerate(starts, 1):
            yield number, Slice(self.source, start, min(self.stand.chunk, self.stand.size - start))

    def keep(self, number: int, digest: str) -> None:
        """A chunk has arrived."""
        self.stand = replace(self.stand, digests={**self.stand.digests, number: digest})
        if self.progress is not None:
            self.progress.save(self.stand.text)


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of a source, as a source."""

    source: Source
    start: int
    size: int

    async def pread(self, size: int, offset: int) -> bytes:
        """Bytes of the part."""
        return await self.source.pread(min(size, self.size - offset), self.start + offset)

    async def digest(self, whole: "hashlib._Hash") -> str:
        """The digest of the part, by which its bytes are known again; ``whole`` takes them in as well."""
        own = hashlib.sha256()
        for offset in range(0, self.size, _PIECE):
            data = await self.pread(_PIECE, offset)
            if len(data) != min(_PIECE, self.size - offset):
                raise Unavailable("the file changed while it was sent")
            own.update(data)
            whole.update(data)
        return own.hexdigest()


async def checksum_of(source: Source) -> str:
    """The value of an OC-Checksum header for a whole source."""
    whole = hashlib.sha1(usedforsecurity=False)
    await Slice(source, 0, source.size).digest(whole)
    return f"{CHECKSUM}:{whole.hexdigest()}"
