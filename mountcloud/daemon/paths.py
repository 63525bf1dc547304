"""Where an account keeps its things, by the XDG base directory rules.

Precious and rebuildable never share a directory: the cache may be deleted at any time, the state holds owed work.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


class InvalidAccountName(ValueError):
    """The name cannot be a directory's name everywhere."""


def checked_account_name(name: str) -> str:
    """The name itself; raises ``InvalidAccountName`` unless it is safe as a single path component."""
    if _NAME.fullmatch(name):
        return name
    raise InvalidAccountName(
        f"{name!r} cannot name an account: use up to 64 letters, digits, '-', '_' and '.', a letter or digit first"
    )


def config_file(environment: Mapping[str, str] = os.environ) -> Path:
    """The settings of the user."""
    return _base("XDG_CONFIG_HOME", ".config", environment) / "config.toml"


def user_config(environment: Mapping[str, str] = os.environ) -> Path:
    """Where programs of the user keep their settings."""
    return _base("XDG_CONFIG_HOME", ".config", environment).parent


def user_units(environment: Mapping[str, str] = os.environ) -> Path:
    """Where the user's systemd looks for units (systemd.unit(5))."""
    return user_config(environment) / "systemd/user"


def user_data(environment: Mapping[str, str] = os.environ) -> Path:
    """Where programs of the user look for data, such as icons."""
    return _base("XDG_DATA_HOME", ".local/share", environment).parent


def data_directory(environment: Mapping[str, str] = os.environ) -> Path:
    """What is neither settings nor state nor cache, such as the files of the demonstration server."""
    return _base("XDG_DATA_HOME", ".local/share", environment)


@dataclass(frozen=True, slots=True)
class AccountPaths:
    """The directories of one account; ``create`` makes them for this user alone."""

    state: Path
    cache: Path
    runtime: Path

    @classmethod
    def of(cls, name: str, environment: Mapping[str, str] = os.environ) -> "AccountPaths":
        """The paths of the account ``name``; raises ``InvalidAccountName``. Makes nothing.

        Without XDG_RUNTIME_DIR (a cron job, a bare container) the runtime directory is the state directory.
        """
        checked_account_name(name)
        state = _base("XDG_STATE_HOME", ".local/state", environment) / name
        cache = _base("XDG_CACHE_HOME", ".cache", environment) / name
        runtime = _absolute(environment.get("XDG_RUNTIME_DIR"))
        return cls(state, cache, runtime / "mountcloud" / name if runtime else state)

    @property
    def index(self) -> Path:
        """The rebuildable picture of the tree."""
        return self.cache / "index.db"

    @property
    def chunks(self) -> Path:
        """The directory of cached stored bytes."""
        return self.cache / "chunks"

    @property
    def journal(self) -> Path:
        """What is owed to the service: precious."""
        return self.state / "journal.db"

    @property
    def staging(self) -> Path:
        """The directory of written bytes that the service does not have yet: precious."""
        return self.state / "staging"

    @property
    def attributes(self) -> Path:
        """POSIX attributes for which the service has no place."""
        return self.state / "attributes.db"

    @property
    def places(self) -> Path:
        """The ids that we gave to the nodes of a service which knows paths only."""
        return self.state / "places.db"

    @property
    def lock(self) -> Path:
        """Held by the one daemon of this account."""
        return self.state / "lock"

    @property
    def secrets(self) -> Path:
        """The file of the file-based secret store."""
        return self.state / "secrets.json"

    @property
    def reserve(self) -> Path:
        """Disk space kept back for the bookkeeping of what is owed."""
        return self.state / "reserve"

    @property
    def cache_reserve(self) -> Path:
        """The same for the cache, where that is on another disk."""
        return self.cache / "reserve"

    @property
    def draft_key(self) -> Path:
        """The name of the key under which new drafts are encrypted."""
        return self.state / "draft-key"

    @property
    def control(self) -> Path:
        """The socket on which the daemon takes commands."""
        return self.runtime / "control.sock"

    def create(self) -> None:
        """Make the directories, each readable by this user alone, also where they were more open before."""
        for directory in (self.state, self.cache, self.runtime, self.staging):
            make_private(directory)


def make_private(directory: Path) -> None:
    """Make this directory and missing parents, and close it to everybody else. Raises ``OSError``."""
    missing = [parent for parent in (directory, *directory.parents) if not parent.exists()]
    for each in reversed(missing):
        each.mkdir(mode=0o700, exist_ok=True)
    if directory.stat().st_mode & 0o077:
        directory.chmod(0o700)


def _base(variable: str, default: str, environment: Mapping[str, str]) -> Path:
    home = Path(environment.get("HOME") or Path.home())
    return (_absolute(environment.get(variable)) or home / default) / "mountcloud"


def _absolute(value: str | None) -> Path | None:
    """The XDG rules say that a relative path is to be ignored."""
    path = Path(value) if value else None
    return path if path and path.is_absolute() else None
