"""``refresh`` and ``sync``: asking a daemon that runs."""

import click

from mountcloud.cli.outcome import explained
from mountcloud.cli.places import account_names, account_socket
from mountcloud.cli.status import daemon_status
from mountcloud.daemon.control import call

_ANSWER_WITHIN_S = 10.0


@click.command()
@click.argument("name", shell_complete=account_names)
@click.argument("path", required=False)
def refresh(name: str, path: str | None) -> None:
    """Ask the service now what is in the account NAME (below PATH, counted from the mount point)."""
    with explained():
        call(account_socket(name), "refresh", path=_below_mount(path))
    click.echo("Up to date.")


@click.command()
@click.argument("name", shell_complete=account_names)
@click.argument("path", required=False)
@click.option("--wait", is_flag=True, help="Return when nothing is owed to the service any more.")
def sync(name: str, path: str | None, *, wait: bool) -> None:
    """Try again what could not be sent, and with --wait wait until everything (below PATH) is on the service."""
    with explained():
        retried = call(account_socket(name), "retry_parked", timeout_s=_ANSWER_WITHIN_S)
        if retried:
            click.echo(f"Trying {retried} given-up operations again.")
        if wait:
            call(account_socket(name), "sync", path=_below_mount(path))
            click.echo("Everything is on the service.")
            return
        owed = daemon_status(name).get("owed", 0)
    click.echo(f"{owed} operations are on their way to the service; --wait waits for them.")


def _below_mount(path: str | None) -> str | None:
    return path.strip("/") or None if path else None
