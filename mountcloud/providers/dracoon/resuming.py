"""Going on with a direct upload that was cut off: what its storage has, kept over restarts (DRACOON facts, 12.3)."""

import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Self

import trio

from mountcloud.model.errors import Unavailable
from mountcloud.model.provider import UploadProgress
from mountcloud.net.bodies import Body
from mountcloud.providers.dracoon import wire
from mountcloud.providers.dracoon.parts import Part

_DIGEST_BYTES = 16


class Changed(Exception):
    """The bytes are not those of which parts were made before."""


@dataclass(slots=True)
class Saved:
    """Progress of an upload that has ended; implements ``UploadProgress``."""

    state: str

    def save(self, state: str) -> None:
        """Nobody asks again."""
        self.state = state


@dataclass(slots=True)
class Ledger:
    """The parts that were made of one upload, and those of them that the storage has.

    A part is written down before it leaves: no other bytes may ever be encrypted with the key and iv of bytes that
    somebody may have seen (DRACOON facts, 22.5). ``purpose`` tells what the parts are good for; ``wrapped_key`` is the
    file key in the form in which the service would keep it for this account, None if nothing is encrypted.
    """

    progress: UploadProgress
    upload: str
    purpose: str
    wrapped_key: wire.Json | None
    etags: dict[int, str] = field(default_factory=dict)
    _digests: dict[int, str] = field(default_factory=dict)

    @classmethod
    def kept(cls, progress: UploadProgress) -> Self | None:
        """The one that was kept, if there is one that makes sense."""
        try:
            saved = wire.mapping(json.loads(progress.state or "{}"))
            made = [(int(key), str(value)) for key, value in wire.mapping(saved.get("digests")).items()]
            sent = [(int(key), str(value)) for key, value in wire.mapping(saved.get("etags")).items()]
        except (ValueError, Unavailable):
            return None
        upload, key = wire.text(saved, "upload"), saved.get("key")
        wrapped = None if key is None else wire.mapping(key)
        return cls(progress, upload, wire.text(saved, "purpose"), wrapped, dict(sent), dict(made)) if upload else None

    async def has_sent(self, part: Part, body: Body) -> bool:
        """True if the storage has the part. Raises ``Changed`` if it was made of other bytes before."""
        digest = await _digest(body)
        known = self._digests.get(part.number)
        if known is None:
            self._digests[part.number] = digest
            self.save()
        elif known != digest:
            raise Changed
        return part.number in self.etags

    def save(self) -> None:
        """Keep it, with all that arrived by now."""
        content = {"upload": self.upload, "purpose": self.purpose, "key": self.wrapped_key}
        self.progress.save(json.dumps({**content, "digests": self._digests, "etags": self.etags}))


async def _digest(body: Body) -> str:
    """Of the stored bytes; in a thread, since hashing a part takes milliseconds."""
    digest = hashlib.sha256()
    pieces: AsyncIterator[bytes] = body()
    async for piece in pieces:
        await trio.to_thread.run_sync(digest.update, piece)
    return digest.digest()[:_DIGEST_BYTES].hex()
