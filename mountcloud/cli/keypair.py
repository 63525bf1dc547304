"""``keypair``: the key pairs of an account, and the one way to replace one."""

import click

from mountcloud.cli.accounts import account_secrets, known_account, with_provider
from mountcloud.cli.encryption_login import PASSWORD, new_password
from mountcloud.cli.outcome import CommandFailed, Misconfigured, explained
from mountcloud.cli.places import account_names, is_mounted
from mountcloud.model.offers import KeyPairs, demanded
from mountcloud.model.provider import Provider

_LOSS = """
This throws the key pair {kind} of {name} away. What becomes unreadable:

  - every file in encrypted rooms that nobody else has a key for: the service removes it, FOR EVER
  - what is in recycle bins, and older versions, likewise
  - everything else in encrypted rooms, until a client of another member hands you its key again
  - the same on every other machine and client of yours, until it is given the new password

Nothing of this is needed after a lost log-in password, or to get a pair of another kind (--add).
"""
_WHILE_MOUNTED = "its daemon would go on encrypting for the old pair, and nobody could read that"


@click.command()
@click.argument("name", shell_complete=account_names)
@click.option(
    "--add", "added", metavar="KIND", help="Make a pair of another kind (RSA-4096, A) beside the present one."
)
@click.option(
    "--replace", "replaced", metavar="KIND", help="Throw this pair away and make a new one. Loses files; asks."
)
def keypair(name: str, added: str | None, replaced: str | None) -> None:
    r"""Show which key pairs the account NAME has for encrypted rooms, or change them.

    \b
    mountcloud keypair work                     which there are
    mountcloud keypair work --add RSA-4096      under the same password; nothing becomes unreadable
    mountcloud keypair work --replace A         after a lost encryption password; it says what that costs
    """
    if added and replaced:
        raise click.UsageError("either --add or --replace")
    with explained():
        if replaced:
            _replace(name, replaced)
        elif added:
            _add(name, added)
        else:
            click.echo(
                ", ".join(_state(name)[0]) or f"{name} has no key pair; mountcloud login {name} offers to make one"
            )


def _state(name: str) -> tuple[list[str], list[str]]:
    """The kinds that the account has, and those that there are."""

    async def look(provider: Provider) -> tuple[list[str], list[str]]:
        pairs = _key_pairs(provider)
        return list(await pairs.key_pairs()), list(await pairs.key_pair_versions())

    return with_provider(known_account(name), account_secrets(name), look)


def _add(name: str, kind: str) -> None:
    held, possible = _state(name)
    _demand_kind(kind, possible)
    if not held:
        raise CommandFailed(f"{name} has no key pair yet; mountcloud login {name} offers to make one")

    async def act(provider: Provider) -> int:
        return await _key_pairs(provider).add_key_pair(kind)

    count = with_provider(known_account(name), account_secrets(name), act)
    click.echo(f"{name} has a key pair {kind}, under the same password; {count} file keys were wrapped for it.")


def _replace(name: str, kind: str) -> None:
    """The account's name is typed, so that nobody agrees in passing."""
    held, possible = _state(name)
    _demand_kind(kind, possible)
    if kind not in held:
        raise CommandFailed(f"{name} has no key pair {kind}; there is: {', '.join(held) or 'none'}")
    if is_mounted(name):
        raise CommandFailed(f"{name} is mounted: {_WHILE_MOUNTED}; first: mountcloud umount DIRECTORY")
    click.echo(_LOSS.format(name=name, kind=kind))
    if click.prompt(f"To lose all that, type the account's name ({name})", default="", show_default=False) != name:
        raise CommandFailed("nothing was changed")
    password = new_password()

    async def act(provider: Provider) -> None:
        await _key_pairs(provider).replace_key_pair(kind, password)

    with_provider(known_account(name), account_secrets(name), act)
    account_secrets(name).put(PASSWORD, password)
    click.echo(f"{name} has a new key pair {kind}. Log in anew on your other machines.")


def _key_pairs(provider: Provider) -> KeyPairs:
    return demanded(provider if isinstance(provider, KeyPairs) else None, "key pairs")


def _demand_kind(kind: str, possible: list[str]) -> None:
    if kind not in possible:
        raise Misconfigured(f"there is no kind of key pair {kind!r}; there are {', '.join(possible)}")
