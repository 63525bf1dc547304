"""What a file manager's menu asks of the service: links and older versions, by the mount's own log-in."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from mountcloud.model.errors import Busy, Failure
from mountcloud.model.ids import Ref, Version, is_local
from mountcloud.model.node import Node
from mountcloud.model.offers import LinkKind, LinkWish, Preparing, Sharing, Versions, demanded
from mountcloud.model.provider import Provider

log = logging.getLogger(__name__)

_OLD = "older versions"


class Offers:
    """Of one account. The provider is the bare one: wrappers hide what it offers (``model/offers.py``)."""

    def __init__(self, provider: Provider) -> None:
        self._sharing = provider if isinstance(provider, Sharing) else None
        self._versions = provider if isinstance(provider, Versions) else None
        self._preparing = provider if isinstance(provider, Preparing) else None

    @property
    def words(self) -> tuple[str, ...]:
        """``links`` and ``versions``, as far as the service has them."""
        offers: Mapping[str, object] = {"links": self._sharing, "versions": self._versions}
        return tuple(word for word, offer in offers.items() if offer is not None)

    async def prepare(self) -> None:
        """What the first reader would have to wait for."""
        try:
            if self._preparing is not None:
                await self._preparing.prepare()
        except Failure as failure:
            log.debug("not prepared: %s", failure)

    async def share(self, node: Node, password: str) -> dict[str, object]:
        """Make a download link; raises what ``Sharing.share`` raises, ``Busy``, ``Unsupported``."""
        link = await demanded(self._sharing, "links").share(_sent(node), LinkKind.DOWNLOAD, LinkWish(password))
        return asdict(link) | {"kind": link.kind.value}

    async def versions(self, node: Node) -> Sequence[dict[str, object]]:
        """All contents that can be had, the newest first; raises what ``Versions.versions`` raises, likewise."""
        return [asdict(each) for each in await demanded(self._versions, _OLD).versions(_sent(node))]

    async def restore_version(self, node: Node, version: Version) -> None:
        """Make an older content the present one; raises what ``Versions.restore_version`` raises, likewise."""
        await demanded(self._versions, _OLD).restore_version(_sent(node), version)


def _sent(node: Node) -> Ref:
    if is_local(node.id):
        raise Busy(f"{node.name!r} is not on the service yet", hint="mountcloud sync --wait")
    return node.ref
