"""Links to files and rooms: download shares and upload shares (DRACOON facts, 15)."""

import os
from collections.abc import Sequence

import trio

from mountcloud.crypt.keys import key_pair_version, make_key_pair, wrap
from mountcloud.model.errors import InvalidArgument, Unsupported
from mountcloud.model.ids import Ref
from mountcloud.model.offers import Link, LinkKind, LinkWish
from mountcloud.providers.dracoon import wire
from mountcloud.providers.dracoon.api import Api
from mountcloud.providers.dracoon.keys import AccountKeys
from mountcloud.providers.dracoon.tree import Tree
from mountcloud.providers.dracoon.wire import NodeType, RemoteNode

_NODE = {LinkKind.DOWNLOAD: "nodeId", LinkKind.UPLOAD: "targetId"}


class Shares:
    """The links of one account. ``url`` is the service's address, below which strangers find them."""

    def __init__(self, api: Api, tree: Tree, keys: AccountKeys, url: str) -> None:
        self._api = api
        self._tree = tree
        self._keys = keys
        self._url = url

    async def share(self, ref: Ref, kind: LinkKind, wish: LinkWish) -> Link:
        """Make a link. The service never sees the password of one to an encrypted file: it locks the file's key."""
        remote = await self._tree.get(ref)
        _demand_possible(remote, kind, wish)
        body: dict[str, object] = {_NODE[kind]: remote.id, "name": wish.name or remote.name}
        if wish.expires_at is not None:
            expiry = wire.format_time(int(wish.expires_at * 1_000_000_000))
            body["expiration"] = {"enableExpiration": True, "expireAt": expiry}
        if wish.max_downloads is not None:
            body["maxDownloads"] = wish.max_downloads
        if kind is LinkKind.DOWNLOAD and remote.encrypted:
            body |= await self._locked_key(remote, wish.password)
        elif wish.password:
            body["password"] = wish.password
        return self._link(kind, await self._api.call("POST", _path(kind), json=body))

    async def links(self, ref: Ref) -> Sequence[Link]:
        """The links to this node that the account may manage."""
        number = (await self._tree.get(ref)).id
        found: list[Link] = []
        for kind in LinkKind:
            listed = await self._api.call_list(_path(kind), {"filter": f"{_NODE[kind]}:eq:{number}"})
            found += [self._link(kind, each) for each in listed]
        return found

    async def unshare(self, link: Link) -> None:
        """End a link."""
        (await self._api.send("DELETE", f"{_path(link.kind)}/{link.id}")).done()

    async def _locked_key(self, remote: RemoteNode, password: str) -> dict[str, object]:
        """A key pair for this link alone, and the file's key wrapped for it."""
        file_key = await self._keys.file_key(remote.version)
        version = key_pair_version((await self._keys.preferred_public()).version)
        private, public = await trio.to_thread.run_sync(make_key_pair, version, password, os.urandom)
        wrapped = await trio.to_thread.run_sync(wrap, file_key, public)
        pair = {
            "privateKeyContainer": wire.private_key_json(private),
            "publicKeyContainer": wire.public_key_json(public),
        }
        return {"keyPair": pair, "fileKey": wire.file_key_json(wrapped)}

    def _link(self, kind: LinkKind, share: wire.Json) -> Link:
        expires_ms = wire.parse_time_ms(wire.text(share, "expireAt"))
        used = "cntDownloads" if kind is LinkKind.DOWNLOAD else "cntUploads"
        return Link(
            id=str(wire.integer(share, "id") or ""),
            kind=kind,
            url=f"{self._url}/public/{kind.value}-shares/{wire.text(share, 'accessKey')}",
            name=wire.text(share, "name"),
            protected=share.get("isProtected") is True,
            expires_at=None if expires_ms is None else expires_ms / 1000,
            max_downloads=wire.integer(share, "maxDownloads"),
            used=wire.integer(share, used),
        )


def _path(kind: LinkKind) -> str:
    return f"/v4/shares/{kind.value}s"


def _demand_possible(remote: RemoteNode, kind: LinkKind, wish: LinkWish) -> None:
    """What the service would refuse without clear words."""
    if kind is LinkKind.UPLOAD:
        if remote.type is NodeType.FILE:
            raise InvalidArgument("strangers can upload into a directory, not into a file")
        if wish.max_downloads is not None:
            raise InvalidArgument("a link for uploads has no number of downloads")
    elif remote.encrypted and remote.type is not NodeType.FILE:
        raise Unsupported("of encrypted rooms the service shares single files only")
    elif remote.encrypted and not wish.password:
        raise InvalidArgument("a link to an encrypted file needs a password", hint="it locks the file's key")
