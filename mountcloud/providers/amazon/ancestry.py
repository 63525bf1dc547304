"""What is above a folder: whether it is in the trash by that, or in a circle."""

from dataclasses import dataclass
from math import inf

import trio

from mountcloud.model.errors import NotADirectory, NotFound
from mountcloud.providers.amazon.api import Api
from mountcloud.providers.amazon.wire import RemoteNode

_TRUSTED_FOR_S = 5.0
"""So long the place of a folder is believed without asking; the feed and our own changes tell of it sooner."""

_MOST_FOLDERS = 50_000


@dataclass(frozen=True, slots=True)
class _Seen:
    """``asked``: when the folder itself was asked for; what lists and the feed tell may be older than the answer."""

    folder: RemoteNode
    at: float
    asked: float

    def is_trusted(self, since: float | None) -> bool:
        """True if it is as good as a look made now, or made ``since`` then. The root is never in the trash."""
        if since is not None:
            return self.folder.is_root or self.asked >= since
        return trio.current_time() - self.at < _TRUSTED_FOR_S


class Ancestry:
    """Remembers where folders are."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._seen: dict[str, _Seen] = {}

    def note(self, remote: RemoteNode, asked: float = -inf) -> None:
        """This is how a node looks now; only folders are of interest."""
        if remote.kind != "FOLDER":
            return
        self._seen.pop(remote.id, None)
        self._seen[remote.id] = _Seen(remote, trio.current_time(), asked)
        if len(self._seen) > _MOST_FOLDERS:
            del self._seen[next(iter(self._seen))]

    def forget(self, id: str) -> None:
        """Ask again the next time."""
        self._seen.pop(id, None)

    async def folder(self, id: str, since: float | None = None) -> RemoteNode | None:
        """The folder as it was lately, or at some time ``since`` then; None if the service knows none."""
        seen = self._seen.get(id)
        if seen is not None and seen.is_trusted(since):
            return seen.folder
        asked = trio.current_time()
        found = await self._api.node(id)
        if found is not None:
            self.note(found, asked)
        elif since is not None and seen is not None:
            # It was there a moment ago, and new folders can be missing for seconds (Amazon facts, 6).
            return seen.folder
        return found

    async def remembered(self, id: str) -> RemoteNode | None:
        """The folder as it was when it was told of last; asked for only if it never was."""
        seen = self._seen.get(id)
        return await self.folder(id) if seen is None else seen.folder

    async def alive(self, id: str, *, since: float | None = None) -> RemoteNode:
        """The folder, if it can be seen from the top; ``since``: by looks that began no earlier than then.

        Raises ``NotFound`` if it is gone, or in the trash by itself or with all folders above it, and
        ``NotADirectory``.
        """
        found = await self.folder(id, since)
        if found is None or not await self._reaches_top(found, {id}, since):
            self.forget(id)
            raise NotFound("the directory is gone")
        if not found.is_folder:
            raise NotADirectory("a file was given where a directory belongs")
        return found

    async def _reaches_top(self, node: RemoteNode, tried: set[str], since: float | None) -> bool:
        if not node.is_there or node.is_root:
            return node.is_there
        for parent in node.parents:
            if parent not in tried:
                tried.add(parent)
                above = await self.folder(parent, since)
                if above is not None and await self._reaches_top(above, tried, since):
                    return True
        return False

    async def above(self, id: str, *, afresh: bool = False) -> set[str]:
        """The folder and every folder above it, by whichever of its places; ``afresh``: nothing remembered counts."""
        found, waiting = {id}, [id]
        while waiting:
            each = waiting.pop()
            if afresh:
                self.forget(each)
            folder = await self.folder(each)
            for parent in () if folder is None else folder.parents:
                if parent not in found:
                    found.add(parent)
                    waiting.append(parent)
        return found
