"""``config``: what the settings are, whether they are right, and where they lie."""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path

import click

from mountcloud.cli.outcome import explained
from mountcloud.cli.places import account_names
from mountcloud.cli.words import counted
from mountcloud.daemon.paths import config_file
from mountcloud.daemon.settings import AccountSettings, load
from mountcloud.model.errors import Failure


@click.group()
def config() -> None:
    """The settings: where they are, whether they are right, and what holds."""


@config.command()
def path() -> None:
    """Print where the settings file is, whether or not it exists."""
    click.echo(config_file())


@config.command()
def check() -> None:
    """Read the settings, the providers' keys too, and tell the first mistake with its line. Exit code 78 for one."""
    with explained():
        settings = load(config_file())
        for account in settings.accounts.values():
            demand_usable(account)
    click.echo(f"{settings.origin} is right: {counted(len(settings.accounts), 'account')}.")


@config.command()
@click.argument("name", required=False, shell_complete=account_names)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def show(name: str | None, *, as_json: bool) -> None:
    """Show what holds for NAME, or for all accounts, defaults included. Secrets are no settings, so none is shown."""
    with explained():
        settings = load(config_file())
        names = [name] if name else sorted(settings.accounts)
        found = {each: _plain(settings.account(each)) for each in names}
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    click.echo("\n\n".join("\n".join(_lines(f"accounts.{each}", table)) for each, table in found.items()))


def demand_usable(account: AccountSettings) -> None:
    """Raises ``InvalidArgument`` that names the account if its provider is unknown or refuses its settings."""
    from mountcloud.providers import registry

    try:
        registry.create(account.provider, account.options, _NoSecrets())
    except Failure as failure:
        raise type(failure)(f"account {account.name}: {failure.message}", hint=failure.hint) from failure


class _NoSecrets:
    """A provider is only made, not used, so it is never asked; implements ``Secrets``."""

    def get(self, name: str) -> str | None:
        """There is none."""
        return None

    def put(self, name: str, value: str) -> None:
        """Nobody stores one."""

    def delete(self, name: str) -> None:
        """There is none."""


def _plain(account: AccountSettings) -> dict[str, object]:
    """As in the file, with the provider's own keys under its name."""
    table = {each.name: _value(getattr(account, each.name)) for each in fields(account)}
    table.pop("name")
    table[account.provider] = table.pop("options")
    return table


def _value(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _value(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, Path):
        return str(value)
    return dict(value) if isinstance(value, Mapping) else value


def _lines(where: str, table: dict[str, object]) -> list[str]:
    """TOML: plain values first, then the tables; what has no value is left out."""
    lines = [f"[{where}]"]
    lines += [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in table.items() if _is_shown(value)]
    for key, value in table.items():
        if isinstance(value, dict) and value:
            lines += ["", *_lines(f"{where}.{key}", value)]
    return lines


def _is_shown(value: object) -> bool:
    return value is not None and not isinstance(value, dict)
