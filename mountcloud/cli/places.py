"""Which account a command is about, and which place in it."""

import os
from dataclasses import dataclass
from pathlib import Path

import click

from mountcloud.daemon.control import ControlError, NotRunning, call
from mountcloud.daemon.paths import AccountPaths, config_file
from mountcloud.daemon.settings import SettingsError, load
from mountcloud.model.errors import InvalidArgument

_ANSWER_WITHIN_S = 10.0


def account_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """For shells: the accounts of the settings whose names begin so."""
    try:
        known = sorted(load(config_file()).accounts)
    except SettingsError:
        return []
    return [name for name in known if name.startswith(incomplete)]


@dataclass(frozen=True, slots=True)
class Place:
    """A path below the mount point (empty: the mount point itself) of an account."""

    account: str
    below: str

    @property
    def socket(self) -> Path:
        """Where the account's daemon listens."""
        return AccountPaths.of(self.account).control


def account_socket(name: str) -> Path:
    """Where the account's daemon listens; raises ``SettingsError`` if there is neither a daemon nor such an account."""
    socket = AccountPaths.of(name).control
    if not socket.exists():
        load(config_file()).account(name)
    return socket


def account_and_path(name: str, path: str | None) -> tuple[str, str | None]:
    """Account and path below its mount point; instead of both, ``name`` may be a path in a mount."""
    if "/" not in name and name not in {".", ".."}:
        return name, path.strip("/") or None if path else None
    place = mounted_place(Path(name))
    return place.account, place.below or None


def mounted_place(path: Path) -> Place:
    """The place of a path in a mount; raises ``InvalidArgument`` for a path in no mount of ours.

    Nothing is asked of the path: its mount may hang.
    """
    wanted = Path(os.path.abspath(path))  # noqa: PTH100 - resolving links would look at them
    for name in sorted(load(config_file()).accounts):
        mountpoint = _mountpoint(AccountPaths.of(name).control)
        if mountpoint is not None and wanted.is_relative_to(mountpoint):
            below = str(wanted.relative_to(mountpoint))
            return Place(name, "" if below == "." else below)
    raise InvalidArgument(f"{path} is in no mount of mountcloud", hint="mountcloud status")


def place_of(text: str) -> Place:
    """``NAME:PATH`` for an account of the settings, mounted or not, or a path in a mount.

    Raises ``InvalidArgument`` if it is neither, ``SettingsError`` if there is no such account.
    """
    name, colon, below = text.partition(":")
    settings = load(config_file())
    if colon and name in settings.accounts:
        return Place(name, below.strip("/"))
    try:
        return mounted_place(Path(text))
    except InvalidArgument as error:
        if colon and "/" not in name:
            settings.account(name)
        raise InvalidArgument(error.message, hint="name it NAME:PATH, or mount it first") from error


def _mountpoint(socket: Path) -> Path | None:
    try:
        status = call(socket, "status", timeout_s=_ANSWER_WITHIN_S)
    except NotRunning:
        return None
    return Path(str(status["mountpoint"])) if isinstance(status, dict) else None


def is_mounted(name: str) -> bool:
    """True if a daemon of the account runs; one that hangs does too."""
    try:
        call(account_socket(name), "status", timeout_s=_ANSWER_WITHIN_S)
    except NotRunning:
        return False
    except ControlError:
        pass
    return True


def told_to_look(place: Place) -> bool:
    """Let the account's daemon look for changes now, if one runs; tells whether it did."""
    try:
        call(place.socket, "refresh", timeout_s=60.0)
    except ControlError:
        return False
    return True
