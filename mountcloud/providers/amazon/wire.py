"""JSON of the service to values and back, tolerant of what is absent or unknown (Amazon facts, 5 and 10)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from mountcloud.model.errors import Unavailable
from mountcloud.model.ids import NodeId, Version
from mountcloud.model.node import SHARED_MODE, Kind, Node, Rights

ROOT_RIGHTS = Rights.ALL & ~(Rights.RENAME | Rights.MOVE | Rights.DELETE)
TIMES = "mtime"
"""The key of our property: modification times in nanoseconds by the version of the content to which they belong, as
JSON. The last two are kept, so that a time can be written down before its content arrives."""

MODE = "mode"
"""The key of another property of ours: permission bits, in octal digits."""

_NO_CONTENT = 0
_MOST_CHARACTERS = 500
_MOST_DIGITS = 5

Json = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class RemoteNode:
    """A node in the service's own terms; it may be in several folders. ``md5`` is empty where none is told.

    ``modified_ns`` is of the content, ``changed_ns`` of anything about the node.
    ``times`` are our own modification times by version of the content; a folder's has the number 0.
    """

    id: str
    kind: str
    name: str
    status: str
    parents: tuple[str, ...]
    version: int
    is_root: bool = False
    size: int = 0
    md5: str = ""
    content_version: int = _NO_CONTENT
    modified_ns: int = 0
    changed_ns: int = 0
    times: Mapping[int, int] = field(default_factory=dict)
    mode: int | None = None

    @property
    def is_folder(self) -> bool:
        """True if it can have children."""
        return self.kind == "FOLDER"

    @property
    def is_there(self) -> bool:
        """True unless it is in the trash, gone, unfinished, or of a kind that is no file."""
        named = bool(self.name) or self.is_root
        return self.status == "AVAILABLE" and self.kind in {"FILE", "FOLDER"} and named

    @property
    def revision(self) -> Version:
        """Of a file's content; folders have none."""
        return Version("") if self.is_folder else Version(f"{self.content_version}-{self.md5}")

    @property
    def mtime_ns(self) -> int:
        """Ours if it belongs to this content, else the service's own, which moves at every change."""
        return self.times.get(self.content_version, self.modified_ns)

    def with_time(self, content_version: int, mtime_ns: int) -> "RemoteNode":
        """The same with one more time, as the service has it after our property was written."""
        times = {number: each for number, each in self.times.items() if number != content_version}
        kept = dict(sorted(times.items())[-1:]) | {content_version: mtime_ns}
        return replace(self, times=kept, version=self.version + 1)


def md5_of(version: Version) -> str:
    """The hash in the version of a file, empty if the service told none."""
    return version.partition("-")[2]


def node(shown: object, owner: str) -> RemoteNode:
    """From a node object; raises ``Unavailable`` for something else."""
    found = mapping(shown)
    content = found.get("contentProperties")
    about = content if isinstance(content, dict) else {}
    return RemoteNode(
        id=_required(found, "id"),
        kind=text(found, "kind"),
        name=text(found, "name"),
        status=text(found, "status"),
        parents=_texts(found.get("parents")),
        version=number(found, "version"),
        is_root=found.get("isRoot") is True,
        size=number(about, "size"),
        md5=text(about, "md5").lower(),
        content_version=number(about, "version"),
        modified_ns=_nanoseconds(text(about, "contentDate") or text(found, "modifiedDate")),
        changed_ns=_nanoseconds(text(found, "modifiedDate")),
        times=_times(_ours(found.get("properties"), owner, TIMES)),
        mode=_mode(_ours(found.get("properties"), owner, MODE)),
    )


def to_node(remote: RemoteNode, id: NodeId, parent: NodeId | None) -> Node:
    """In our terms, at one of its places."""
    kind = Kind.DIRECTORY if remote.is_folder else Kind.FILE
    rights = ROOT_RIGHTS if remote.is_root else Rights.ALL
    size = 0 if remote.is_folder else remote.size
    return Node(id, parent, remote.name, kind, size, remote.revision, remote.mtime_ns, rights, mode=remote.mode)


def times_value(times: Mapping[int, int]) -> str:
    """The value of our property."""
    value = json.dumps({str(number): mtime_ns for number, mtime_ns in sorted(times.items())}, separators=(",", ":"))
    if len(value) > _MOST_CHARACTERS:
        raise ValueError("times of two contents always fit")
    return value


def mapping(value: object) -> Json:
    """The value as an object; raises ``Unavailable`` for a broken answer."""
    if not isinstance(value, dict):
        raise Unavailable("the service's answer has an unknown form")
    return value


def listed(page: Json) -> list[object]:
    """The nodes of a page: raises ``Unavailable`` rather than take a broken one for empty."""
    found = page.get("data")
    if not isinstance(found, list):
        raise Unavailable("the service's list has an unknown form")
    return found


def text(found: Json, name: str) -> str:
    """A string, empty if it is absent."""
    value = found.get(name)
    return value if isinstance(value, str) else ""


def number(found: Json, name: str) -> int:
    """A whole number, 0 if it is absent."""
    value = found.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _required(found: Json, name: str) -> str:
    value = text(found, name)
    if not value:
        raise Unavailable(f"the service's answer lacks {name!r}")
    return value


def _texts(value: object) -> tuple[str, ...]:
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def _nanoseconds(date: str) -> int:
    try:
        moment = datetime.fromisoformat(date)
    except ValueError:
        return 0
    return int(moment.timestamp()) * 10**9 + moment.microsecond * 1000


def _ours(properties: object, owner: str, key: str) -> str:
    """What we wrote down, empty if nothing."""
    ours = properties.get(owner) if isinstance(properties, dict) else None
    value = ours.get(key) if isinstance(ours, dict) else None
    return value if isinstance(value, str) else ""


def mode_value(mode: int) -> str:
    """The value of the property."""
    return f"{mode:04o}"


def _mode(value: str) -> int | None:
    """Anything that others put there counts for nothing."""
    octal = 0 < len(value) <= _MOST_DIGITS and set(value) <= set("01234567")
    return int(value, 8) & SHARED_MODE if octal else None


def _times(value: str) -> dict[int, int]:
    """Anything that others put there counts for nothing."""
    try:
        found = json.loads(value or "{}")
    except ValueError:
        return {}
    pairs = found.items() if isinstance(found, dict) else ()
    return {int(key): value for key, value in pairs if key.isdecimal() and type(value) is int}
