"""How much room the account has: asked for when somebody wants to know, told at once from what was heard last."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import trio

from mountcloud.model.errors import Failure
from mountcloud.model.provider import Provider, Usage
from mountcloud.store.index import Index

_NOTE = "usage"
_INTERVAL_S = 60.0
_FRESH_S = 2.0
_WITHIN_S = 5.0


@dataclass(slots=True)
class Space:
    """The account's space. ``clock`` tells seconds since the epoch."""

    provider: Provider
    index: Index
    clock: Callable[[], float]
    _usage: Usage | None = None
    _wanted: bool = True
    _at: float = 0.0

    @property
    def known(self) -> Usage | None:
        """As it was told last, perhaps before the last start; asked for anew soon."""
        self._wanted = True
        if self._usage is None:
            noted = self.index.note(_NOTE)
            self._usage = None if noted is None else Usage(*json.loads(noted))
        return self._usage

    async def ask(self) -> None:
        """Only if somebody wanted to know since the last time: an idle poll costs no more than it must."""
        if self._wanted and not self._is_younger(_INTERVAL_S):
            await self._learn()

    async def _learn(self) -> Usage:
        self._usage = usage = await self.provider.usage()
        self._at, self._wanted = self.clock(), False
        self.index.put_note(_NOTE, json.dumps([usage.used, usage.total]))
        return usage

    async def fresh(self) -> Usage | None:
        """As it is now, None if that cannot be known within seconds."""
        if self._is_younger(_FRESH_S):
            return self._usage
        with trio.move_on_after(_WITHIN_S), suppress(Failure):
            return await self._learn()
        return None

    def _is_younger(self, age_s: float) -> bool:
        return 0 <= self.clock() - self._at < age_s  # the clock may be set back
