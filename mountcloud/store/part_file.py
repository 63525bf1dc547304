"""A file that is on its way to this machine, beside the place where it will be, and how much of it is here."""

import base64
import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from mountcloud.model.errors import Exists, Forbidden, OutOfSpace
from mountcloud.model.ids import Version


@dataclass(frozen=True, slots=True)
class Arrived:
    """The first ``size`` bytes of this version are here; ``check`` is the state of its check by then."""

    version: Version
    size: int = 0
    check: bytes = b""


class PartFile:
    """``.NAME.mountcloud-part`` and its note. What was noted survives a crash; bytes beyond are fetched again.

    The directory may be one that others write to: what they put there under these names is neither read nor followed.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        self._data = target.with_name(f".{target.name}.mountcloud-part")
        self._note = target.with_name(f".{target.name}.mountcloud-part.json")
        self._descriptor = -1

    def open(self, version: Version) -> Arrived:
        """Go on with this version, if it was begun; else begin anew. Raises ``OutOfSpace``, ``Forbidden``."""
        try:
            self._descriptor = os.open(self._data, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            if not _is_ours(self._descriptor):
                raise Forbidden(f"{self._data} is somebody else's", hint="name another directory")
            found = self._noted()
            if found is None or found.version != version or os.fstat(self._descriptor).st_size < found.size:
                found = Arrived(version)
            os.ftruncate(self._descriptor, found.size)
        except OSError as error:
            raise OutOfSpace(f"{self._data} cannot be written: {error.strerror}") from error
        return found

    def write(self, data: bytes, offset: int) -> None:
        """Raises ``OutOfSpace``."""
        view = memoryview(data)
        try:
            while view:
                written = os.pwrite(self._descriptor, view, offset)
                view, offset = view[written:], offset + written
        except OSError as error:
            raise OutOfSpace(f"{self._data} cannot be written: {error.strerror}") from error

    def note(self, arrived: Arrived) -> None:
        """Remember how much is here; the bytes are on the disk before the note says so."""
        text = json.dumps(
            {"version": arrived.version, "size": arrived.size, "check": base64.b64encode(arrived.check).decode("ascii")}
        )
        draft = self._note.with_suffix(".new")
        try:
            os.fsync(self._descriptor)
            draft.unlink(missing_ok=True)
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(text)
            draft.rename(self._note)
        except OSError as error:
            raise OutOfSpace(f"{self._note} cannot be written: {error.strerror}") from error

    def finish(self, mtime_ns: int, *, overwrite: bool) -> None:
        """It becomes the target; raises ``Exists`` if there is one by now that must not be replaced."""
        os.fsync(self._descriptor)
        os.utime(self._descriptor, ns=(mtime_ns, mtime_ns))
        umask = os.umask(0)
        os.umask(umask)
        os.fchmod(self._descriptor, 0o666 & ~umask)
        if overwrite:
            self._data.rename(self.target)
        else:
            try:
                self.target.hardlink_to(self._data)
            except FileExistsError:
                raise Exists(f"{self.target} exists", hint="--overwrite replaces it") from None
            self._data.unlink()
        self._note.unlink(missing_ok=True)

    def discard(self) -> None:
        """Give up what came."""
        self._data.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def close(self) -> None:
        """Stop for now; idempotent."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _noted(self) -> Arrived | None:
        try:
            with os.fdopen(os.open(self._note, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW), encoding="ascii") as file:
                if not _is_ours(file.fileno()):
                    return None
                found = json.load(file)
            return Arrived(Version(str(found["version"])), int(found["size"]), base64.b64decode(found["check"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None


def _is_ours(descriptor: int) -> bool:
    status = os.fstat(descriptor)
    return stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid()
