"""``refresh`` and ``sync``: asking a daemon that runs."""

import click

from mountcloud.cli import words
from mountcloud.cli.outcome import explained
from mountcloud.cli.places import account_and_path, account_names, account_socket
from mountcloud.cli.status import daemon_status
from mountcloud.daemon.control import call

_ANSWER_WITHIN_S = 10.0


@click.command()
@click.argument("name", shell_complete=account_names)
@click.argument("path", required=False)
def refresh(name: str, path: str | None) -> None:
    """Ask the service now what is in the account NAME (below PATH, counted from the mount point).

    A path in a mount may stand instead of both.
    """
    with explained():
        name, below = account_and_path(name, path)
        call(account_socket(name), "refresh", path=below)
    click.echo("Up to date.")


@click.command()
@click.argument("name", shell_complete=account_names)
@click.argument("path", required=False)
@click.option("--wait", is_flag=True, help="Return when nothing is owed to the service any more.")
def sync(name: str, path: str | None, *, wait: bool) -> None:
    """Try again what could not be sent, and with --wait wait until everything (below PATH) is on the service.

    A path in a mount may stand instead of NAME and PATH.
    """
    with explained():
        name, below = account_and_path(name, path)
        retried = call(account_socket(name), "retry_parked", timeout_s=_ANSWER_WITHIN_S)
        if retried:
            click.echo(f"Trying {words.counted(retried, 'change')} again that failed.")
        if wait:
            call(account_socket(name), "sync", path=below)
            click.echo("Everything is on the service.")
            return
        owed = daemon_status(name).get("owed", 0)
    if not owed:
        click.echo("Everything is on the service.")
        return
    click.echo(f"{words.counted(owed, 'change')} on the way to the service; --wait waits for that.")
