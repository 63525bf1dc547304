"""The form in which a file goes up: one part, framed, so that it can be sent as it is read (RFC 7578)."""

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from mountcloud.model.provider import Source
from mountcloud.net.bodies import Body

_PIECE = 256 * 1024


@dataclass(frozen=True, slots=True)
class Form:
    """One file under a name that needs no quoting: without quotes, backslashes and control characters.

    ``kind`` is its media type. Who reads forms understands names that are not ASCII differently.
    """

    source: Source
    field_name: str
    file_name: str
    kind: str = "application/octet-stream"
    boundary: str = field(default_factory=lambda: f"mountcloud-{secrets.token_hex(16)}")

    @property
    def headers(self) -> dict[str, str]:
        """What to say of the body."""
        return {"Content-Type": f"multipart/form-data; boundary={self.boundary}", "Accept": "application/json"}

    @property
    def opening(self) -> bytes:
        """Before the bytes of the file."""
        disposition = f'form-data; name="{self.field_name}"; filename="{self.file_name}"'
        return f"--{self.boundary}\r\nContent-Disposition: {disposition}\r\nContent-Type: {self.kind}\r\n\r\n".encode()

    @property
    def closing(self) -> bytes:
        """After them."""
        return f"\r\n--{self.boundary}--\r\n".encode()

    @property
    def size(self) -> int:
        """Bytes of the whole body."""
        return len(self.opening) + self.source.size + len(self.closing)

    @property
    def body(self) -> Body:
        """The body from its start."""
        return lambda: _Pieces(self)


class _Pieces:
    """No generator, see ``net/bodies.py``."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self._offset: int | None = None
        self._closed = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._offset is None:
            self._offset = 0
            return self._form.opening
        source = self._form.source
        wanted = min(_PIECE, source.size - self._offset)
        if wanted:
            piece = await source.pread(wanted, self._offset)
            self._offset += len(piece)
            if not piece:
                raise StopAsyncIteration
            return piece
        if self._closed:
            raise StopAsyncIteration
        self._closed = True
        return self._form.closing
