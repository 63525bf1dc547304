"""Whether an account works: asked before its secrets are stored, and by ``doctor``."""

from typing import Protocol, runtime_checkable

from mountcloud.model.provider import Provider


@runtime_checkable
class Verifiable(Protocol):
    """A provider that can tell whether its credentials work; raises ``model/errors.py`` if not."""

    async def verify(self) -> object:
        """What is known of the account."""


async def verify(provider: Provider) -> object:
    """What a log-in tells of the account; raises ``model/errors.py``."""
    if isinstance(provider, Verifiable):
        return await provider.verify()
    return await provider.root()
