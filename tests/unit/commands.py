"""What the stand-ins for a daemon have in common."""

from collections.abc import Sequence


class NoOffers:
    """Commands of ``control.Commands`` that nobody asks for there."""

    async def share(self, path: str | None, password: str | None) -> dict[str, object]:
        raise NotImplementedError

    async def versions(self, path: str | None) -> Sequence[dict[str, object]]:
        raise NotImplementedError

    async def restore_version(self, path: str | None, version: str) -> None:
        raise NotImplementedError
