"""JSON of DRACOON to values and back, tolerant of what is absent or unknown (DRACOON facts, 2, 5, 7, 13, 18)."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, Flag, auto

from mountcloud.crypt.keys import PrivateKeyContainer, PublicKeyContainer, WrappedFileKey
from mountcloud.model.errors import Corrupt, Unavailable
from mountcloud.model.ids import NodeId, Version
from mountcloud.model.node import Kind, Node, Rights
from mountcloud.policy.times import within_range

ROOT_ID = NodeId("0")
_BRANCH = "b"
"""Begins the version of a directory, so that a bare number always is the node id of a file."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST_MS = -62_135_596_800_000
_LATEST_MS = 253_402_300_799_999

Json = Mapping[str, object]


class NodeType(Enum):
    """The kinds of node of the service."""

    ROOM = "room"
    FOLDER = "folder"
    FILE = "file"


class Permission(Flag):
    """The caller's rights in the room that a node belongs to."""

    NONE = 0
    READ = auto()
    CREATE = auto()
    CHANGE = auto()
    DELETE = auto()
    MANAGE = auto()
    ALL = READ | CREATE | CHANGE | DELETE | MANAGE


@dataclass(frozen=True, slots=True)
class RemoteNode:
    """A node in the service's own terms. ``id`` changes with the content of a file, ``reference_id`` does not.

    ``referenced`` is False where an old service names no reference, so that new content looks like a new file.
    """

    id: int
    reference_id: int
    parent_id: int
    type: NodeType
    name: str
    size: int
    encrypted: bool
    browsable: bool
    permissions: Permission
    branch_version: str
    modified_ms: int
    md5: str | None
    referenced: bool = True

    @property
    def node_id(self) -> NodeId:
        """The identity that survives new content."""
        return NodeId(str(self.reference_id if self.type is NodeType.FILE else self.id))

    @property
    def version(self) -> Version:
        """For a file the id of its content, for a directory the mark of the last change below it, if it has one."""
        if self.type is NodeType.FILE:
            return Version(str(self.id))
        return Version(_BRANCH + self.branch_version) if self.branch_version else Version("")


@dataclass(frozen=True, slots=True)
class MissingKeys:
    """Who lacks which file keys; a user or a file may occur with several versions (DRACOON facts, 13)."""

    pairs: tuple[tuple[int, int], ...]
    users: tuple[tuple[int, PublicKeyContainer], ...]
    files: tuple[tuple[int, WrappedFileKey], ...]
    more: bool


def is_file_version(version: Version) -> bool:
    """True if this is the version of a file, and thereby the id by which its content is addressed."""
    return version.isascii() and version.isdecimal()


def mapping(value: object) -> Json:
    """The value as an object; raises ``Unavailable`` for a broken answer."""
    if not isinstance(value, dict):
        raise Unavailable("the service's answer has an unknown form")
    return value


def items(answer: Json, name: str = "items") -> list[Json]:
    """The objects of a list; absent means none."""
    value = answer.get(name)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def listed(answer: Json) -> list[Json]:
    """The objects of a list that must be there: raises ``Unavailable`` rather than take a broken one for empty."""
    value = answer.get("items")
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise Unavailable("the service's list has an unknown form")
    return value


def total(answer: Json) -> int | None:
    """How many items the whole list has, where the answer says so."""
    listed = answer.get("range")
    return integer(listed, "total") if isinstance(listed, dict) else None


def integer(source: Json, name: str) -> int | None:
    """A whole number, None if it is absent or something else."""
    value = source.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def text(source: Json, name: str) -> str:
    """A text, empty if it is absent or something else."""
    value = source.get(name)
    return value if isinstance(value, str) else ""


def remote_node(source: object) -> RemoteNode:
    """A node object; raises ``Unavailable`` if even its id, name or type is missing."""
    found = mapping(source)
    number, name = integer(found, "id"), text(found, "name")
    if number is None or not name or found.get("type") not in {kind.value for kind in NodeType}:
        raise Unavailable("the service described a node without id, name or type")
    modified_ms = _time_ms(found, "timestampModification")
    return RemoteNode(
        id=number,
        reference_id=integer(found, "referenceId") or number,
        parent_id=integer(found, "parentId") or 0,
        type=NodeType(found["type"]),
        name=name,
        size=max(integer(found, "size") or 0, 0),
        encrypted=found.get("isEncrypted") is True,
        browsable=found.get("isBrowsable") is not False,
        permissions=_permissions(found.get("permissions")),
        branch_version=str(integer(found, "branchVersion") or ""),
        modified_ms=(_time_ms(found, "updatedAt") or 0) if modified_ms is None else modified_ms,
        md5=text(found, "hash").lower() or None,
        referenced=integer(found, "referenceId") is not None,
    )


def to_node(remote: RemoteNode, *, superior_managed: bool | None = None) -> Node:
    """The node in our terms. ``superior_managed`` tells, for a sub-room, if its superior room is ours to manage."""
    is_file = remote.type is NodeType.FILE
    return Node(
        id=remote.node_id,
        parent=NodeId(str(remote.parent_id)),
        name=remote.name,
        kind=Kind.FILE if is_file else Kind.DIRECTORY,
        size=remote.size if is_file else 0,
        version=remote.version,
        mtime_ns=within_range(remote.modified_ms * 1_000_000),
        rights=rights(remote, superior_managed=superior_managed),
        encrypted=remote.encrypted,
    )


def rights(remote: RemoteNode, *, superior_managed: bool | None = None) -> Rights:
    """What the account may do (DRACOON facts, 18). Rooms never move.

    A room's name and life belong to the superior room; at the top level, or where that is unknown, its own
    administration decides.
    """
    match remote.type:
        case NodeType.FILE:
            return _inner_rights(remote.permissions) | _file_rights(remote.permissions)
        case NodeType.FOLDER:
            return _inner_rights(remote.permissions) | _container_rights(remote.permissions)
        case NodeType.ROOM:
            return _room_rights(remote, superior_managed)


def _inner_rights(held: Permission) -> Rights:
    """What files and folders have in common."""
    found = Rights.READ if Permission.READ in held else Rights.NONE
    if Permission.CHANGE in held:
        found |= Rights.RENAME | Rights.SET_TIMES
    if Permission.DELETE in held:
        found |= Rights.DELETE
        found |= Rights.MOVE if Permission.READ in held else Rights.NONE
    return found


def _file_rights(held: Permission) -> Rights:
    """Overwriting needs both rights, since the old content makes way."""
    return Rights.WRITE if Permission.CREATE | Permission.DELETE in held else Rights.NONE


def _container_rights(held: Permission) -> Rights:
    inside = Rights.CREATE_FILES | Rights.CREATE_DIRECTORIES | Rights.MOVE_IN
    return inside if Permission.CREATE in held else Rights.NONE


def _room_rights(remote: RemoteNode, superior_managed: bool | None) -> Rights:
    found = _container_rights(remote.permissions)
    if Permission.READ in remote.permissions or remote.browsable:
        found |= Rights.READ
    managed = Permission.MANAGE in remote.permissions
    if remote.parent_id and superior_managed is not None:
        managed = superior_managed
    return found | Rights.RENAME | Rights.SET_TIMES | Rights.DELETE if managed else found


def _permissions(source: object) -> Permission:
    """Without a statement everything is tried, since the service decides in any case."""
    if not isinstance(source, dict):
        return Permission.ALL
    held = Permission.NONE
    for permission in Permission.ALL:
        if source.get((permission.name or "").lower()) is True:
            held |= permission
    return held


def parse_time_ms(value: str) -> int | None:
    """Milliseconds since the epoch of an ISO 8601 date with or without fractions or zone; None if it is none."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def format_time(mtime_ns: int) -> str:
    """The service's form of a time, rounded down to its milliseconds."""
    milliseconds = min(max(mtime_ns // 1_000_000, _EARLIEST_MS), _LATEST_MS)
    moment = _EPOCH + timedelta(milliseconds=milliseconds)
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _time_ms(source: Json, name: str) -> int | None:
    value = source.get(name)
    return parse_time_ms(value) if isinstance(value, str) else None


def private_key(source: object) -> PrivateKeyContainer:
    """A locked private key."""
    found = mapping(source)
    return PrivateKeyContainer(text(found, "version"), text(found, "privateKey"))


def public_key(source: object) -> PublicKeyContainer:
    """A public key."""
    found = mapping(source)
    return PublicKeyContainer(text(found, "version"), text(found, "publicKey"))


def private_key_json(container: PrivateKeyContainer) -> dict[str, str]:
    """The form in which the service takes a locked private key."""
    return {"version": container.version, "privateKey": container.private_key}


def public_key_json(container: PublicKeyContainer) -> dict[str, str]:
    """The form in which the service takes a public key."""
    return {"version": container.version, "publicKey": container.public_key}


def file_key(source: object) -> WrappedFileKey:
    """A wrapped file key; raises ``Corrupt`` if a part of it is not base64."""
    found = mapping(source)
    try:
        parts = [base64.b64decode(text(found, name), validate=True) for name in ("key", "iv", "tag")]
    except binascii.Error:
        raise Corrupt("a file key is not base64") from None
    return WrappedFileKey(parts[0], parts[1], parts[2], text(found, "version"))


def file_key_json(wrapped: WrappedFileKey) -> dict[str, str]:
    """The form in which the service takes it."""
    parts = {"key": wrapped.key, "iv": wrapped.iv, "tag": wrapped.tag}
    return {"version": wrapped.version, **{name: base64.b64encode(part).decode() for name, part in parts.items()}}


def missing_keys(source: object) -> MissingKeys:
    """One page of missing file keys; whatever in it cannot be read is left out, since the rest is still useful."""
    answer = mapping(source)
    found = items(answer)
    numbers = [(integer(item, "userId"), integer(item, "fileId")) for item in found]
    users = [(integer(user, "id"), user.get("publicKeyContainer")) for user in items(answer, "users")]
    return MissingKeys(
        pairs=tuple((user, file) for user, file in numbers if user is not None and file is not None),
        users=tuple((user, public_key(key)) for user, key in users if user is not None and isinstance(key, dict)),
        files=tuple(_readable_file_keys(answer)),
        more=(total(answer) or 0) > len(found),
    )


def _readable_file_keys(answer: Json) -> list[tuple[int, WrappedFileKey]]:
    readable = []
    for file in items(answer, "files"):
        number = integer(file, "id")
        try:
            wrapped = file_key(file.get("fileKeyContainer"))
        except (Corrupt, Unavailable):
            continue
        if number is not None:
            readable.append((number, wrapped))
    return readable
