"""``login``: try the credentials, and only then write settings and secrets."""

import sys
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import click

from mountcloud.cli.accounts import with_provider
from mountcloud.cli.browser_login import goes_by_browser, granted
from mountcloud.cli.config_file import OptionValue, add_account
from mountcloud.cli.outcome import CommandFailed, Misconfigured, explained
from mountcloud.cli.verifying import verify
from mountcloud.daemon.paths import AccountPaths, checked_account_name, config_file
from mountcloud.daemon.secrets import MemorySecrets, open_secrets
from mountcloud.daemon.settings import AccountSettings, Settings, load

_SECRETS = ("password", "encryption_password", "client_secret")
_WITHOUT_ENCRYPTION = frozenset({"webdav", "nextcloud"})
_URL, _USER = ("url", "Address (https://...)"), ("username", "User name")


@click.command()
@click.argument("name")
@click.option("--provider", default="dracoon", show_default=True, help="Which service it is.")
@click.option("--url", help="Address of the service, such as https://dracoon.example")
@click.option("--user", "username", help="Name with which you log in there.")
@click.option("--option", "extra", multiple=True, metavar="KEY=VALUE", help="Another setting of the provider.")
@click.option("--mountpoint", type=click.Path(path_type=Path), help="Where 'mountcloud mount NAME' puts it.")
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
    password_stdin: bool,
    keep_password: bool,
) -> None:
    """Log in to a service and remember the account as NAME.

    For an account that is in the settings already, only the secrets are renewed. Where a service lets you grant access
    in a browser (nextcloud), no password is asked for unless --user or --password-stdin is given.
    """
    with explained():
        checked_account_name(name)
        settings = load(config_file())
        given = _given_options(url, username, extra)
        known = settings.accounts.get(name)
        if known and given:
            raise CommandFailed(f"{name} exists; change it in {settings.origin}, then: mountcloud login {name}")
        if not password_stdin and not username and goes_by_browser(known.provider if known else provider):
            account, secrets = _by_browser(known or AccountSettings(name, provider, _asked(given, _URL), mountpoint))
        else:
            account = known or AccountSettings(name, provider, _asked(given, _URL, _USER), mountpoint)
            secrets = _piped() if password_stdin else _asked_secrets(account)
        _verify(account, secrets)
        if not known:
            settings = _remember(settings, account)
        _store(account, secrets, keep_password=keep_password)
    where = account.mountpoint or "DIRECTORY"
    click.echo(f"Logged in. Next: mountcloud mount {name}{'' if account.mountpoint else f' {where}'}")


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


def _asked(given: Mapping[str, OptionValue], *questions: tuple[str, str]) -> dict[str, OptionValue]:
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


def _asked_secrets(account: AccountSettings) -> MemorySecrets:
    entered = [click.prompt("Password", hide_input=True)]
    encrypts = account.provider not in _WITHOUT_ENCRYPTION
    optional = ["Encryption password (empty if the account has none)"] if encrypts else []
    optional += ["Client secret (empty if the client has none)"] if "client_id" in account.options else []
    entered += [click.prompt(question, hide_input=True, default="", show_default=False) for question in optional]
    return MemorySecrets({name: value for name, value in zip(_SECRETS, entered, strict=False) if value})


def _verify(account: AccountSettings, secrets: MemorySecrets) -> None:
    with_provider(account, secrets, verify)


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
