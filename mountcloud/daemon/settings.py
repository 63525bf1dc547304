"""The user's settings: ``config.toml`` -> frozen, validated values.

A mistake in the file is an error that names the line, never a setting that silently does nothing. Keys below
``[accounts.NAME.PROVIDER]`` belong to the provider, which checks them itself.
"""

import difflib
import math
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar, get_type_hints

from mountcloud.daemon.paths import InvalidAccountName, checked_account_name
from mountcloud.model.notice import NoticeKind
from mountcloud.policy.local_names import USUAL
from mountcloud.policy.thumbnailers import USUAL as THUMBNAILERS

_T = TypeVar("_T")
_NOTHING: Mapping[str, object] = MappingProxyType({})


class SettingsError(Exception):
    """The settings cannot be used; the text names file, line and remedy."""


def _between(low: float, high: float) -> dict[str, tuple[float, float]]:
    return {"range": (low, high)}


@dataclass(frozen=True, slots=True)
class CacheSettings:
    """``[accounts.NAME.cache]``: ``memory_mib`` bounds the bytes on their way, ``disk_mib`` the bytes on the disk.

    Without ``disk_mib`` the disk cache takes min(10 GiB, a fifth of the free space). At most ``parallel`` requests for
    content are under way. ``integrity``: "fast" shows ranges at once and checks a file when all of it was seen,
    "strict" checks it before the first byte.
    """

    memory_mib: int = field(default=128, metadata=_between(32, 1 << 20))
    disk_mib: int | None = field(default=None, metadata=_between(0, 1 << 30))
    parallel: int = field(default=8, metadata=_between(1, 64))
    integrity: str = field(default="fast", metadata={"choices": ("fast", "strict")})


@dataclass(frozen=True, slots=True)
class UploadSettings:
    """``[accounts.NAME.upload]``: ``settle_s`` seconds of rest before a closed file is sent, ``parallel`` at once.

    What is made here under a name that a pattern of ``local_only`` matches stays on this machine.
    More than ``delete_limit`` removals within ``delete_window_s`` seconds wait for the user's word; 0 = never.
    """

    settle_s: float = field(default=1.0, metadata=_between(0, 3600))
    parallel: int = field(default=4, metadata=_between(1, 64))
    local_only: tuple[str, ...] = USUAL
    delete_limit: int = field(default=200, metadata=_between(0, 1 << 20))
    delete_window_s: float = field(default=60.0, metadata=_between(1, 86400))


@dataclass(frozen=True, slots=True)
class AttributeSettings:
    """``[accounts.NAME.attributes]``: seconds in which the kernel need not ask (it is told of changes).

    ``extended``: keep extended attributes of users. ``symlinks``: files ``NAME.rclonelink`` are symbolic links.
    """

    entry_timeout_s: float = field(default=300.0, metadata=_between(0, 86400))
    attribute_timeout_s: float = field(default=300.0, metadata=_between(0, 86400))
    extended: bool = True
    symlinks: bool = True


@dataclass(frozen=True, slots=True)
class DesktopSettings:
    """``[accounts.NAME.desktop]``: of what to ``notify``, and how to ``inhibit_shutdown`` while work is only here.

    ``thumbnailers``: patterns of processes that may not open files whose content is not here.
    ``subtype``: what the kernel says of the file system; file managers take "sshfs" for remote.
    """

    notify: tuple[str, ...] = field(
        default=tuple(kind.value for kind in NoticeKind), metadata={"each_of": tuple(kind.value for kind in NoticeKind)}
    )
    inhibit_shutdown: str = field(default="delay", metadata={"choices": ("delay", "block", "no")})
    thumbnailers: tuple[str, ...] = THUMBNAILERS
    subtype: str = field(default="mountcloud", metadata={"choices": ("mountcloud", "sshfs")})


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """``[accounts.NAME]``: one account of one service. ``options`` are the provider's own, unchecked.

    ``durability``: "local" returns from ``close`` when it is owed, "remote" when the service has it, or with an error
    after ``remote_deadline_s`` seconds. ``stop_grace_s``: how long an ending daemon goes on sending.
    """

    name: str
    provider: str
    options: Mapping[str, object] = field(default_factory=lambda: _NOTHING, repr=False)
    mountpoint: Path | None = None
    allow_other: bool = False
    poll_interval_s: float = field(default=10.0, metadata=_between(0.1, 86400))
    background_index: bool = False
    idle_poll_interval_s: float = field(default=60.0, metadata=_between(0.1, 86400))
    durability: str = field(default="local", metadata={"choices": ("local", "remote")})
    remote_deadline_s: float = field(default=60.0, metadata=_between(1, 3600))
    stop_grace_s: float = field(default=30.0, metadata=_between(0, 86400))
    cache: CacheSettings = CacheSettings()
    upload: UploadSettings = UploadSettings()
    attributes: AttributeSettings = AttributeSettings()
    desktop: DesktopSettings = DesktopSettings()


@dataclass(frozen=True, slots=True)
class Settings:
    """All accounts by name, and the file that they came from."""

    accounts: Mapping[str, AccountSettings]
    origin: Path

    def account(self, name: str) -> AccountSettings:
        """The account of that name; raises ``SettingsError`` with the nearest name if there is none."""
        if name in self.accounts:
            return self.accounts[name]
        known = _suggestion(name, self.accounts) if self.accounts else f"make it with: mountcloud login {name}"
        raise SettingsError(f"{self.origin} has no account {name!r}; {known}")


def load(path: Path) -> Settings:
    """Read the file; a missing one means no accounts. Raises ``SettingsError``."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Settings(MappingProxyType({}), path)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from error
    return parse(text, path)


def parse(text: str, origin: Path) -> Settings:
    """The settings in this text. Raises ``SettingsError`` that names ``origin`` and the line."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{origin}: {error}") from error
    return _Reading(text, origin).settings(tables)


class _Reading:
    """One pass over one file; keeps the text, because only an error needs the line numbers."""

    def __init__(self, text: str, origin: Path) -> None:
        self._text = text
        self._origin = origin

    def settings(self, tables: Mapping[str, object]) -> Settings:
        self._refuse_unknown(tables, ("accounts",), ())
        accounts = self._table(tables.get("accounts", {}), ("accounts",))
        found = {name: self._account(name, value) for name, value in accounts.items()}
        return Settings(MappingProxyType(found), self._origin)

    def _account(self, name: str, value: object) -> AccountSettings:
        where = ("accounts", name)
        try:
            checked_account_name(name)
        except InvalidAccountName as error:
            raise self._wrong(where, str(error)) from error
        table = dict(self._table(value, where))
        provider = table.get("provider")
        if not isinstance(provider, str) or not provider:
            raise self._wrong(where, 'the account needs a line such as: provider = "dracoon"')
        options = MappingProxyType(dict(self._table(table.pop(provider, {}), (*where, provider))))
        return self._section(AccountSettings, table, where, {"name": name, "options": options}, extra=(provider,))

    def _section(
        self,
        kind: type[_T],
        table: Mapping[str, object],
        where: tuple[str, ...],
        given: Mapping[str, object] = _NOTHING,
        extra: tuple[str, ...] = (),
    ) -> _T:
        known = {entry.name: entry for entry in fields(kind) if entry.name not in given}  # type: ignore[arg-type]
        self._refuse_unknown(table, (*known, *extra), where)
        types = get_type_hints(kind)
        values: dict[str, Any] = dict(given)
        for key, value in table.items():
            values[key] = self._value(types[key], known[key].metadata, value, (*where, key))
        return kind(**values)

    def _value(self, kind: Any, metadata: Mapping[Any, Any], value: object, where: tuple[str, ...]) -> object:  # noqa: ANN401
        if kind in (CacheSettings, UploadSettings, AttributeSettings, DesktopSettings):
            return self._section(kind, self._table(value, where), where)
        converted = _CONVERSIONS[kind](value)
        if converted is None:
            raise self._wrong(where, f"{where[-1]} must be {_WORDS[kind]}, not {value!r}")
        choices = metadata.get("choices", (converted,))
        if converted not in choices:
            raise self._wrong(where, f"{where[-1]} must be one of {', '.join(choices)}, not {value!r}")
        unknown = [each for each in _each(converted) if each not in metadata.get("each_of", (each,))]
        if unknown:
            raise self._wrong(where, f"{where[-1]} has {unknown[0]!r}; {_suggestion(unknown[0], metadata['each_of'])}")
        low, high = metadata.get("range", (-math.inf, math.inf))
        if isinstance(converted, int | float) and not low <= converted <= high:
            raise self._wrong(where, f"{where[-1]} must be from {low:g} to {high:g}, not {value!r}")
        return converted

    def _table(self, value: object, where: tuple[str, ...]) -> Mapping[str, object]:
        if isinstance(value, dict):
            return value
        raise self._wrong(where, f"{where[-1]} must be a table: [{'.'.join(where)}]")

    def _refuse_unknown(self, table: Mapping[str, object], known: Collection[str], where: tuple[str, ...]) -> None:
        for key in table:
            if key not in known:
                raise self._wrong((*where, key), f"unknown key {key!r}; {_suggestion(key, known)}")

    def _wrong(self, where: tuple[str, ...], message: str) -> SettingsError:
        return SettingsError(f"{self._origin}, line {_line_of(self._text, where)}: {message}")


def _suggestion(word: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(known))}"


def _line_of(text: str, where: tuple[str, ...]) -> int:
    """The line on which the statement begins that brings ``where`` into the document.

    The TOML reader of the standard library gives no positions, so growing prefixes are read: a prefix that ends inside
    a value does not parse, all others do.
    """
    begin = 1
    lines = text.splitlines(keepends=True)
    for count in range(1, len(lines) + 1):
        try:
            tables = tomllib.loads("".join(lines[:count]))
        except tomllib.TOMLDecodeError:
            continue
        if _holds(tables, where):
            return begin
        begin = count + 1
    return begin


def _holds(table: object, where: tuple[str, ...]) -> bool:
    for key in where:
        if not isinstance(table, dict) or key not in table:
            return False
        table = table[key]
    return True


def _each(value: object) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()


def _boolean(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _number(value: object) -> float | None:
    usable = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if usable and isinstance(value, int | float) else None


def _string(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _strings(value: object) -> tuple[str, ...] | None:
    if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
        return None
    return tuple(value)


def _absolute_path(value: object) -> Path | None:
    if not isinstance(value, str) or not value:
        return None
    path = Path(value).expanduser()
    return path if path.is_absolute() else None


_CONVERSIONS: dict[object, Callable[[object], object | None]] = {
    bool: _boolean,
    int: _integer,
    int | None: _integer,
    float: _number,
    str: _string,
    tuple[str, ...]: _strings,
    Path | None: _absolute_path,
}
_WORDS: dict[object, str] = {
    bool: "true or false",
    int: "a whole number",
    int | None: "a whole number",
    float: "a number",
    str: "a text in quotes",
    tuple[str, ...]: "a list of texts in quotes",
    Path | None: "an absolute path in quotes (~ is your home)",
}
