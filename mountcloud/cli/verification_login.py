"""Log in where the user grants access in a browser and types in the code that is shown there (RFC 5849, 2)."""

from collections.abc import Mapping

import click
import trio

from mountcloud.daemon.secrets import MemorySecrets


def goes_by_verification(provider: str, options: Mapping[str, object]) -> bool:
    """True if this account is one to which access is granted: it names the program that asks for it."""
    from mountcloud.providers import registry

    return provider in registry.VERIFICATION_LOGINS and bool(options.get("client_token"))


def granted_by_verification(provider: str, options: Mapping[str, object]) -> MemorySecrets:
    """Ask for what is needed, show where to grant access, and take the code: the secrets of the account."""
    from mountcloud.providers import registry

    return MemorySecrets(trio.run(registry.VERIFICATION_LOGINS[provider], options, _ask))


def _ask(question: str, hidden: bool) -> str:
    answer: str = click.prompt(question, hide_input=hidden, err=True)
    return answer
