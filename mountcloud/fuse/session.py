"""The FUSE session: mount, serve, end, and the recovery of a mount point that a dead daemon left behind."""

import errno
import logging
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pyfuse3

from mountcloud.fuse.notify import KernelNotifier
from mountcloud.fuse.operations import Operations
from mountcloud.model.errors import Busy, InvalidArgument

log = logging.getLogger(__name__)

MAX_TASKS = 128


@dataclass(slots=True)
class Session:
    """One mount. pyfuse3 has one session per process."""

    mountpoint: Path
    name: str
    notifier: KernelNotifier
    allow_other: bool = False
    subtype: str = "mountcloud"
    _mounted: bool = field(default=False, init=False)

    def mount(self, operations: Operations) -> None:
        """Mount; the kernel's requests wait until ``serve`` runs."""
        options = set(pyfuse3.default_options)
        options |= {f"fsname=mountcloud:{self.name}", f"subtype={self.subtype}"}
        if self.allow_other:
            options.add("allow_other")
        pyfuse3.init(operations, str(self.mountpoint), options)
        self._mounted = True
        self.notifier.start()

    async def serve(self) -> None:
        """Answer the kernel until the mount ends."""
        await pyfuse3.main(max_tasks=MAX_TASKS)

    def end(self) -> None:
        """Make ``serve`` return."""
        pyfuse3.terminate()

    def close(self) -> None:
        """Unmount if that has not happened from outside."""
        if self._mounted:
            self._mounted = False
            self.notifier.stop()
            pyfuse3.close(unmount=True)


def prepare(mountpoint: Path) -> None:
    """Make the mount point usable: create it, and detach a stale mount of ours.

    Raises ``InvalidArgument`` for something that cannot be a mount point, ``Busy`` if something is mounted there.
    """
    try:
        mountpoint.mkdir(parents=True, exist_ok=True)
        occupied = any(mountpoint.iterdir())
    except OSError as error:
        if error.errno not in {errno.ENOTCONN, errno.ECONNABORTED}:
            raise InvalidArgument(f"{mountpoint} cannot be used: {error.strerror}") from error
        _detach_stale(mountpoint)
        occupied = any(mountpoint.iterdir())
    if mountpoint.is_mount():
        raise Busy(f"something is mounted on {mountpoint} already", hint=f"mountcloud umount {mountpoint}")
    if occupied:
        raise InvalidArgument(f"{mountpoint} is not empty", hint="choose an empty directory")


def _detach_stale(mountpoint: Path) -> None:
    """A daemon that was killed leaves its mount behind; ``Transport endpoint is not connected`` is its sign."""
    log.info("a mount that died is detached from %s", mountpoint)
    detach = subprocess.run(  # noqa: S603 - fixed program, the path is one argument
        ["fusermount3", "-u", "-z", "--", str(mountpoint)],  # noqa: S607 - wherever the system keeps it
        capture_output=True,
        text=True,
        check=False,
    )
    if detach.returncode != 0:
        raise Busy(f"the dead mount on {mountpoint} cannot be detached: {detach.stderr.strip()}")
