"""A provider for one command: made of the settings, used, and closed."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import trio

from mountcloud.daemon.paths import AccountPaths, config_file
from mountcloud.daemon.secrets import open_secrets
from mountcloud.daemon.settings import AccountSettings, load
from mountcloud.model.provider import Provider, Secrets

Result = TypeVar("Result")


def known_account(name: str) -> AccountSettings:
    """The account of the settings; raises ``SettingsError``."""
    return load(config_file()).account(name)


def account_secrets(name: str) -> Secrets:
    """The account's secret stores."""
    return open_secrets(name, AccountPaths.of(name))


def with_provider(
    account: AccountSettings, secrets: Secrets, action: Callable[[Provider], Awaitable[Result]]
) -> Result:
    """What the action makes of a provider of its own, which is closed afterwards; raises ``model/errors.py``."""
    from mountcloud.providers import registry

    return trio.run(_closing, registry.create(account.provider, account.options, secrets), action)


async def _closing(provider: Provider, action: Callable[[Provider], Awaitable[Result]]) -> Result:
    try:
        return await action(provider)
    finally:
        with trio.move_on_after(5, shield=True):
            await provider.aclose()
