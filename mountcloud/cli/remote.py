"""Finding what a path names on the service, and doing something with it, with or without a mount."""

import unicodedata
from collections.abc import Awaitable, Callable
from typing import TypeVar

from mountcloud.cli.accounts import account_secrets, known_account, with_provider
from mountcloud.cli.places import Place
from mountcloud.model.errors import NotADirectory, NotFound
from mountcloud.model.node import Node
from mountcloud.model.provider import Provider
from mountcloud.policy.names import to_file_name

Result = TypeVar("Result")


def at_service(place: Place, action: Callable[[Provider], Awaitable[Result]]) -> Result:
    """What the action makes of the account's provider; raises ``model/errors.py``, ``SettingsError``."""
    account = known_account(place.account)
    return with_provider(account, account_secrets(place.account), action)


async def find(provider: Provider, below: str) -> Node:
    """What is at the path; raises ``NotFound``, ``NotADirectory``."""
    node = await provider.root()
    for name in filter(None, below.split("/")):
        found = await child(provider, node, name)
        if found is None:
            raise NotFound(
                f"the service has no {below!r}", hint="what was just made here may be on its way: mountcloud sync"
            )
        node = found
    return node


async def child(provider: Provider, directory: Node, name: str) -> Node | None:
    """The child that a mount would show by this name, None if there is none."""
    if not directory.is_directory:
        raise NotADirectory(f"{directory.name!r} is no directory")
    wanted = unicodedata.normalize("NFC", name) if provider.capabilities.names.normalises else name
    children = await provider.children(directory.id)
    return next((each for each in children if wanted in {each.name, to_file_name(each.name)}), None)
