"""``pin``, ``unpin`` and ``evict``: what is kept on this machine."""

from pathlib import Path

import click

from mountcloud.cli import words
from mountcloud.cli.outcome import explained
from mountcloud.cli.places import mounted_place
from mountcloud.daemon.control import call


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
def pin(path: Path) -> None:
    """Keep PATH (in a mount) on this machine: all of it is fetched, kept fresh, and never makes way for other files."""
    with explained():
        place = mounted_place(path)
        answer = call(place.socket, "pin", path=place.below or None)
    if isinstance(answer, dict):
        files, verb = words.counted(answer["files"], "file"), "is" if answer["files"] == 1 else "are"
        click.echo(f"{files}, {words.size(answer['bytes'])}, {verb} kept here from now on.")


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
def unpin(path: Path) -> None:
    """Keep PATH no longer than other files."""
    with explained():
        place = mounted_place(path)
        call(place.socket, "unpin", path=place.below or None)
    click.echo("It may make way for other files now.")


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
def evict(path: Path) -> None:
    """Give back the room that cached content of PATH takes. What is not on the service yet stays."""
    with explained():
        place = mounted_place(path)
        freed = call(place.socket, "evict", path=place.below or None)
    if isinstance(freed, int):
        click.echo(f"{words.size(freed)} are free again.")
