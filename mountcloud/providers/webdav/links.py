"""Links by which strangers reach files on Nextcloud (Nextcloud's developer manual, OCS Share API)."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from posixpath import basename
from urllib.parse import quote

from mountcloud.model.errors import InvalidArgument, Unavailable, Unsupported
from mountcloud.model.ids import Ref
from mountcloud.model.offers import Link, LinkKind, LinkWish
from mountcloud.providers.webdav.ocs import Ocs
from mountcloud.providers.webdav.tree import Tree

_SHARES = "/apps/files_sharing/api/v1/shares"
_LINK = 3
_READ, _CREATE = 1, 4
_PERMISSIONS = {LinkKind.DOWNLOAD: _READ, LinkKind.UPLOAD: _CREATE}


class Links:
    """The links of one account."""

    def __init__(self, ocs: Ocs, tree: Tree) -> None:
        self._ocs = ocs
        self._tree = tree

    async def share(self, ref: Ref, kind: LinkKind, wish: LinkWish) -> Link:
        """Make a link; one that came out otherwise than wished (old servers give the one that is there) is ended."""
        self._demand_possible(ref, kind, wish)
        before = {each.id for each in await self.links(ref)}
        fields: dict[str, str | int] = {
            "path": await self._path(ref),
            "shareType": _LINK,
            "permissions": _PERMISSIONS[kind],
        }
        made = _link(await self._ocs.data("POST", _SHARES, fields | _wishes(wish)))
        if made.kind is kind and made.protected >= bool(wish.password) and _ends_in_time(made, wish):
            return made
        if made.id not in before:
            await self.unshare(made)
        raise Unsupported("this server does not make links of that kind", hint="mountcloud share PATH --list")

    def _demand_possible(self, ref: Ref, kind: LinkKind, wish: LinkWish) -> None:
        if wish.max_downloads is not None:
            raise Unsupported("this service does not count downloads", hint="--expires ends a link")
        if kind is LinkKind.UPLOAD and not self._tree.place(ref.id).is_directory:
            raise InvalidArgument("strangers can upload into a directory, not into a file")

    async def links(self, ref: Ref) -> Sequence[Link]:
        """The account's links to this node; what is shared with other accounts is none."""
        found = await self._ocs.data("GET", _SHARES, {"path": await self._path(ref)})
        shares = found if isinstance(found, list) else []
        return [_link(each) for each in shares if isinstance(each, dict) and each.get("share_type") == _LINK]

    async def unshare(self, link: Link) -> None:
        """End a link; raises ``NotFound``."""
        await self._ocs.data("DELETE", f"{_SHARES}/{quote(link.id, safe='')}")

    async def _path(self, ref: Ref) -> str:
        return "/" + "/".join(await self._tree.path(ref.id))


def _wishes(wish: LinkWish) -> dict[str, str | int]:
    """Days alone count there: a link ends when its day begins, so the first that begins no earlier is named."""
    day = "" if wish.expires_at is None else _day(wish.expires_at).isoformat()
    named = {"expireDate": day, "password": wish.password, "label": wish.name}
    return {name: value for name, value in named.items() if value}


def _day(moment: float) -> date:
    local = datetime.fromtimestamp(moment).astimezone()
    return local.date() + timedelta(days=any((local.hour, local.minute, local.second, local.microsecond)))


def _ends_in_time(made: Link, wish: LinkWish) -> bool:
    return wish.expires_at is None or (made.expires_at is not None and _day(made.expires_at) <= _day(wish.expires_at))


def _link(share: object) -> Link:
    """A share as the server shows it; ``share_with`` was the password's place before Nextcloud 15."""
    if not isinstance(share, dict) or not share.get("url"):
        raise Unavailable("the server does not show its links as Nextcloud does")
    read = int(share.get("permissions") or 0) & _READ
    return Link(
        id=str(share.get("id", "")),
        kind=LinkKind.DOWNLOAD if read else LinkKind.UPLOAD,
        url=str(share["url"]),
        name=str(share.get("label") or basename(str(share.get("path", "")))),
        protected=bool(share.get("password") or share.get("share_with")),
        expires_at=_expiry(share),
    )


def _expiry(share: Mapping[str, object]) -> float | None:
    text = str(share.get("expiration") or "")
    try:
        return datetime.fromisoformat(text).astimezone().timestamp() if text else None
    except ValueError:
        return None
