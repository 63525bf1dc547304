"""Log in where the user grants access in a browser, so that no password is typed into mountcloud."""

from collections.abc import Mapping

import click
import trio

from mountcloud.cli.config_file import OptionValue
from mountcloud.cli.outcome import CommandFailed
from mountcloud.daemon.secrets import MemorySecrets


def goes_by_browser(provider: str) -> bool:
    """True if this service lets the user grant access in a browser."""
    from mountcloud.providers import registry

    return provider in registry.BROWSER_LOGINS


def granted(provider: str, options: Mapping[str, object]) -> tuple[dict[str, OptionValue], MemorySecrets]:
    """Show where to grant access, and wait: the settings that this adds, and the secrets.

    Raises ``CommandFailed`` if the account is another than the one in the settings.
    """
    from mountcloud.providers import registry

    found, secrets = trio.run(registry.BROWSER_LOGINS[provider], options, _show)
    expected = options.get("username")
    if expected is not None and found["username"] != expected:
        raise CommandFailed(f"access was granted by {found['username']!r}, but this is the account of {expected!r}")
    return dict(found), MemorySecrets(secrets)


def _show(address: str) -> None:
    click.echo(f"Open this address in a browser and grant access there:\n\n  {address}\n\nWaiting ...", err=True)
