"""Listing the whole tree in the background, so that everything can be found, and seen without the service."""

import logging
from dataclasses import dataclass

import trio

from mountcloud.engine.syncing import Syncer
from mountcloud.model.errors import Failure
from mountcloud.model.ids import Inode, is_local
from mountcloud.store.index import Entry, Index

log = logging.getLogger(__name__)

_NOTHING_LEFT_S = 60.0
_GIVE_WAY_S = 0.2
_NOWHERE = Inode(0)


@dataclass(frozen=True, slots=True)
class Progress:
    """Directories that are listed, and those that are known but not listed yet; more may be found in them."""

    listed: int
    left: int


@dataclass(slots=True)
class Surveyor:
    """Lists what was never listed, ``per_second`` directories at most. Where it stands is in the index, so it goes on
    after a restart; programs that wait for the service come first.
    """

    index: Index
    syncer: Syncer
    per_second: float
    _after: Inode = _NOWHERE

    def progress(self) -> Progress:
        """How far it is."""
        return Progress(*self.index.count_directories())

    async def run(self) -> None:
        """Survey for ever: what other clients make is new ground."""
        while True:
            entry = self.index.unlisted_after(self._after)
            if entry is None:
                self._after = _NOWHERE  # what could not be listed has its turn again
                await trio.sleep(_NOTHING_LEFT_S)
                continue
            await self._give_way()
            await self._look_at(entry)
            await trio.sleep(1 / self.per_second)

    async def _give_way(self) -> None:
        # Nobody waits for this, so it need not hear at once that its turn has come.
        while self.syncer.waiting or not self.syncer.healthy:  # noqa: ASYNC110
            await trio.sleep(_GIVE_WAY_S)

    async def _look_at(self, entry: Entry) -> None:
        self._after = entry.inode
        if is_local(entry.node.id):
            return
        try:
            await self.syncer.list_once(entry.node.id)
        except Failure as failure:
            log.debug("directory %s cannot be listed now: %s", entry.node.id, failure)
