"""How a file or directory is, in words for users and programs; from memory and this machine's disk alone."""

from dataclasses import dataclass, fields

from mountcloud.engine.pinning import Pinner
from mountcloud.fs.core import Core
from mountcloud.model.ids import is_local
from mountcloud.model.node import Rights
from mountcloud.model.operation import Operation, OperationState
from mountcloud.policy.conflict import is_conflict_name
from mountcloud.policy.file_state import Facts, state_of
from mountcloud.store.index import Entry


@dataclass(frozen=True, slots=True)
class Told:
    """Texts, empty where there is nothing to tell. ``cached`` counts bytes that are here, in whole cells.

    ``id`` and ``version`` are the service's, empty for what it does not have yet; ``offers`` is what the service can
    do with it besides.
    """

    state: str
    service: str
    encrypted: str
    rights: str
    id: str
    version: str
    cached: str
    error: str
    offers: str

    def words(self) -> dict[str, str]:
        """By name."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


@dataclass(slots=True)
class States:
    """Looks in the index, the journal, the cache and the list of what is pinned. ``service`` is the provider's name.

    ``offers`` are words for what it can do besides keeping files.
    """

    core: Core
    pinner: Pinner
    service: str
    offers: tuple[str, ...] = ()

    def of(self, entry: Entry) -> Told:
        """How it is now."""
        node = entry.node
        owed = self.core.journal.of(node.id)
        known = not is_local(node.id)
        parked = next((each for each in owed if each.state is OperationState.PARKED), None)
        return Told(
            state=state_of(self._facts(entry, owed)).value,
            service=self.service,
            encrypted="yes" if node.encrypted else "no",
            rights=_named(node.rights),
            id=node.id if known else "",
            version=node.version if known else "",
            cached="" if node.is_directory else str(self.core.library.means.store.here(node.ref)),
            error="" if parked is None else parked.error,
            offers=",".join(self.offers) if known else "",
        )

    def _facts(self, entry: Entry, owed: list[Operation]) -> Facts:
        node, draft = entry.node, self.core.drafts.get(entry.inode)
        states = {each.state for each in owed}
        return Facts(
            parked=OperationState.PARKED in states,
            sending=OperationState.SENDING in states,
            owed=bool(owed) or (draft is not None and draft.dirty),
            kept_here=self.core.local.stays_here(entry),
            conflict=is_conflict_name(entry.file_name),
            keyless=self.core.library.is_keyless(node.ref),
            pinned=self.pinner.is_pinned(node.id),
            whole=self.is_whole(entry),
        )

    def is_whole(self, entry: Entry) -> bool:
        """True if all of its content, or its listing, is on this machine."""
        node = entry.node
        if node.is_directory:
            return entry.listed is not None
        if self.core.drafts.get(entry.inode) is not None:
            return True
        return self.core.library.means.store.here(node.ref) >= node.size


def _named(rights: Rights) -> str:
    return ",".join((each.name or "").lower().replace("_", "-") for each in rights)
