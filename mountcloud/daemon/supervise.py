"""The life of a daemon: lock, stores, recovery, services, the mount; and the same backwards."""

import fcntl
import logging
import os
import resource
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path

import trio

from mountcloud.daemon import control, reporting
from mountcloud.daemon.assemble import Mount, assemble
from mountcloud.daemon.desktop import Desktop
from mountcloud.daemon.notify_systemd import Notifier
from mountcloud.daemon.paths import AccountPaths
from mountcloud.daemon.settings import AccountSettings
from mountcloud.engine.background import lasting
from mountcloud.fuse.session import prepare
from mountcloud.model.errors import Busy, DiskFull, Failure, Unsupported
from mountcloud.model.ids import ROOT_INODE, Version
from mountcloud.model.provider import Secrets

log = logging.getLogger(__name__)

_SYSTEMD_PATIENCE_S = 10.0
"""Seconds for which an ending daemon asks systemd at a time, each second anew."""
_LISTED_WITHIN_S = 10.0
"""Seconds that the start waits for the first listing, which a mount without network may not get."""
_CHUNKS_INTERVAL = 5.0
_BEHIND = "waits for another change"
_NAMED = 10
"""Failed changes that an error names."""
_FORGETTING_S = 10.0
"""Seconds that a refresh waits for the kernel at most."""
_STATUS_INTERVAL = 5.0


def run(
    account: AccountSettings,
    paths: AccountPaths,
    secrets: Secrets,
    mountpoint: Path,
    *,
    on_ready: Callable[[], None],
) -> int:
    """Mount and serve until SIGINT, SIGTERM or an unmount from outside. Returns the exit code.

    Raises ``Busy`` if another daemon serves the account, ``InvalidArgument`` for an unusable mount point.
    """
    _raise_file_limit()
    with _lock(paths.lock):
        prepare(mountpoint)
        return trio.run(_live, account, paths, secrets, mountpoint, on_ready)


def _raise_file_limit() -> None:
    """An open file costs a descriptor of ours; desktop sessions start with 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """One daemon an account. The kernel drops the lock when the process dies, however it dies."""
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy("another mountcloud serves this account already", hint="mountcloud status") from None
        yield


async def _live(
    account: AccountSettings,
    paths: AccountPaths,
    secrets: Secrets,
    mountpoint: Path,
    on_ready: Callable[[], None],
) -> int:
    systemd = Notifier.from_environment()
    mount: Mount | None = None
    try:
        async with trio.open_nursery() as services:
            mount = assemble(account, paths, secrets, mountpoint, services)
            front = Front(mount, systemd, account.stop_grace_s)
            desktop = Desktop(account.name, account.desktop, partial(reporting.is_owed, mount))
            mount.tell(desktop.told)
            services.start_soon(desktop.run)
            await services.start(control.serve, paths.control, front)
            await front.serve(services, on_ready)
            services.cancel_scope.cancel()
    finally:
        if mount is not None:
            await _close(mount)
    return 0


async def _close(mount: Mount) -> None:
    """After the last task that may use the service or the stores has ended."""
    with trio.CancelScope(shield=True, deadline=trio.current_time() + 2):
        await mount.provider.aclose()
    mount.close()


class Front:
    """The mount and the commands that the control socket takes; implements ``control.Commands``."""

    def __init__(self, mount: Mount, systemd: Notifier, grace_s: float) -> None:
        self._mount = mount
        self._systemd = systemd
        self._grace_s = grace_s
        self._state = "starting"
        self._impatient = trio.Event()

    async def serve(self, services: trio.Nursery, on_ready: Callable[[], None]) -> None:
        """Mount, serve, unmount, and give uploads their grace."""
        await self._first_sight()
        session = self._mount.session
        session.mount(self._mount.operations)
        try:
            services.start_soon(self._mount.syncer.run)
            services.start_soon(self._mount.replayer.run)
            services.start_soon(self._mount.offers.prepare)
            services.start_soon(lasting, self._mount.persister.run)
            if self._mount.surveyor is not None:
                services.start_soon(lasting, self._mount.surveyor.run)
            services.start_soon(self._watch_signals)
            services.start_soon(self._watchdog)
            services.start_soon(lasting, self._keep_chunks)
            services.start_soon(lasting, self._tell_of_the_queue)
            services.start_soon(lasting, self._mount.pinner.run)
            services.start_soon(self._announce, on_ready)
            await session.serve()
        finally:
            self._state = "stopping"
            session.close()
        await self._grace()

    async def _first_sight(self) -> None:
        """The root must be known once; from then on the mount starts without network."""
        if self._mount.index.entry(ROOT_INODE) is None:
            await self._mount.syncer.ensure_root()

    async def _announce(self, on_ready: Callable[[], None]) -> None:
        """Ready means that ``ls`` works; without network a directory that was never listed waits longer than we do."""
        mountpoint = self._mount.session.mountpoint
        with trio.move_on_after(_LISTED_WITHIN_S), suppress(OSError):
            await trio.to_thread.run_sync(os.listdir, mountpoint, abandon_on_cancel=True)
        self._state = "ready"
        self._systemd.ready(f"mounted on {self._mount.session.mountpoint}")
        on_ready()

    async def _watch_signals(self) -> None:
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as signals:
            async for number in signals:
                if number == signal.SIGHUP:
                    self._mount.syncer.poke()
                elif self._state == "stopping":
                    log.info("ending now on a second %s", signal.Signals(number).name)
                    self._impatient.set()
                else:
                    log.info("ending on %s", signal.Signals(number).name)
                    self._state = "stopping"
                    self._mount.session.end()

    async def _keep_chunks(self) -> None:
        """Write down now and then what is cached; what was not written down is fetched again after a crash."""
        while True:
            await trio.sleep(_CHUNKS_INTERVAL)
            try:
                self._mount.chunks.save()
            except DiskFull as full:
                log.debug("what is cached cannot be written down: %s", full)

    async def _tell_of_the_queue(self) -> None:
        """``systemctl status`` shows what waits for the user."""
        told = ""
        while self._systemd.listens:
            await trio.sleep(_STATUS_INTERVAL)
            trouble = self._mount.queue.trouble
            if trouble != told:
                self._systemd.status(trouble or f"mounted on {self._mount.session.mountpoint}")
                told = trouble

    async def _watchdog(self) -> None:
        interval = self._systemd.watchdog_interval_s
        while interval is not None:
            self._systemd.watchdog()
            await trio.sleep(interval)

    async def _grace(self) -> None:
        """Send what can be sent at once; the rest stays in the journal."""
        try:
            await self._send_the_rest()
        except DiskFull as full:
            log.error("what is owed goes on at the next start: %s", full)

    async def _send_the_rest(self) -> None:
        """Within the limit of the settings, or until somebody asks for the end a second time."""
        for draft in self._mount.core.drafts.all:
            self._mount.core.local.seal(draft)
        if self._owed():
            log.info("%d changes are being sent before the end; a second Ctrl-C ends it now", self._owed())
            with trio.move_on_after(self._grace_s):
                async with trio.open_nursery() as waiting:
                    waiting.start_soon(self._tell_what_is_left)
                    waiting.start_soon(self._give_up, waiting.cancel_scope)
                    await self._mount.replayer.drained()
                    waiting.cancel_scope.cancel()
        if self._owed():
            log.warning("%d changes are still owed; they go on at the next start", self._owed())

    async def _tell_what_is_left(self) -> None:
        while True:
            self._systemd.stopping(f"sending {self._owed()} changes")
            self._systemd.extend_timeout(_SYSTEMD_PATIENCE_S)
            await trio.sleep(_STATUS_INTERVAL)

    async def _give_up(self, scope: trio.CancelScope) -> None:
        await self._impatient.wait()
        scope.cancel()

    def _owed(self) -> int:
        return reporting.owed(self._mount)

    def status(self) -> dict[str, object]:
        """For ``mountcloud status``."""
        return reporting.report(self._mount, self._state)

    async def info(self, path: str | None) -> dict[str, object]:
        """For ``mountcloud info``."""
        return await reporting.info(self._mount, path or "")

    async def refresh(self, path: str | None) -> None:
        """Look for changes now; all of them, whatever the path. What was found is seen afterwards.

        A failure reaches the asker.
        """
        await self._mount.syncer.poll()
        await trio.to_thread.run_sync(self._mount.session.notifier.wait, _FORGETTING_S)

    async def sync(self, path: str | None) -> None:
        """Wait until nothing is owed (at and below the path) that can be sent; a ``Failure`` names the rest."""
        queue = self._mount.queue
        await self._mount.replayer.drained(lambda: queue.below(path) if path else None)
        await self._mount.persister.round()  # what was sent makes room on a full disk
        if queue.trouble and queue.below(path):
            raise Failure(queue.trouble)
        with_programs = self._mount.replayer.with_programs
        left = [each for each in queue.below(path) if each.id not in with_programs]
        if left:
            named = "; ".join(f"{queue.path(each)}: {each.error or _BEHIND}" for each in left[:_NAMED])
            more = f"; and {len(left) - _NAMED} more" if len(left) > _NAMED else ""
            raise Failure(f"{len(left)} changes are not on the service: {named}{more}", hint="mountcloud queue")

    async def pin(self, path: str | None) -> dict[str, int]:
        """Fetch it whole, now and whenever it changes."""
        files = await self._mount.pinner.pin(await self._mount.core.at(path or ""))
        return {"files": len(files), "bytes": sum(node.size for node in files)}

    async def unpin(self, path: str | None) -> None:
        """Its cached bytes may make way again."""
        self._mount.pinner.unpin(await self._mount.core.at(path or ""))

    async def evict(self, path: str | None) -> int:
        """Give back what is cached of it."""
        return self._mount.pinner.evict(await self._mount.core.at(path or ""))

    async def share(self, path: str | None, password: str | None) -> dict[str, object]:
        """A link for strangers."""
        entry = await self._mount.core.at(path or "")
        return await self._mount.offers.share(entry.node, password or "")

    async def versions(self, path: str | None) -> Sequence[dict[str, object]]:
        """What the file has and had."""
        entry = await self._mount.core.at(path or "")
        return await self._mount.offers.versions(entry.node)

    async def restore_version(self, path: str | None, version: str) -> None:
        """Bring an older content back, and into view."""
        entry = await self._mount.core.at(path or "")
        await self._mount.offers.restore_version(entry.node, Version(version))
        with suppress(Failure):  # it is done; without a look now the next poll shows it
            await self.refresh(path)

    def retry_parked(self) -> int:
        """Try again what was given up."""
        return self._mount.replayer.retry_parked()

    async def queue(self, action: str, path: str | None, keep: str | None) -> object:
        """For ``mountcloud queue``."""
        queue = self._mount.queue
        match action:
            case "list":
                return [asdict(each) for each in queue.items(path)]
            case "retry":
                return queue.retry(path)
            case "discard":
                return await queue.discard(path, keep)
            case "pause" | "resume":
                return queue.pause(paused=action == "pause")
            case "allow_deletes":
                return queue.allow_deletes()
            case "discard_deletes":
                return queue.discard_deletes()
        raise Unsupported(f"a queue cannot {action!r}", hint="is the daemon of another version?")
