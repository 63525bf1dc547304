"""What the service offers besides files: trash, temporary links, thumbnails, and its interface as it is."""

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import PurePosixPath
from urllib.parse import quote

from mountcloud.model.errors import Exists, InvalidArgument, NotFound, Unsupported
from mountcloud.model.ids import NodeId, Ref
from mountcloud.model.node import Kind
from mountcloud.model.offers import Discarded, Link, LinkKind, LinkWish
from mountcloud.providers.amazon import wire
from mountcloud.providers.amazon.api import Api, answer_of
from mountcloud.providers.amazon.links import real
from mountcloud.providers.amazon.tree import Tree
from mountcloud.providers.amazon.wire import RemoteNode
from mountcloud.providers.fields import query_of

_QUERIES = frozenset({"GET", "HEAD", "DELETE"})
_MOST_NAMES = 100
_NO_THUMBNAIL = frozenset({400, 404, 415})


class Bin:
    """The trash (Amazon facts, 11)."""

    def __init__(self, api: Api, tree: Tree) -> None:
        self._api = api
        self._tree = tree

    async def discarded(self, directory: NodeId) -> Sequence[Discarded]:
        """What is in the trash and was at or below the directory, the latest first."""
        found: list[tuple[int, Discarded]] = []
        for node in await self._api.pages("trash", {}):
            way = await self._way(node)
            if way is None or real(directory) not in {each.id for each in way}:
                continue
            path = "/".join(each.name for each in [*way, node] if not each.is_root)
            kind = Kind.DIRECTORY if node.is_folder else Kind.FILE
            size = None if node.is_folder else node.size
            found.append((node.changed_ns, Discarded(node.id, path, kind, size, node.changed_ns / 1e9 or None)))
        return [each for _, each in sorted(found, key=lambda pair: -pair[0])]

    async def _way(self, node: RemoteNode) -> list[RemoteNode] | None:
        """The folders down to a node by its first places, None if they do not begin at the top."""
        way: list[RemoteNode] = []
        current, seen = node, {node.id}
        while current.parents and current.parents[0] not in seen:
            above = await self._tree.ancestry.remembered(current.parents[0])
            if above is None:
                return None
            seen.add(above.id)
            way.insert(0, above)
            current = above
        return way if current.is_root else None

    async def restore(self, discarded: Discarded) -> None:
        """Back to where it was; raises ``NotFound`` if that is in the trash itself."""
        node = await self._api.node(discarded.id)
        if node is None or node.status != "TRASH":
            raise NotFound("that is not in the trash")
        for parent in node.parents:
            await self._tree.ancestry.alive(parent)
        for name in [node.name, *_other_names(node.name)]:
            try:
                if name != node.name:
                    await self._api.call("PATCH", f"nodes/{quote(node.id, safe='')}", json={"name": name})
                shown = await self._api.call("POST", f"trash/{quote(node.id, safe='')}/restore")
            except Exists:
                continue
            self._tree.note(self._api.read(shown))
            return
        raise Exists(f"{node.name} and all names like it are taken")

    async def purge(self, discarded: Discarded) -> None:
        """Raises ``Unsupported``: the service lets nobody but itself do that."""
        raise Unsupported("this service empties its trash by itself, after 30 days")


def _other_names(name: str) -> list[str]:
    path = PurePosixPath(name)
    return [f"{path.stem} ({number}){path.suffix}" for number in range(1, _MOST_NAMES)]


class TemporaryLinks:
    """Temporary links to files (Amazon facts, 8)."""

    def __init__(self, api: Api, tree: Tree) -> None:
        self._api = api
        self._tree = tree

    async def share(self, ref: Ref, kind: LinkKind, wish: LinkWish) -> Link:
        """A link that the service ends by itself, when it likes."""
        if kind is not LinkKind.DOWNLOAD:
            raise Unsupported("this service has no links for uploads")
        if wish.password or wish.expires_at is not None or wish.max_downloads is not None:
            raise Unsupported("links of this service have no password, date or number of downloads")
        node = await self._tree.get(ref.id)
        if node.is_folder:
            raise Unsupported("this service has links to files only")
        shown = await self._api.call("GET", f"nodes/{quote(node.id, safe='')}", params={"tempLink": "true"})
        url = wire.text(shown, "tempLink")
        if not url:
            raise Unsupported("the service gave no link to this file")
        return Link(node.id, kind, url, wish.name or node.name)

    async def unshare(self, link: Link) -> None:
        """Raises ``Unsupported``."""
        raise Unsupported("a temporary link ends by itself", hint="moving the file into the trash ends it at once")


class Extras:
    """Thumbnails, and calls that have no command."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def thumbnail(self, ref: Ref, edge: int) -> bytes | None:
        """A small picture of a picture or film; None for anything else."""
        client = (await self._api.endpoint()).content
        path = f"/nodes/{quote(real(ref.id), safe='')}/content"
        response = await client.request("GET", path, params={"viewBox": edge}, headers={"Accept": "image/*"})
        if response.ok:
            kind = response.headers.get("content-type", "")
            return response.body if kind.startswith("image/") else None
        if response.status in _NO_THUMBNAIL:
            return None
        raise answer_of(response).failure()

    async def request(self, method: str, path: str, fields: Mapping[str, object]) -> object:
        """One call to the metadata address; ``path`` as in ``/nodes``."""
        if not path.startswith("/"):
            raise InvalidArgument(f"{path!r} is no path", hint="it begins with a slash, as in /account/quota")
        method = method.upper()
        query = query_of(fields) if method in _QUERIES else None
        body = None if method in _QUERIES else dict(fields)
        answer = await self._api.send(method, path.removeprefix("/"), params=query, json=body)
        if not answer.ok:
            raise answer.failure()
        return answer.body

    async def pages(self, path: str, fields: Mapping[str, object]) -> AsyncIterator[object]:
        """Page after page, by the token that each names for the next."""
        token: dict[str, object] = {}
        while True:
            page = await self.request("GET", path, {**fields, **token})
            yield page
            following = wire.text(page, "nextToken") if isinstance(page, dict) else ""
            if not following:
                return
            token = {"startToken": following}
