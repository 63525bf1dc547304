"""``login`` and ``logout``: try the credentials, and only then write settings and secrets."""

import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import click

from mountcloud.cli.accounts import with_provider
from mountcloud.cli.browser_login import goes_by_browser, granted
from mountcloud.cli.code_login import Listener, grant, redirect_options
from mountcloud.cli.config_file import OptionValue, add_account
from mountcloud.cli.encryption_login import settle_encryption
from mountcloud.cli.outcome import CommandFailed, Misconfigured, explained, ungrouped
from mountcloud.cli.places import account_names, account_socket, is_mounted
from mountcloud.cli.registration_login import verify_or_register
from mountcloud.cli.verification_login import goes_by_verification, granted_by_verification
from mountcloud.cli.verifying import verify
from mountcloud.daemon.control import ControlError, call
from mountcloud.daemon.paths import AccountPaths, checked_account_name, config_file
from mountcloud.daemon.secrets import MemorySecrets, open_secrets
from mountcloud.daemon.settings import AccountSettings, Settings, load
from mountcloud.model.errors import AuthenticationRequired, Failure, Unavailable
from mountcloud.model.offers import Revocable
from mountcloud.model.provider import Provider

_SECRETS = ("password", "encryption_password", "client_secret")
_STORED = (*_SECRETS, "refresh_token", "access_token", "access_secret", "private_key")
_URL, _USER = ("url", "Address (https://...)"), ("username", "User name")
_QUESTIONS = {
    "metadisk": (_URL, ("username", "E-mail address")),
    "smartfile": (("username", "API key, or user name"),),
}
"""What is asked where it is not address and name: some services have one address for everybody."""

_USED_AGAIN = {"metadisk": ("private_key",)}
"""Secrets that a new log-in takes from the one before: the service knows them already."""

_BY_CODE_ONLY = frozenset({"amazon"})
"""Services that take no password from anybody but a browser."""

_DAEMON_WITHIN_S = 30.0


@dataclass(frozen=True, slots=True)
class _Wishes:
    """How the user wants to log in."""

    password_stdin: bool
    browser: bool
    paste: bool
    by_name: bool

    @property
    def by_code(self) -> bool:
        return self.browser or self.paste

    @property
    def interactive(self) -> bool:
        return not self.password_stdin


@click.command()
@click.argument("name", shell_complete=account_names)
@click.option(
    "--provider",
    default="dracoon",
    show_default=True,
    help="amazon, dracoon, metadisk, nextcloud, smartfile or webdav.",
)
@click.option("--url", help="Address of the service, such as https://dracoon.example")
@click.option("--user", "username", help="Name with which you log in there.")
@click.option("--option", "extra", multiple=True, metavar="KEY=VALUE", help="Another setting of the provider.")
@click.option("--mountpoint", type=click.Path(path_type=Path), help="Where 'mountcloud mount NAME' puts it.")
@click.option("--browser", is_flag=True, help="Grant access in a browser; no password is typed here.")
@click.option("--paste", is_flag=True, help="The same with a browser elsewhere: paste the code that it shows.")
@click.option(
    "--password-stdin",
    is_flag=True,
    help="Read the password, then perhaps the encryption password and the client secret, a line each.",
)
@click.option("--keep-password", is_flag=True, help="Store the password too, for log-ins after long absence.")
def login(
    *,
    name: str,
    provider: str,
    url: str | None,
    username: str | None,
    extra: tuple[str, ...],
    mountpoint: Path | None,
    browser: bool,
    paste: bool,
    password_stdin: bool,
    keep_password: bool,
) -> None:
    """Log in to a service and remember the account as NAME.

    For an account that is in the settings already, only the secrets are renewed; a daemon that has it mounted goes on
    with them. Where a service always lets you grant access in a browser (nextcloud), no password is asked for unless
    --user or --password-stdin is given; others do with --browser, or with --paste over ssh. An account that names the
    program to which you grant access (smartfile with --option client_token=...) asks for the code that you are shown.
    """
    wishes = _Wishes(password_stdin, browser, paste, by_name=bool(username))
    if wishes.by_code and password_stdin:
        raise click.UsageError("--password-stdin does without a browser")
    with explained():
        checked_account_name(name)
        _demand_known(provider)
        settings = load(config_file())
        given = _given_options(url, username, extra)
        known = settings.accounts.get(name)
        if known and given:
            raise CommandFailed(f"{name} exists; change it in {settings.origin}, then: mountcloud login {name}")
        account = known or AccountSettings(name, provider, given, mountpoint)
        with _helpful(account):
            account, secrets = _logged_in(account, wishes)
        if not known:
            settings = _remember(settings, account)
        _store(account, secrets, keep_password=keep_password)
    goes_on = _told_daemon(name)
    where = account.mountpoint or "DIRECTORY"
    follow = f"mountcloud mount {name}{'' if account.mountpoint else f' {where}'}"
    click.echo("Logged in. Its mount goes on." if goes_on else f"Logged in. Next: {follow}")


@click.command()
@click.argument("name", shell_complete=account_names)
@click.option("--force", is_flag=True, help="Forget the secrets even if the service cannot be told.")
def logout(name: str, *, force: bool) -> None:
    """Make this machine's log-in of NAME useless, on the service too, and forget its secrets.

    Settings and what is not on the service yet stay; mountcloud login NAME goes on with them.
    """
    with explained():
        account = load(config_file()).account(name)
        secrets = open_secrets(name, AccountPaths.of(name))
        try:
            with_provider(account, secrets, _revoke)
        except Failure as failure:
            if not force:
                raise type(failure)(
                    f"the service was not told: {failure}", hint="--force forgets the secrets"
                ) from failure
            click.echo(f"The service was not told ({failure}); end this log-in there.", err=True)
        for secret in _STORED:
            secrets.delete(secret)
    if is_mounted(name):
        click.echo(f"{name} is mounted and may go on for as long as its last token lives; umount ends that.", err=True)
    click.echo(f"Logged out. What {name} still owes to the service waits for: mountcloud login {name}")


def _demand_known(provider: str) -> None:
    """Before anything is asked."""
    from mountcloud.providers import registry

    registry.demand_known(provider)


@contextmanager
def _helpful(account: AccountSettings) -> Iterator[None]:
    """What helps against a failed log-in is not another log-in, but to look at what was typed."""
    try:
        with ungrouped():
            yield
    except AuthenticationRequired as refused:
        if "mountcloud login" not in refused.hint:
            raise
        hint = "look at the user name and the password, and try again; nothing was changed here"
        raise AuthenticationRequired(refused.message, hint=hint) from refused
    except Unavailable as away:
        if away.hint:
            raise
        address = account.options.get("url", "the address")
        raise Unavailable(away.message, hint=f"is {address} right, and is there a network?") from away


def _logged_in(account: AccountSettings, wishes: _Wishes) -> tuple[AccountSettings, MemorySecrets]:
    """The account with what was asked for, and its secrets, which were tried."""
    if account.provider in _BY_CODE_ONLY and not wishes.by_code and not wishes.password_stdin:
        wishes = replace(wishes, browser=True)
    by_flow = not wishes.password_stdin and not wishes.by_name and not wishes.by_code
    if by_flow and goes_by_browser(account.provider):
        account, secrets = _by_browser(replace(account, options=_asked(account.options, _URL)))
        with_provider(account, secrets, verify)
        return account, secrets
    if by_flow and goes_by_verification(account.provider, account.options):
        secrets = granted_by_verification(account.provider, account.options)
        with_provider(account, secrets, verify)
        return account, secrets
    questions = (_URL,) if wishes.by_code else _QUESTIONS.get(account.provider, (_URL, _USER))
    account = replace(account, options=_asked(account.options, *questions))
    secrets = _piped() if wishes.password_stdin else _asked_secrets(account, wishes)
    more, listener = redirect_options(account.options, paste=wishes.paste) if wishes.by_code else ({}, None)
    trying = replace(account, options={**account.options, **more})
    _take_again(account, secrets)
    with_provider(trying, secrets, lambda provider: _try_out(provider, secrets, wishes, listener))
    return account, secrets


async def _try_out(provider: Provider, secrets: MemorySecrets, wishes: _Wishes, listener: Listener | None) -> None:
    if wishes.by_code:
        await grant(provider, listener)
    if not wishes.interactive:
        await verify(provider)
    else:
        await verify_or_register(provider)
        await settle_encryption(provider, secrets)


def _take_again(account: AccountSettings, secrets: MemorySecrets) -> None:
    stored = open_secrets(account.name, AccountPaths.of(account.name))
    for name in _USED_AGAIN.get(account.provider, ()):
        value = stored.get(name)
        if value is not None:
            secrets.put(name, value)


async def _revoke(provider: Provider) -> None:
    if isinstance(provider, Revocable):
        await provider.revoke()


def _given_options(url: str | None, username: str | None, extra: tuple[str, ...]) -> dict[str, OptionValue]:
    options: dict[str, OptionValue] = {key: value for key, value in (("url", url), ("username", username)) if value}
    for each in extra:
        key, separator, value = each.partition("=")
        if not separator or not key:
            raise Misconfigured(f"--option needs KEY=VALUE, not {each!r}")
        options[key] = _toml_value(value)
    return options


def _toml_value(text: str) -> OptionValue:
    """As it would be in the settings file, where quotes may be left out."""
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
    return value if isinstance(value, str | int) else text


def _asked(given: Mapping[str, object], *questions: tuple[str, str]) -> dict[str, object]:
    options = dict(given)
    for key, question in questions:
        if key not in options:
            options[key] = click.prompt(question)
    return options


def _by_browser(account: AccountSettings) -> tuple[AccountSettings, MemorySecrets]:
    options, secrets = granted(account.provider, account.options)
    return replace(account, options={**account.options, **options}), secrets


def _piped() -> MemorySecrets:
    lines = [sys.stdin.readline().removesuffix("\n") for _ in _SECRETS]
    if not lines[0]:
        raise Misconfigured("no password came on standard input")
    return MemorySecrets({name: line for name, line in zip(_SECRETS, lines, strict=True) if line})


def _asked_secrets(account: AccountSettings, wishes: _Wishes) -> MemorySecrets:
    entered = {} if wishes.by_code else {"password": click.prompt("Password", hide_input=True)}
    if "client_id" in account.options:
        question = "Client secret (empty if the client has none)"
        entered["client_secret"] = click.prompt(question, hide_input=True, default="", show_default=False)
    return MemorySecrets({name: value for name, value in entered.items() if value})


def _remember(settings: Settings, account: AccountSettings) -> Settings:
    options = {key: value for key, value in account.options.items() if isinstance(value, str | int)}
    mountpoint = account.mountpoint and account.mountpoint.expanduser().absolute()
    return add_account(settings, account.name, account.provider, options, mountpoint)


def _store(account: AccountSettings, entered: MemorySecrets, *, keep_password: bool) -> None:
    paths = AccountPaths.of(account.name)
    paths.create()
    stored = open_secrets(account.name, paths)
    # With a refresh token the password is not needed again, and what is not stored cannot be stolen.
    if entered.get("refresh_token") and not keep_password:
        entered.delete("password")
        stored.delete("password")
    entered.copy_to(stored)


def _told_daemon(name: str) -> bool:
    """A daemon that waits for this log-in goes on at once; True if one runs."""
    try:
        call(account_socket(name), "refresh", timeout_s=_DAEMON_WITHIN_S)
        call(account_socket(name), "queue", timeout_s=_DAEMON_WITHIN_S, action="retry")
    except (ControlError, OSError):
        return False
    return True
