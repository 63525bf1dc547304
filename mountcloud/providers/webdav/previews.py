"""Small pictures that Nextcloud makes of files (Nextcloud's core API, preview)."""

from mountcloud.model.ids import Ref
from mountcloud.net.http import Client
from mountcloud.providers.webdav.errors import failure_for
from mountcloud.providers.webdav.tree import Tree

_NONE = frozenset({400, 403, 404})
_KINDS = frozenset({"image/png", "image/jpeg"})


async def thumbnail(client: Client, url: str, tree: Tree, ref: Ref, edge: int) -> bytes | None:
    """A picture that fits into a square, not cut; None where there is none, or none may be had."""
    path = "/" + "/".join(await tree.path(ref.id))
    asked: dict[str, str | int] = {"file": path, "x": edge, "y": edge, "a": 1, "forceIcon": 0}
    answer = await client.request("GET", url, params=asked, headers={"Accept": "image/*"})
    if answer.ok:
        kind = answer.headers.get("content-type", "").partition(";")[0].strip()
        return answer.body if kind in _KINDS else None
    if answer.status in _NONE:
        return None
    raise failure_for(answer)
