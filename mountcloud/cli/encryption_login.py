"""What a log-in asks of encryption: the password of the account's key pair, or whether to make a pair."""

import click

from mountcloud.cli.verifying import verify
from mountcloud.daemon.secrets import MemorySecrets
from mountcloud.model.errors import AuthenticationRequired
from mountcloud.model.offers import Encryption, KeyPairs
from mountcloud.model.provider import Provider

PASSWORD = "encryption_password"  # noqa: S105 - the name of the secret
_TRIES = 3
_WARNING = """
Files in encrypted rooms can be read with the key pair alone, and the key pair is opened by its encryption password
alone. Nobody can replace that password: write it down where you keep what must not get lost.
"""


async def settle_encryption(provider: Provider, secrets: MemorySecrets) -> None:
    """Ask on the terminal for what is missing, and try it. Raises what the service raises.

    A key pair that is there is never replaced.
    """
    if not isinstance(provider, KeyPairs):
        return
    state = await provider.encryption()
    if state is Encryption.LOCKED:
        await _unlock(provider, secrets)
    elif state is Encryption.NO_KEYS:
        await _offer(provider, secrets)


def new_password() -> str:
    """Asked for twice, after a word of what it means."""
    click.echo(_WARNING)
    return str(click.prompt("New encryption password", hide_input=True, confirmation_prompt=True))


async def _unlock(provider: Provider, secrets: MemorySecrets) -> None:
    """Without the password encrypted files are shown and not read, which may be what somebody wants."""
    for tried in range(1, _TRIES + 1):
        question = "Encryption password (empty: leave encrypted files unread)"
        password = click.prompt(question, hide_input=True, default="", show_default=False)
        if not password:
            return
        secrets.put(PASSWORD, password)
        try:
            await verify(provider)
        except AuthenticationRequired as refused:
            secrets.delete(PASSWORD)
            if tried == _TRIES:
                raise
            click.echo(f"{refused.message}; try again.", err=True)
        else:
            return


async def _offer(provider: KeyPairs, secrets: MemorySecrets) -> None:
    if not click.confirm("This account has no key pair, so it cannot use encrypted rooms. Make one?", default=False):
        return
    versions = list(await provider.key_pair_versions())
    version = click.prompt("Kind", type=click.Choice(versions), default=versions[0])
    password = new_password()
    await provider.make_key_pair(version, password)
    secrets.put(PASSWORD, password)
    click.echo("The account has a key pair now.")
