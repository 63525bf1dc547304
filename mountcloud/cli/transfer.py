"""``get`` and ``put``: whole files without a mount."""

import hashlib
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from mountcloud.cli import words
from mountcloud.cli.outcome import explained
from mountcloud.cli.places import Place, place_of, told_to_look
from mountcloud.cli.remote import at_service, child, find
from mountcloud.daemon.paths import AccountPaths, make_private
from mountcloud.engine.transferring import FileSource, KeptProgress, download
from mountcloud.model.errors import Exists, IsADirectory
from mountcloud.model.node import Node
from mountcloud.model.provider import Provider, UploadTarget

_STANDARD_OUTPUT = Path("-")


@click.command()
@click.argument("source", metavar="NAME:PATH")
@click.argument("target", required=False, type=click.Path(path_type=Path))
@click.option("--overwrite", is_flag=True, help="Replace TARGET if it exists.")
def get(source: str, target: Path | None, *, overwrite: bool) -> None:
    """Fetch the file at PATH of the account NAME into TARGET (a file or directory; by default here).

    It is checked as a whole before TARGET appears. What was cut off goes on where it ended when it is asked for again.
    With - for TARGET it is written to the standard output once it is checked.
    """
    if target == _STANDARD_OUTPUT:
        with TemporaryDirectory() as aside:
            _fetch(source, Path(aside) / "whole", overwrite=False)
            with (Path(aside) / "whole").open("rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer)
        return
    goal, node = _fetch(source, target, overwrite=overwrite)
    click.echo(f"{goal}: {words.size(node.size)}")


def _fetch(source: str, target: Path | None, *, overwrite: bool) -> tuple[Path, Node]:
    with explained():
        place = place_of(source)
        goal = _local_target(place, target)
        if goal.exists() and not overwrite:
            raise Exists(f"{goal} exists", hint="--overwrite replaces it")

        async def fetch(provider: Provider) -> Node:
            node = await find(provider, place.below)
            with _bar(goal.name, node.size) as done:
                await download(provider, node, goal, overwrite=overwrite, progress=done)
            return node

        return goal, at_service(place, fetch)


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("target", metavar="NAME:PATH")
@click.option("--overwrite", is_flag=True, help="Give a file at PATH new content.")
def put(source: Path, target: str, *, overwrite: bool) -> None:
    """Send the file SOURCE to PATH of the account NAME (a new name, or a directory).

    It appears there when all of it has arrived. Where the service can, what was cut off goes on where it ended when it
    is sent again.
    """
    with explained():
        place = place_of(target)
        size = source.stat().st_size if source.is_file() else 0
        with _bar(source.name, size) as done:
            file = FileSource.open(source, done)
            try:
                node = at_service(place, lambda provider: _sent(provider, file, place, overwrite=overwrite))
            finally:
                file.close()
        told_to_look(place)
    click.echo(f"{place.account}:{place.below}: {words.size(node.size)}")


async def _sent(provider: Provider, source: FileSource, place: Place, *, overwrite: bool) -> Node:
    target = await _remote_target(provider, source, place.below, overwrite=overwrite)
    progress = _progress(place, source)
    node = await provider.upload(target, source, progress)
    progress.save("")
    return node


async def _remote_target(provider: Provider, source: FileSource, below: str, *, overwrite: bool) -> UploadTarget:
    """Into the directory at the path, or under the path's own name."""
    above, _, name = below.rpartition("/")
    directory = await find(provider, above)
    present = await child(provider, directory, name) if name else directory
    if present is not None and present.is_directory:
        directory, name = present, source.path.name
        present = await child(provider, directory, name)
    if present is not None and present.is_directory:
        raise IsADirectory(f"{name!r} is a directory on the service")
    if present is not None and not overwrite:
        raise Exists(f"{name!r} is on the service already", hint="--overwrite gives it new content")
    return UploadTarget(directory.id, name, None if present is None else present.ref, source.size, source.mtime_ns)


def _progress(place: Place, source: FileSource) -> KeptProgress:
    """Found again by what is sent to where; the provider itself finds out whether the bytes are the same."""
    directory = AccountPaths.of(place.account).state / "puts"
    make_private(directory)
    what = f"{source.path.absolute()}\0{source.size}\0{source.mtime_ns}\0{place.below}"
    return KeptProgress(directory / hashlib.sha256(what.encode(errors="surrogateescape")).hexdigest()[:32])


def _local_target(place: Place, target: Path | None) -> Path:
    name = place.below.rpartition("/")[2]
    if target is None:
        return Path(name or place.account)
    return target / name if target.is_dir() else target


@contextmanager
def _bar(label: str, size: int) -> Iterator[Callable[[int], None]]:
    """A bar for people; nothing where nobody looks. What it yields takes the bytes that are done in all."""
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    with click.progressbar(length=size, label=label, file=sys.stderr, show_eta=True, show_pos=False) as bar:
        yield lambda done: bar.update(max(done - bar.pos, 0))
