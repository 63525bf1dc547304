"""Whole files between a service and this machine without a mount: with progress, and going on where they ended."""

import os
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import trio

from mountcloud.model.errors import Corrupt, Failure, InvalidArgument, IsADirectory, NotFound, OutOfSpace
from mountcloud.model.node import Node
from mountcloud.model.provider import Content, ContentCheck, Provider
from mountcloud.model.span import PlainSpan, StoredSpan
from mountcloud.store.part_file import Arrived, PartFile

Progress = Callable[[int], None]
"""Told how many bytes are done in all."""

_PIECE = 4 << 20
_AT_ONCE = 4
_NOTED_EVERY = 4
"""Pieces between two notes of how much is here."""


def _nothing(done: int) -> None:
    """Nobody wants to know."""


async def download(
    provider: Provider, node: Node, target: Path, *, overwrite: bool = False, progress: Progress = _nothing
) -> None:
    """Bring a file to ``target``, which appears when all is here and was found genuine.

    What an earlier attempt brought of the same version is not fetched again. Raises ``Exists``, ``OutOfSpace``, and
    what reading raises.
    """
    if node.is_directory:
        raise IsADirectory(f"{node.name!r} is a directory", hint="name a file in it, or mount the account")
    content = await provider.open(node)
    try:
        with PartFile(target) as part:
            await _fill(content, node, part, progress)
            part.finish(node.mtime_ns, overwrite=overwrite)
    finally:
        with trio.CancelScope(shield=True, deadline=trio.current_time() + 5):
            await content.aclose()


async def _fill(content: Content, node: Node, part: PartFile, progress: Progress) -> None:
    arrived = part.open(node.version)
    check = content.cipher.check(arrived.check)
    progress(arrived.size)
    spans = [PlainSpan(start, min(start + _PIECE, node.size)) for start in range(arrived.size, node.size, _PIECE)]
    async with aclosing(_in_order(content, spans)) as pieces:
        count = 0
        async for span, stored, data in pieces:
            _take_in(check, stored, data)
            await trio.to_thread.run_sync(part.write, content.cipher.decrypt(span, stored, data), span.start)
            progress(span.end)
            count += 1
            if count % _NOTED_EVERY == 0:
                state = b"" if check is None else check.state()
                await trio.to_thread.run_sync(part.note, Arrived(node.version, span.end, state))
    if check is not None and check.verdict() is False:
        part.discard()
        raise Corrupt(f"{node.name!r} is not what was uploaded; nothing of it was kept")


def _take_in(check: ContentCheck | None, stored: StoredSpan, data: bytes) -> None:
    if check is not None:
        check.add(stored, data)


async def _in_order(
    content: Content, spans: Sequence[PlainSpan]
) -> AsyncGenerator[tuple[PlainSpan, StoredSpan, bytes], None]:
    """Stored bytes, fetched several at a time, given in order; no more is held than is on its way."""
    for first in range(0, len(spans), _AT_ONCE):
        group = [(span, content.cipher.cover(span)) for span in spans[first : first + _AT_ONCE]]
        fetched = await _together(content, [stored for _, stored in group])
        for (span, stored), data in zip(group, fetched, strict=True):
            yield span, stored, data


async def _together(content: Content, spans: Sequence[StoredSpan]) -> list[bytes]:
    """All of these; raises the first failure alone, since the others say the same."""
    found: list[bytes] = [b""] * len(spans)
    failures: list[Failure] = []

    async def fetch(number: int) -> None:
        try:
            found[number] = await content.fetch(spans[number])
        except Failure as failure:
            failures.append(failure)
            nursery.cancel_scope.cancel()

    async with trio.open_nursery() as nursery:
        for number in range(len(spans)):
            nursery.start_soon(fetch, number)
    if failures:
        raise failures[0]
    return found


@dataclass(frozen=True, slots=True)
class FileSource:
    """A file of this machine as it was when it was opened; implements ``Source``. Tells how far its reader is."""

    path: Path
    descriptor: int
    size: int
    mtime_ns: int
    progress: Progress = _nothing

    @classmethod
    def open(cls, path: Path, progress: Progress = _nothing) -> "FileSource":
        """Raises ``NotFound``, ``IsADirectory``, ``InvalidArgument`` for what cannot be read."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise NotFound(f"there is no {path}") from None
        except OSError as error:
            raise InvalidArgument(f"{path} cannot be read: {error.strerror}") from error
        status = os.fstat(descriptor)
        if path.is_dir():
            os.close(descriptor)
            raise IsADirectory(f"{path} is a directory", hint="name a file in it, or mount the account and copy")
        return cls(path, descriptor, status.st_size, status.st_mtime_ns, progress)

    async def pread(self, size: int, offset: int) -> bytes:
        """As ``Source.pread``; raises ``InvalidArgument`` if the file was changed meanwhile."""
        data = await trio.to_thread.run_sync(os.pread, self.descriptor, size, offset)
        status = os.fstat(self.descriptor)
        if (status.st_size, status.st_mtime_ns) != (self.size, self.mtime_ns):
            raise InvalidArgument(f"{self.path} was changed while it was sent", hint="send it again")
        self.progress(offset + len(data))
        return data

    def close(self) -> None:
        """Close it once."""
        os.close(self.descriptor)


@dataclass(frozen=True, slots=True)
class KeptProgress:
    """How far an upload is, in a private file; implements ``UploadProgress``."""

    path: Path

    @property
    def state(self) -> str:
        """What was saved last."""
        try:
            return self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""

    def save(self, state: str) -> None:
        """Keep it; it survives a crash after the return. Raises ``OutOfSpace``."""
        try:
            if not state:
                self.path.unlink(missing_ok=True)
                return
            draft = self.path.with_suffix(".new")
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(state)
                file.flush()
                os.fsync(descriptor)
            draft.rename(self.path)
        except OSError as error:
            raise OutOfSpace(f"{self.path} cannot be written: {error.strerror}") from error
