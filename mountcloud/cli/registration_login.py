"""Log in where the account may have to be made, or activated by the token of a mail, before it can be used."""

import click

from mountcloud.cli.verifying import verify
from mountcloud.model.errors import AccountBlocked, AuthenticationRequired, Exists
from mountcloud.model.offers import Registration
from mountcloud.model.provider import Provider


async def verify_or_register(provider: Provider) -> None:
    """See whether the account works; where it does not, ask on the terminal for what helps. Raises what remains."""
    try:
        await verify(provider)
    except (AuthenticationRequired, AccountBlocked) as refusal:
        if not isinstance(provider, Registration):
            raise
        await _settle(provider, refusal)
        await verify(provider)


async def _settle(provider: Registration, refusal: AuthenticationRequired | AccountBlocked) -> None:
    if isinstance(refusal, AuthenticationRequired):
        if not click.confirm(f"{refusal.message}. Register a new account with them?", default=False):
            raise refusal
        try:
            await provider.register()
        except Exists:
            known = "there is such an account, so the password is wrong"
            raise AuthenticationRequired(known, hint="log in again with the right one") from refusal
        click.echo("The service sends a mail to that address.")
    await provider.activate(click.prompt("Token, or address, in the activation mail"))
