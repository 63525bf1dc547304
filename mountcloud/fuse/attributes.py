"""Our attributes -> the kernel's, with how long it may believe them."""

from dataclasses import dataclass

import pyfuse3

from mountcloud.fs.attributes import BLOCK, FileAttributes
from mountcloud.fs.filesystem import Space, Wanted


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds that the kernel may believe names and attributes; what changes remotely is withdrawn at once."""

    entry: float = 300.0
    attributes: float = 300.0

    def at_most(self, seconds: float) -> "Timeouts":
        """These, or shorter ones."""
        return Timeouts(min(self.entry, seconds), min(self.attributes, seconds))


def to_kernel(ours: FileAttributes, timeouts: Timeouts) -> pyfuse3.EntryAttributes:
    """As pyfuse3 wants them."""
    entry = pyfuse3.EntryAttributes()
    entry.st_ino = pyfuse3.InodeT(ours.inode)
    entry.generation = 0
    entry.entry_timeout = timeouts.entry
    entry.attr_timeout = timeouts.attributes
    entry.st_mode = pyfuse3.ModeT(ours.mode)
    entry.st_nlink = ours.nlink
    entry.st_uid = ours.uid
    entry.st_gid = ours.gid
    entry.st_rdev = 0
    entry.st_size = ours.size
    entry.st_blksize = BLOCK
    entry.st_blocks = -(-ours.size // 512)
    entry.st_atime_ns = ours.atime_ns
    entry.st_mtime_ns = ours.mtime_ns
    entry.st_ctime_ns = ours.ctime_ns
    return entry


def wanted(attributes: pyfuse3.EntryAttributes, fields: pyfuse3.SetattrFields) -> Wanted:
    """What a ``setattr`` request asks for."""
    return Wanted(
        size=attributes.st_size if fields.update_size else None,
        mode=attributes.st_mode if fields.update_mode else None,
        uid=attributes.st_uid if fields.update_uid else None,
        gid=attributes.st_gid if fields.update_gid else None,
        atime_ns=attributes.st_atime_ns if fields.update_atime else None,
        mtime_ns=attributes.st_mtime_ns if fields.update_mtime else None,
    )


def to_statvfs(space: Space) -> pyfuse3.StatvfsData:
    """``df``."""
    data = pyfuse3.StatvfsData()
    data.f_bsize = data.f_frsize = BLOCK
    data.f_blocks = space.total // BLOCK
    data.f_bfree = data.f_bavail = space.free // BLOCK
    data.f_files = data.f_ffree = data.f_favail = 0
    data.f_namemax = 255
    return data
