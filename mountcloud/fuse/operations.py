"""Arguments in, arguments out: each method converts, calls the file system once, converts back."""

import errno
import functools
import logging
import os
import stat
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import pyfuse3

from mountcloud.fs.attributes import FileAttributes, Owner
from mountcloud.fs.filesystem import FileSystem
from mountcloud.fuse.attributes import Timeouts, to_kernel, to_statvfs, wanted
from mountcloud.fuse.errno import ORDINARY, number
from mountcloud.model.errors import Exists, Failure, NotFound
from mountcloud.model.ids import HandleId, Inode
from mountcloud.policy.freshness import HEARD_S
from mountcloud.policy.thumbnailers import is_thumbnailer

log = logging.getLogger(__name__)

Ready = tuple[pyfuse3.FileNameT, pyfuse3.EntryAttributes, int]
"""What ``readdir_reply`` wants of an entry."""
P = ParamSpec("P")
R = TypeVar("R")
_NOREPLACE = 1
_CAPABILITY = b"security.capability"
"""The kernel asks for it before every write, so it is answered first."""
_DOUBTFUL_S = 1.0
"""Seconds that the kernel may believe us while we do not hear of changes."""


def _answered(
    method: Callable[Concatenate["Operations", P], Coroutine[Any, Any, R]],
) -> Callable[Concatenate["Operations", P], Coroutine[Any, Any, R]]:
    """A failure becomes its number; a fault of ours is EIO for this request alone, with its trace in the log."""

    async def call(self: "Operations", /, *args: P.args, **kwargs: P.kwargs) -> R:
        self.answered += 1
        try:
            return await method(self, *args, **kwargs)
        except Failure as failure:
            code = number(failure)
            level = logging.DEBUG if code in ORDINARY else logging.WARNING
            log.log(level, "%s%r: %s: %s", method.__name__, args[:1], errno.errorcode[code], failure)
            raise pyfuse3.FUSEError(code) from failure
        except pyfuse3.FUSEError:
            raise
        except Exception as error:
            log.exception("%s%r met a fault of mountcloud", method.__name__, args[:1])
            raise pyfuse3.FUSEError(errno.EIO) from error

    functools.update_wrapper(call, method)
    return call


class Operations(pyfuse3.Operations):
    """The adapter between pyfuse3 and ``FileSystem``."""

    supports_dot_lookup = True
    enable_writeback_cache = False
    enable_acl = False

    def __init__(
        self, fs: FileSystem, timeouts: Timeouts, *, extended: bool = True, thumbnailers: Sequence[str] = ()
    ) -> None:
        super().__init__()
        self._thumbnailers = thumbnailers
        self._extended = extended
        self._fs = fs
        self._usual = timeouts
        self._heard = timeouts.at_most(HEARD_S)
        self._short = timeouts.at_most(_DOUBTFUL_S)
        self._told = timeouts
        self._listings = fs.listings(self._ready)
        self.answered = 0

    def _ready(self, position: int, name: str, found: FileAttributes) -> Ready:
        return pyfuse3.FileNameT(os.fsencode(name)), to_kernel(found, self._told), position

    @property
    def _timeouts(self) -> Timeouts:
        if not self._fs.is_current:
            return self._short
        return self._usual if self._fs.is_told else self._heard

    @_answered
    async def lookup(
        self, parent_inode: pyfuse3.InodeT, name: pyfuse3.FileNameT, ctx: pyfuse3.RequestContext
    ) -> pyfuse3.EntryAttributes:
        found = await self._fs.directories.lookup(Inode(parent_inode), os.fsdecode(name))
        return to_kernel(found, self._timeouts)

    async def forget(self, inode_list: Sequence[tuple[pyfuse3.InodeT, int]]) -> None:
        """Inodes live in the index, not in the kernel's references."""

    @_answered
    async def getattr(self, inode: pyfuse3.InodeT, ctx: pyfuse3.RequestContext) -> pyfuse3.EntryAttributes:
        return to_kernel(self._fs.attributes(Inode(inode)), self._timeouts)

    @_answered
    async def setattr(
        self,
        inode: pyfuse3.InodeT,
        attr: pyfuse3.EntryAttributes,
        fields: pyfuse3.SetattrFields,
        fh: pyfuse3.FileHandleT | None,
        ctx: pyfuse3.RequestContext,
    ) -> pyfuse3.EntryAttributes:
        return to_kernel(await self._fs.set_attributes(Inode(inode), wanted(attr, fields)), self._timeouts)

    @_answered
    async def opendir(self, inode: pyfuse3.InodeT, ctx: pyfuse3.RequestContext) -> pyfuse3.FileHandleT:
        return pyfuse3.FileHandleT(await self._listings.open(Inode(inode)))

    @_answered
    async def readdir(self, fh: pyfuse3.FileHandleT, start_id: int, token: pyfuse3.ReaddirToken) -> None:
        if self._told is not self._timeouts:
            self._told = self._timeouts
            self._listings.forget_all()
        for name, attributes, position in self._listings.read(HandleId(fh), start_id):
            if not pyfuse3.readdir_reply(token, name, attributes, position):
                break

    @_answered
    async def releasedir(self, fh: pyfuse3.FileHandleT) -> None:
        self._listings.close(HandleId(fh))

    @_answered
    async def fsyncdir(self, fh: pyfuse3.FileHandleT, datasync: bool) -> None:
        await self._fs.synchronise_directory()

    @_answered
    async def mkdir(
        self, parent_inode: pyfuse3.InodeT, name: pyfuse3.FileNameT, mode: pyfuse3.ModeT, ctx: pyfuse3.RequestContext
    ) -> pyfuse3.EntryAttributes:
        made = await self._fs.directories.create(Inode(parent_inode), os.fsdecode(name), mode, _user(ctx))
        return to_kernel(made, self._timeouts)

    @_answered
    async def unlink(self, parent_inode: pyfuse3.InodeT, name: pyfuse3.FileNameT, ctx: pyfuse3.RequestContext) -> None:
        await self._fs.directories.unlink(Inode(parent_inode), os.fsdecode(name))

    @_answered
    async def rmdir(self, parent_inode: pyfuse3.InodeT, name: pyfuse3.FileNameT, ctx: pyfuse3.RequestContext) -> None:
        await self._fs.directories.rmdir(Inode(parent_inode), os.fsdecode(name))

    @_answered
    async def rename(  # noqa: PLR0917 - pyfuse3's signature
        self,
        parent_inode_old: pyfuse3.InodeT,
        name_old: pyfuse3.FileNameT,
        parent_inode_new: pyfuse3.InodeT,
        name_new: pyfuse3.FileNameT,
        flags: pyfuse3.FlagT,
        ctx: pyfuse3.RequestContext,
    ) -> None:
        if flags & ~_NOREPLACE:
            raise pyfuse3.FUSEError(errno.EINVAL)
        old, new = Inode(parent_inode_old), Inode(parent_inode_new)
        names = os.fsdecode(name_old), os.fsdecode(name_new)
        await self._fs.directories.rename(old, names[0], new, names[1], replace=not flags & _NOREPLACE)

    @_answered
    async def create(
        self,
        parent_inode: pyfuse3.InodeT,
        name: pyfuse3.FileNameT,
        mode: pyfuse3.ModeT,
        flags: pyfuse3.FlagT,
        ctx: pyfuse3.RequestContext,
    ) -> tuple[pyfuse3.FileInfo, pyfuse3.EntryAttributes]:
        parent, file_name = Inode(parent_inode), os.fsdecode(name)
        try:
            handle, made = await self._fs.files.create(parent, file_name, mode, _user(ctx), flags)
        except Exists:
            if flags & os.O_EXCL:
                raise
            made = await self._present(parent, file_name)
            handle, _ = self._fs.files.open(made.inode, flags)
            made = self._fs.attributes(made.inode)
        return self._opened(handle, unchanged=False), to_kernel(made, self._timeouts)

    def _opened(self, handle: HandleId, *, unchanged: bool) -> pyfuse3.FileInfo:
        direct = self._fs.files.is_direct(handle)
        return pyfuse3.FileInfo(fh=pyfuse3.FileHandleT(handle), direct_io=direct, keep_cache=unchanged)

    async def _present(self, parent: Inode, file_name: str) -> FileAttributes:
        """What holds the name already; raises ``Exists`` if that is one that the service takes for the same."""
        try:
            return await self._fs.directories.lookup(parent, file_name)
        except NotFound as absent:
            raise Exists(f"the service takes {file_name!r} for a name that is there") from absent

    @_answered
    async def mknod(
        self,
        parent_inode: pyfuse3.InodeT,
        name: pyfuse3.FileNameT,
        mode: pyfuse3.ModeT,
        rdev: int,
        ctx: pyfuse3.RequestContext,
    ) -> pyfuse3.EntryAttributes:
        if not stat.S_ISREG(mode):
            raise pyfuse3.FUSEError(errno.EPERM)
        handle, made = await self._fs.files.create(Inode(parent_inode), os.fsdecode(name), mode, _user(ctx))
        await self._fs.files.release(handle)
        return to_kernel(made, self._timeouts)

    @_answered
    async def symlink(
        self,
        parent_inode: pyfuse3.InodeT,
        name: pyfuse3.FileNameT,
        target: pyfuse3.FileNameT,
        ctx: pyfuse3.RequestContext,
    ) -> pyfuse3.EntryAttributes:
        made = await self._fs.links.create(Inode(parent_inode), os.fsdecode(name), target, _user(ctx))
        return to_kernel(made, self._timeouts)

    @_answered
    async def readlink(self, inode: pyfuse3.InodeT, ctx: pyfuse3.RequestContext) -> pyfuse3.FileNameT:
        return pyfuse3.FileNameT(await self._fs.links.read(Inode(inode)))

    @_answered
    async def link(
        self,
        inode: pyfuse3.InodeT,
        new_parent_inode: pyfuse3.InodeT,
        new_name: pyfuse3.FileNameT,
        ctx: pyfuse3.RequestContext,
    ) -> pyfuse3.EntryAttributes:
        raise pyfuse3.FUSEError(errno.EPERM)

    @_answered
    async def open(self, inode: pyfuse3.InodeT, flags: pyfuse3.FlagT, ctx: pyfuse3.RequestContext) -> pyfuse3.FileInfo:
        if self._is_cold_for(Inode(inode), ctx.pid):
            raise pyfuse3.FUSEError(errno.EACCES)
        handle, unchanged = self._fs.files.open(Inode(inode), flags)
        return self._opened(handle, unchanged=unchanged)

    def _is_cold_for(self, inode: Inode, pid: int) -> bool:
        """A folder of photos that is only looked at must not be fetched for the pictures of them."""
        if not self._thumbnailers or not is_thumbnailer(_process_name(pid), self._thumbnailers):
            return False
        return not self._fs.is_here(inode)

    @_answered
    async def read(self, fh: pyfuse3.FileHandleT, off: int, size: int) -> bytes:
        return await self._fs.files.read(HandleId(fh), off, size)

    @_answered
    async def write(self, fh: pyfuse3.FileHandleT, off: int, buf: bytes) -> int:
        return await self._fs.files.write(HandleId(fh), off, buf)

    @_answered
    async def flush(self, fh: pyfuse3.FileHandleT) -> None:
        self._fs.files.flush(HandleId(fh))
        await self._fs.files.confirmed(HandleId(fh))

    @_answered
    async def fsync(self, fh: pyfuse3.FileHandleT, datasync: bool) -> None:
        await self._fs.files.fsync(HandleId(fh))

    @_answered
    async def release(self, fh: pyfuse3.FileHandleT) -> None:
        await self._fs.files.release(HandleId(fh))

    async def getxattr(self, inode: pyfuse3.InodeT, name: pyfuse3.XAttrNameT, ctx: pyfuse3.RequestContext) -> bytes:
        if name == _CAPABILITY or not self._extended:
            raise pyfuse3.FUSEError(errno.EOPNOTSUPP if self._extended else errno.ENOSYS)
        return await self._get_extended(inode, name)

    @_answered
    async def _get_extended(self, inode: pyfuse3.InodeT, name: pyfuse3.XAttrNameT) -> bytes:
        return self._fs.extended.get(Inode(inode), name)

    @_answered
    async def listxattr(self, inode: pyfuse3.InodeT, ctx: pyfuse3.RequestContext) -> Sequence[pyfuse3.XAttrNameT]:
        self._demand_extended()
        return [pyfuse3.XAttrNameT(name) for name in self._fs.extended.names(Inode(inode))]

    @_answered
    async def setxattr(
        self, inode: pyfuse3.InodeT, name: pyfuse3.XAttrNameT, value: bytes, ctx: pyfuse3.RequestContext
    ) -> None:
        self._demand_extended()
        self._fs.extended.put(Inode(inode), name, value)

    @_answered
    async def removexattr(self, inode: pyfuse3.InodeT, name: pyfuse3.XAttrNameT, ctx: pyfuse3.RequestContext) -> None:
        self._demand_extended()
        self._fs.extended.remove(Inode(inode), name)

    def _demand_extended(self) -> None:
        """The kernel remembers ENOSYS and never asks again."""
        if not self._extended:
            raise pyfuse3.FUSEError(errno.ENOSYS)

    @_answered
    async def statfs(self, ctx: pyfuse3.RequestContext) -> pyfuse3.StatvfsData:
        return to_statvfs(self._fs.space())

    @_answered
    async def access(self, inode: pyfuse3.InodeT, mode: pyfuse3.ModeT, ctx: pyfuse3.RequestContext) -> bool:
        self._fs.access(Inode(inode), write=bool(mode & os.W_OK))
        return True


def _process_name(pid: int) -> str:
    """Of whoever asks, empty if that cannot be told (proc(5), comm)."""
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8", errors="replace").removesuffix("\n")
    except OSError:
        return ""


def _user(ctx: pyfuse3.RequestContext) -> Owner:
    return Owner(ctx.uid, ctx.gid)
