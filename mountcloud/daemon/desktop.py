"""What the desktop hears of a mount: notifications, and a lock on shutting down while work is on this machine only.

Without the extra ``desktop``, a bus, or somebody who listens there, nothing is missing but that.
"""

import logging
import os
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import trio

from mountcloud.daemon.settings import DesktopSettings
from mountcloud.model.notice import Notice, NoticeKind

log = logging.getLogger(__name__)

Result = TypeVar("Result")

_GATHERING_S = 1.0
"""What comes within this time is one notification: an archive that does not fit means hundreds of notices."""
_LOOK_EVERY_S = 1.0
_TRY_AGAIN_S = 60.0
_ANSWER_WITHIN_S = 5.0
_MOST_WAITING = 1000

_TITLES = {
    NoticeKind.CONFLICT: "Two versions are kept",
    NoticeKind.FAILED: "A change could not be sent",
    NoticeKind.LOGIN: "Log in again",
    NoticeKind.QUOTA: "No room on the service",
    NoticeKind.GUARD: "Removals wait for your word",
}


@dataclass(slots=True)
class Desktop:
    """Of one account. ``is_owed`` tells whether there is work that the service does not have."""

    account: str
    settings: DesktopSettings
    is_owed: Callable[[], bool]
    _lock: int | None = None
    _waiting: tuple[trio.MemorySendChannel[Notice], trio.MemoryReceiveChannel[Notice]] = field(
        default_factory=lambda: trio.open_memory_channel[Notice](_MOST_WAITING)
    )

    def told(self, notice: Notice) -> None:
        """Show it, if the settings want it."""
        if notice.kind.value in self.settings.notify:
            try:
                self._waiting[0].send_nowait(notice)
            except trio.WouldBlock:
                log.debug("too many notices to show: %s", notice.text)

    async def run(self) -> None:
        """For ever; whatever fails on the bus is only logged."""
        try:
            from mountcloud.daemon import bus
        except ModuleNotFoundError:
            log.debug("the desktop hears nothing: the extra 'desktop' is not installed")
            return
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._show, bus.notify)
                if self.settings.inhibit_shutdown != "no":
                    nursery.start_soon(self._hold, bus.inhibit)
        finally:
            self._release()

    async def _show(self, notify: Callable[[str, str], Awaitable[None]]) -> None:
        while True:
            gathered = [await self._waiting[1].receive()]
            await trio.sleep(_GATHERING_S)
            while self._waiting[1].statistics().current_buffer_used:
                gathered.append(self._waiting[1].receive_nowait())
            for title, body in _grouped(gathered):
                await _tried(partial(notify, f"{self.account}: {title}", body))

    async def _hold(self, inhibit: Callable[[str, str, str], Awaitable[int]]) -> None:
        """Hold the lock exactly while something is owed."""
        why = f"{self.account} has changes that are on this machine only"
        while True:
            owed = self.is_owed()
            if not owed:
                self._release()
            elif self._lock is None:
                self._lock = await _tried(partial(inhibit, "shutdown", why, self.settings.inhibit_shutdown))
                if self._lock is None:
                    await trio.sleep(_TRY_AGAIN_S)
            await trio.sleep(_LOOK_EVERY_S)

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


async def _tried(action: Callable[[], Awaitable[Result]]) -> Result | None:
    """What the bus answers, None if it does not."""
    from mountcloud.daemon.bus import BusError

    try:
        with trio.move_on_after(_ANSWER_WITHIN_S):
            return await action()
        log.debug("the desktop's bus does not answer")
    except BusError as error:
        log.debug("the desktop was not told: %s", error)
    return None


def _grouped(notices: list[Notice]) -> list[tuple[str, str]]:
    """A title and a text for each kind."""
    kinds: defaultdict[NoticeKind, list[str]] = defaultdict(list)
    for each in notices:
        kinds[each.kind].append(each.text)
    return [
        (_TITLES[kind], texts[0] + (f"\nand {len(texts) - 1} more: mountcloud status" if len(texts) > 1 else ""))
        for kind, texts in kinds.items()
    ]
