"""``pin``, ``unpin`` and ``evict``: what is kept on this machine."""

import os
from pathlib import Path

import click

from mountcloud.cli.outcome import explained
from mountcloud.daemon.control import NotRunning, call
from mountcloud.daemon.paths import AccountPaths, config_file
from mountcloud.daemon.settings import load
from mountcloud.model.errors import InvalidArgument

_ANSWER_WITHIN_S = 10.0


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
def pin(path: Path) -> None:
    """Keep PATH (in a mount) on this machine: all of it is fetched, kept fresh, and never makes way for other files."""
    with explained():
        socket, below = _place(path)
        answer = call(socket, "pin", path=below)
    if isinstance(answer, dict):
        click.echo(f"{answer['files']} files, {answer['bytes'] / (1 << 20):.1f} MiB, are kept here from now on.")


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
def unpin(path: Path) -> None:
    """Keep PATH no longer than other files."""
    with explained():
        socket, below = _place(path)
        call(socket, "unpin", path=below)
    click.echo("It may make way for other files now.")


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
def evict(path: Path) -> None:
    """Give back the room that cached content of PATH takes. What is not on the service yet stays."""
    with explained():
        socket, below = _place(path)
        freed = call(socket, "evict", path=below)
    if isinstance(freed, int):
        click.echo(f"{freed / (1 << 20):.1f} MiB are free again.")


def _place(path: Path) -> tuple[Path, str | None]:
    """The socket of the daemon in whose mount the path is, and the path below the mount point.

    Raises ``InvalidArgument`` for a path in no mount of ours. Nothing is asked of the path: its mount may hang.
    """
    wanted = Path(os.path.abspath(path))  # noqa: PTH100 - resolving links would look at them
    for name in sorted(load(config_file()).accounts):
        socket = AccountPaths.of(name).control
        mountpoint = _mountpoint(socket)
        if mountpoint is not None and wanted.is_relative_to(mountpoint):
            below = str(wanted.relative_to(mountpoint))
            return socket, None if below == "." else below
    raise InvalidArgument(f"{path} is in no mount of mountcloud", hint="mountcloud status")


def _mountpoint(socket: Path) -> Path | None:
    try:
        status = call(socket, "status", timeout_s=_ANSWER_WITHIN_S)
    except NotRunning:
        return None
    return Path(str(status["mountpoint"])) if isinstance(status, dict) else None
