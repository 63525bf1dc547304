"""Whether the service has room for what a program writes, as far as this machine can know."""

from dataclasses import dataclass

from mountcloud.engine.drafting import Draft
from mountcloud.engine.syncing import Syncer
from mountcloud.model.errors import QuotaExceeded, TooLarge
from mountcloud.model.operation import OperationKind
from mountcloud.model.provider import Usage
from mountcloud.store.journal import Journal

_STEP = 64 << 20
"""Bytes after which a growing file is looked at again."""
_ENDLESS = 1 << 62


@dataclass(slots=True)
class Room:
    """Refuses what would only fail later, when the program is gone. When in doubt it lets pass."""

    journal: Journal
    syncer: Syncer

    async def demand(self, draft: Draft, size: int, *, encrypted: bool) -> None:
        """The draft is about to have ``size`` bytes.

        Raises ``QuotaExceeded`` if the account has no room for them, ``TooLarge`` if its encryption cannot hold them.
        """
        largest = self.syncer.provider.capabilities.max_encrypted_size if encrypted else 0
        if 0 < largest < size:
            raise TooLarge(f"encrypted, a file has up to {largest} bytes")
        needed = size - draft.base
        free = self._free(self.syncer.space.known, draft)
        if needed > free:
            free = self._free(await self.syncer.space.fresh(), draft)
            if needed > free:
                raise QuotaExceeded(f"the account has room for {max(free, 0)} bytes more", hint="remove something")
        draft.roomy = min(draft.base + free, size + _STEP, largest or _ENDLESS)

    def _free(self, usage: Usage | None, draft: Draft) -> int:
        """Bytes that are left once everything owed has arrived."""
        if usage is None or usage.total is None:
            return _ENDLESS
        others = (each for each in self.journal.operations if each.kind is OperationKind.UPLOAD)
        counted = (each for each in others if each.replaces is None and (draft.base or each.staged != draft.file.name))
        return usage.total - usage.used - sum(each.size for each in counted)
