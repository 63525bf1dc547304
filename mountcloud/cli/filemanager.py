"""``filemanager``: emblems and a menu in Nautilus, Nemo and Caja."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import click

from mountcloud.cli.outcome import CommandFailed
from mountcloud.daemon.paths import user_data

_PACKAGE = "mountcloud.filemanager"
_ICONS = "icons/hicolor/scalable/emblems"
_LOGIC, _EXTENSION = "mountcloud_files", "mountcloud_extension"
_IMPORTS = {
    f"from {_PACKAGE} import files\n": f"import {_LOGIC} as files\n",
    "Gio, GLib, GObject, Nautilus\n": "Gio, GLib, GObject\nfrom gi.repository import {module} as Nautilus\n",
}


@dataclass(frozen=True, slots=True)
class _Manager:
    """A file manager: its program, its name in gi.repository, and Debian's package that lets it load Python."""

    program: str
    module: str
    package: str

    @property
    def directory(self) -> Path:
        """Where it looks for a user's extensions."""
        return user_data() / f"{self.program}-python" / "extensions"


_MANAGERS = (
    _Manager("nautilus", "Nautilus", "python3-nautilus and gir1.2-gtk-4.0"),
    _Manager("nemo", "Nemo", "nemo-python"),
    _Manager("caja", "Caja", "python3-caja"),
)
_names = click.argument(
    "names", nargs=-1, metavar="[nautilus|nemo|caja]...", type=click.Choice([each.program for each in _MANAGERS])
)


@click.group()
def filemanager() -> None:
    """Show in a file manager how each file of a mount is, and what can be done with it."""


@filemanager.command()
@_names
def enable(names: tuple[str, ...]) -> None:
    """Give the file managers of this machine (or those named) emblems and a menu: keep, free up, link, versions."""
    chosen = list(_chosen(names))
    if not chosen:
        known = ", ".join(each.program for each in _MANAGERS)
        raise CommandFailed(f"none of the file managers {known} is installed; name one to prepare for it")
    for target, text in (*_icons(), *(each for manager in chosen for each in _extension(manager))):
        _write(target, text)
    for manager in chosen:
        click.echo(f"{manager.program} will show it after: {manager.program} -q (needs Debian's {manager.package})")


@filemanager.command()
@_names
def disable(names: tuple[str, ...]) -> None:
    """Take that back."""
    for manager in _chosen(names or tuple(each.program for each in _MANAGERS)):
        for target, _ in _extension(manager):
            target.unlink(missing_ok=True)
    if not any(target.exists() for manager in _MANAGERS for target, _ in _extension(manager)):
        for target, _ in _icons():
            target.unlink(missing_ok=True)
    click.echo("File managers show nothing of mountcloud after their next start.")


def _chosen(names: tuple[str, ...]) -> Iterator[_Manager]:
    return (each for each in _MANAGERS if (each.program in names if names else shutil.which(each.program)))


def _extension(manager: _Manager) -> Iterator[tuple[Path, str]]:
    """The two files, made independent of where mountcloud is installed: another Python will run them."""
    yield manager.directory / f"{_LOGIC}.py", files(_PACKAGE).joinpath("files.py").read_text(encoding="utf-8")
    text = files(_PACKAGE).joinpath("extension.py").read_text(encoding="utf-8")
    for ours, theirs in _IMPORTS.items():
        text = text.replace(ours, theirs.format(module=manager.module))
    yield manager.directory / f"{_EXTENSION}.py", text


def _icons() -> Iterator[tuple[Path, str]]:
    for each in files(_PACKAGE).joinpath("icons").iterdir():
        yield user_data() / _ICONS / each.name, each.read_text(encoding="utf-8")


def _write(target: Path, text: str) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandFailed(f"{target} cannot be written: {error.strerror}") from error
