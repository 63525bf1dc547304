"""``trash`` and ``versions``: what was removed or replaced, and bringing it back."""

import json
from collections.abc import Sequence
from dataclasses import asdict

import click

from mountcloud.cli import words
from mountcloud.cli.outcome import explained
from mountcloud.cli.places import place_of, told_to_look
from mountcloud.cli.remote import at_service, find
from mountcloud.model.errors import NotADirectory, NotFound
from mountcloud.model.ids import Version
from mountcloud.model.node import Node
from mountcloud.model.offers import Discarded, PastVersion, Trash, Versions, demanded
from mountcloud.model.provider import Provider
from mountcloud.policy.printable import printable

_WITH_IDS = {"ignore_unknown_options": True, "help_option_names": ["--help"]}
"""Ids are the service's, and some of them begin with a dash (Amazon facts, 5)."""


@click.group()
def trash() -> None:
    """The service's recycle bin: list, restore and purge what was removed."""


@trash.command("list")
@click.argument("directory", metavar="PATH|NAME:PATH")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def list_(directory: str, *, as_json: bool) -> None:
    """List what was removed at and below a directory, the latest first."""
    with explained():
        place = place_of(directory)

        async def look(provider: Provider) -> Sequence[Discarded]:
            bin_, node = await _bin(provider, place.below)
            return await bin_.discarded(node.id)

        found = at_service(place, look)
    if as_json:
        click.echo(
            json.dumps([asdict(each) | {"kind": each.kind.value} for each in found], indent=2, ensure_ascii=False)
        )
        return
    for each in found:
        when = "?" if each.deleted_at is None else words.moment(each.deleted_at)
        click.echo(printable(f"{each.id:<12} {when}  {each.path}{'/' if each.kind.value == 'directory' else ''}"))
    if not found:
        click.echo("Nothing that was removed there can be brought back.")


@trash.command(context_settings=_WITH_IDS)
@click.argument("directory", metavar="PATH|NAME:PATH")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
def restore(directory: str, ids: tuple[str, ...]) -> None:
    """Put back what 'trash list' shows by these IDs; a taken name gets a number."""
    with explained():
        place = place_of(directory)

        async def act(provider: Provider) -> list[Discarded]:
            bin_, node = await _bin(provider, place.below)
            chosen = _chosen(await bin_.discarded(node.id), ids)
            for each in chosen:
                await bin_.restore(each)
            return chosen

        restored = at_service(place, act)
        told_to_look(place)
    click.echo("\n".join(printable(f"{each.path} is back.") for each in restored))


@trash.command(context_settings=_WITH_IDS)
@click.argument("directory", metavar="PATH|NAME:PATH")
@click.argument("ids", nargs=-1, metavar="ID...")
@click.option("--all", "everything", is_flag=True, help="All that 'trash list' shows there.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def purge(directory: str, ids: tuple[str, ...], *, everything: bool, yes: bool) -> None:
    """Remove for ever what 'trash list' shows by these IDs, with all its versions."""
    if bool(ids) == everything:
        raise click.UsageError("name IDs, or say --all")
    with explained():
        place = place_of(directory)

        async def act(provider: Provider) -> int:
            bin_, node = await _bin(provider, place.below)
            found = await bin_.discarded(node.id)
            chosen = list(found) if everything else _chosen(found, ids)
            for each in chosen:
                click.echo(printable(each.path))
            if chosen and not yes:
                click.confirm("Remove these for ever?", abort=True)
            for each in chosen:
                await bin_.purge(each)
            return len(chosen)

        count = at_service(place, act)
    click.echo(f"{words.counted(count, 'item')} removed for ever.")


@click.command(context_settings=_WITH_IDS)
@click.argument("path", metavar="PATH|NAME:PATH")
@click.argument("action", type=click.Choice(["list", "restore"]), default="list")
@click.argument("version", required=False)
@click.option("--json", "as_json", is_flag=True, help="The list, for programs.")
def versions(path: str, action: str, version: str | None, *, as_json: bool) -> None:
    r"""Show the contents that the file PATH has and had, or make an older one the present one.

    \b
    mountcloud versions PATH                    list them
    mountcloud versions PATH restore VERSION    bring one back; the present content becomes an older one
    """
    if (action == "restore") != (version is not None):
        raise click.UsageError("restore needs a VERSION, list takes none")
    with explained():
        place = place_of(path)

        async def act(provider: Provider) -> Sequence[PastVersion]:
            old = demanded(provider if isinstance(provider, Versions) else None, "older versions")
            node = await find(provider, place.below)
            if version is None:
                return await old.versions(node.ref)
            await old.restore_version(node.ref, Version(version))
            return []

        found = at_service(place, act)
        if version is not None:
            told_to_look(place)
    if version is not None:
        click.echo(f"{path} has the content of version {version} again.")
    elif as_json:
        click.echo(json.dumps([asdict(each) for each in found], indent=2))
    else:
        for each in found:
            when = "?" if each.changed_at is None else words.moment(each.changed_at)
            size = "?" if each.size is None else words.size(each.size)
            click.echo(f"{each.id:<12} {when:<19}  {size:>10}{'  (present)' if each.present else ''}")


async def _bin(provider: Provider, below: str) -> tuple[Trash, Node]:
    found = demanded(provider if isinstance(provider, Trash) else None, "recycle bin")
    node = await find(provider, below)
    if not node.is_directory:
        raise NotADirectory(f"{below!r} is no directory", hint="name the one in which things were removed")
    return found, node


def _chosen(found: Sequence[Discarded], ids: Sequence[str]) -> list[Discarded]:
    known = {each.id: each for each in found}
    for each in ids:
        if each not in known:
            raise NotFound(f"nothing with the ID {each} was removed there", hint="mountcloud trash list PATH")
    return [known[each] for each in dict.fromkeys(ids)]
