"""What a file manager shows of files in a mount, and what its menu does with them; knows no file manager.

It is copied beside the extension and runs in the file manager's process, under the system's Python: the standard
library alone, no request to the network, and nothing that waits for a daemon but the reading of an attribute.
"""

import json
import os
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_ATTRIBUTE = "user.mountcloud."
_SOURCE = "mountcloud:"
_PROTOCOL = 1
_TABLE_FOR_S = 2.0
"""Seconds for which the table of mounts is believed, so that a directory of 1,000 files reads it once."""
_ESCAPE = re.compile(r"\\([0-7]{3})")

EMBLEMS: Mapping[str, str] = {
    "cloud": "emblem-mountcloud-cloud",
    "cached": "emblem-mountcloud-cached",
    "pinned": "emblem-mountcloud-pinned",
    "queued": "emblem-mountcloud-queued",
    "uploading": "emblem-mountcloud-uploading",
    "parked": "emblem-mountcloud-parked",
    "conflict": "emblem-mountcloud-conflict",
    "no-key": "emblem-mountcloud-no-key",
    "local-only": "emblem-mountcloud-local-only",
}
"""The icon for each state that ``user.mountcloud.state`` can have."""

_NOT_SENT = frozenset({"queued", "uploading", "parked", "local-only"})
"""What the service does not have yet cannot be fetched from it."""

PASSING = frozenset({"queued", "uploading"})
"""States that end by themselves, without the file manager being told."""


class Failed(Exception):
    """The daemon refused, or does not answer; its words are for the user."""


@dataclass(frozen=True, slots=True)
class Mount:
    """An account, where it is mounted, and where its daemon listens."""

    account: str
    root: Path
    socket: Path


@dataclass(frozen=True, slots=True)
class Item:
    """A file or directory in a mount, as its attributes tell. ``below`` is its path in the mount."""

    mount: Mount
    below: str
    state: str
    encrypted: bool
    is_directory: bool
    offers: frozenset[str]


@dataclass(frozen=True, slots=True)
class Link:
    """What somebody else needs: the address, and the password of a link to an encrypted file."""

    url: str
    password: str


@dataclass(frozen=True, slots=True)
class Content:
    """One content that a file has or had; ``label`` tells when and how large."""

    version: str
    label: str
    present: bool


Result = Link | Sequence[Content] | None


@dataclass(frozen=True, slots=True)
class Deed:
    """An entry of the menu: what the daemon is asked for each of the items, and what its answer means."""

    name: str
    label: str
    tip: str
    items: Sequence[Item]
    command: str
    arguments: Mapping[str, str] = field(default_factory=dict, repr=False)

    def line(self, item: Item) -> bytes:
        """The request, for the socket of the item's mount (docs/DEVELOPMENT.md has the protocol)."""
        arguments = {"path": item.below or None, **self.arguments}
        return json.dumps({"version": _PROTOCOL, "command": self.command, "arguments": arguments}).encode() + b"\n"

    def result(self, item: Item, answer: bytes) -> Result:
        """What the answering line means, which is empty if there was none; raises ``Failed``."""
        told = _told(item, answer)
        if self.command == "share" and isinstance(told, dict):
            return Link(str(told.get("url")), self.arguments.get("password", ""))
        if self.command == "versions" and isinstance(told, list):
            return [Content(str(each.get("id")), _label(each), bool(each.get("present"))) for each in told]
        if self.command in {"share", "versions"}:
            raise Failed("the daemon gave an answer that is none")
        return None


@dataclass(slots=True)
class Mounts:
    """The mounts of this user, as the kernel's table tells (proc(5), mountinfo), which is read again after a while."""

    environment: Mapping[str, str]
    table: Path = Path("/proc/self/mountinfo")
    clock: Callable[[], float] = time.monotonic
    _read_at: float | None = None
    _known: tuple[Mount, ...] = ()

    def item(self, path: str) -> Item | None:
        """What is at the path, None for what is in no mount of ours or does not answer."""
        mount = self._around(path)
        if mount is None:
            return None
        state = attribute(path, "state")
        if not state:
            return None
        return Item(
            mount=mount,
            below=_below(mount, path),
            state=state,
            encrypted=attribute(path, "encrypted") == "yes",
            is_directory=os.path.isdir(path),  # noqa: PTH112 - paths come from the file manager as text
            offers=frozenset(filter(None, attribute(path, "offers").split(","))),
        )

    def state(self, path: str) -> str:
        """The state of what is at the path, empty for what is in no mount of ours."""
        return "" if self._around(path) is None else attribute(path, "state")

    def _around(self, path: str) -> Mount | None:
        now = self.clock()
        if self._read_at is None or now - self._read_at > _TABLE_FOR_S:
            self._read_at, self._known = now, tuple(_mounts(self.table, self.environment))
        return next((each for each in self._known if Path(path).is_relative_to(each.root)), None)


def attribute(path: str, name: str) -> str:
    """One of the attributes that a mount tells of each file, empty if there is none. Costs no request."""
    try:
        return os.getxattr(path, _ATTRIBUTE + name, follow_symlinks=False).decode("utf-8", "replace")
    except OSError:
        return ""


def menu(items: Sequence[Item]) -> list[Deed]:
    """What can be done with the selected files."""
    found = [*_for_some(items)]
    return [*found, *_for_one(items[0])] if len(items) == 1 else found


def restoring(item: Item, content: Content) -> Deed:
    """Make an older content of the file the present one."""
    tip = "The present content becomes an older version"
    return Deed("restore", "Restore", tip, [item], "restore_version", {"version": content.version})


def _for_some(items: Sequence[Item]) -> Iterator[Deed]:
    by_state: dict[str, list[Item]] = {}
    for each in items:
        by_state.setdefault(each.state, []).append(each)
    if by_state.keys() - {"pinned"} and not by_state.keys() & _NOT_SENT:
        tip = "Fetch it now, keep it fresh, and never let it make way for other files"
        yield Deed("pin", "Keep on this machine", tip, items, "pin")
    if chosen := by_state.get("pinned"):
        yield Deed("unpin", "Keep no longer on this machine", "It may make way for other files", chosen, "unpin")
    if chosen := by_state.get("cached"):
        tip = "Give back the room that its content takes here; it stays on the service"
        yield Deed("evict", "Free up space", tip, chosen, "evict")
    if chosen := by_state.get("parked"):
        yield Deed("retry", "Try to send it again", "What failed is tried now", chosen, "queue", {"action": "retry"})


def _for_one(item: Item) -> Iterator[Deed]:
    if "links" in item.offers:
        # What opens an encrypted file is locked by a password that the service never sees (docs/SECURITY.md).
        password = {"password": secrets.token_urlsafe(12)} if item.encrypted else {}
        tip = "A link by which anybody can download it; it is copied"
        yield Deed("share", "Copy a link for others", tip, [item], "share", password)
    if "versions" in item.offers and not item.is_directory:
        yield Deed("versions", "Older versions", "What it was before, and bringing that back", [item], "versions")


def _told(item: Item, answer: bytes) -> object:
    try:
        reply = json.loads(answer)
        refusal = reply.get("error")
    except (ValueError, AttributeError) as error:
        account = item.mount.account
        raise Failed(f"{account} does not answer: mountcloud status {account}") from error
    if refusal is not None:
        hint = f" ({refusal['hint']})" if refusal.get("hint") else ""
        raise Failed(f"{refusal['message']}{hint}")
    result: object = reply.get("result")
    return result


def _label(told: Mapping[str, object]) -> str:
    changed, size = told.get("changed_at"), told.get("size")
    when = time.strftime("%x %X", time.localtime(changed)) if isinstance(changed, int | float) else "?"
    return f"{when}, {_size(size) if isinstance(size, int) else '?'}"


def _size(count: int) -> str:
    power = min(max(count, 1).bit_length() - 1, 39) // 10
    return f"{count / (1 << 10 * power):.{min(power, 1)}f} {('bytes', 'KiB', 'MiB', 'GiB')[power]}"


def _mounts(table: Path, environment: Mapping[str, str]) -> Iterator[Mount]:
    """Those of this user: somebody else's account may have the same name, and has another daemon."""
    try:
        lines = table.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return
    for line in lines:
        before, _, after = line.partition(" - ")
        source, options = (*after.split(" ")[1:3], "", "")[:2]
        if source.startswith(_SOURCE) and f"user_id={os.getuid()}" in options.split(","):
            account = source.removeprefix(_SOURCE)
            root = _ESCAPE.sub(lambda found: chr(int(found[1], 8)), before.split(" ")[4])
            yield Mount(account, Path(root), _socket(account, environment))


def _socket(account: str, environment: Mapping[str, str]) -> Path:
    """Where the daemon listens (docs/CONFIGURATION.md, Directories)."""
    home = Path(environment.get("HOME") or Path.home())
    runtime, state = environment.get("XDG_RUNTIME_DIR", ""), environment.get("XDG_STATE_HOME", "")
    base = Path(runtime if runtime.startswith("/") else state if state.startswith("/") else home / ".local/state")
    return base / "mountcloud" / account / "control.sock"


def _below(mount: Mount, path: str) -> str:
    below = str(Path(path).relative_to(mount.root))
    return "" if below == "." else below
