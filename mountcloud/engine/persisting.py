"""What programs closed survives a power cut too, a few seconds later at most: it is brought onto the disk by then."""

import logging
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

import trio

from mountcloud.model.errors import DiskFull
from mountcloud.store.journal import Journal
from mountcloud.store.reserve import Reserve
from mountcloud.store.staging import Staging

log = logging.getLogger(__name__)

INTERVAL = 3.0
"""Seconds between two rounds; with the time that a round takes, closed files are on the disk within five."""


class Roomy(Protocol):
    """A store that can take disk blocks ahead of need."""

    def secure_room(self) -> None:
        """Take them, if there are any."""


@dataclass(slots=True)
class Persister:
    """First the bytes, then the journal that names them: what was owed when a round began is whole before it is
    named on the disk. What is closed meanwhile may be named a little before its bytes are there.

    Drafts go the other way: the journal lets go of them first. So no program waits until the disk has removed one, and
    no power cut brings an operation back without its bytes.
    """

    journal: Journal
    staging: Staging
    reserves: tuple[Reserve, ...]
    databases: tuple[Roomy, ...] = ()
    interval_s: float = INTERVAL
    _synced: dict[str, int] = field(default_factory=dict)
    _at_changes: int = -1

    async def run(self) -> None:
        """For ever."""
        while True:
            await trio.sleep(self.interval_s)
            await self.round()

    async def round(self) -> None:
        """What was closed is brought onto the disk, what nobody wants any more makes room."""
        self.make_room()
        try:
            await self.persist()
        except OSError as error:
            log.error("what is owed cannot be brought onto the disk: %s", error.strerror)

    def make_room(self) -> None:
        """Take (back) what is kept ready for a full disk."""
        for reserve in self.reserves:
            reserve.hold()
        for database in self.databases:
            database.secure_room()

    def sweep(self) -> None:
        """At the end: what nobody wants any more does not stay until the next start."""
        try:
            self.journal.sync()
            self.staging.remove_all(self.journal.unwanted)
        except OSError as error:
            log.error("drafts that are not needed stay on the disk for now: %s", error.strerror)

    async def persist(self) -> None:
        """One round: what was owed when it began is on the disk when it ends. Raises ``OSError``."""
        changes, unwanted = self.journal.changes, self.journal.unwanted
        owed = {each.staged: each.generation for each in self.journal.operations if each.staged}
        fresh = [name for name, generation in owed.items() if self._synced.get(name) != generation]
        if fresh:
            await trio.to_thread.run_sync(self.staging.sync, fresh)
        if changes != self._at_changes:
            await trio.to_thread.run_sync(self.journal.sync)
        self._synced, self._at_changes = owed, changes
        if unwanted:
            await trio.to_thread.run_sync(self.staging.remove_all, unwanted)
            with suppress(DiskFull):  # they are looked for again in the next round
                self.journal.swept(unwanted)
