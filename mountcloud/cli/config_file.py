"""Adding an account to the settings file without touching what the user wrote there."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

from mountcloud.daemon.paths import make_private
from mountcloud.daemon.secrets import write_private
from mountcloud.daemon.settings import Settings, parse

OptionValue = str | int | bool
"""What a provider's option can be on the command line."""


def add_account(
    settings: Settings, name: str, provider: str, options: Mapping[str, OptionValue], mountpoint: Path | None
) -> Settings:
    """Append the account and return the new settings; raises ``SettingsError`` if they would not be valid."""
    # A dotfile manager may have made it a link; the link stays.
    path = settings.origin.resolve()
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    text = f"{before.rstrip()}\n\n{_section(name, provider, options, mountpoint)}".lstrip()
    added = parse(text, settings.origin)
    if not path.parent.exists():
        make_private(path.parent)
    write_private(path, text)
    return added


def _section(name: str, provider: str, options: Mapping[str, OptionValue], mountpoint: Path | None) -> str:
    lines = [f"[accounts.{_key(name)}]", f"provider = {_quoted(provider)}"]
    if mountpoint:
        lines.append(f"mountpoint = {_quoted(str(mountpoint))}")
    lines += ["", f"[accounts.{_key(name)}.{_key(provider)}]"]
    lines += [f"{_key(key)} = {_value(value)}" for key, value in options.items()]
    return "\n".join(lines) + "\n"


def _value(value: OptionValue) -> str:
    """True and 1 look as in JSON; TOML agrees with it there."""
    return _quoted(value) if isinstance(value, str) else json.dumps(value)


def _key(text: str) -> str:
    return text if _BARE.fullmatch(text) else _quoted(text)


def _quoted(text: str) -> str:
    escaped = "".join(_ESCAPES.get(character, character) for character in text)
    return f'"{escaped}"'


_BARE = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPES = {chr(code): f"\\u{code:04X}" for code in (*range(0x20), 0x7F)} | {'"': '\\"', "\\": "\\\\"}
