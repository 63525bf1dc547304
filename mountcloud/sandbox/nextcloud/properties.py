"""The properties of files and directories (WebDAV facts, 2)."""

import mimetypes
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from email.utils import formatdate
from xml.sax.saxutils import escape

from mountcloud.sandbox.nextcloud import tree
from mountcloud.sandbox.nextcloud.multistatus import Item, quoted
from mountcloud.sandbox.nextcloud.names import DAV, NC, OC
from mountcloud.sandbox.nextcloud.state import Sandbox
from mountcloud.sandbox.nextcloud.tree import Row, Spot

SYNC_PREFIX = "http://sabre.io/ns/sync/"
_REPORTS = "<d:supported-report><d:report><d:sync-collection/></d:report></d:supported-report>"


@dataclass(frozen=True, slots=True)
class Describer:
    """Answers for one account. ``mounts`` as of ``tree.etags_of_mounts``; ``base`` is the address of its top."""

    box: Sandbox
    account: Row
    base: str
    mounts: dict[int, list[str]]

    def item(self, spot: Spot, names: Iterable[str]) -> Item:
        """One answer of a multi-status."""
        asked = {name: self.value(spot, name) for name in names}
        found = {name: value for name, value in asked.items() if value is not None}
        return Item(self.href(spot), found, [name for name, value in asked.items() if value is None])

    def href(self, spot: Spot) -> str:
        """The address, with a slash behind a directory."""
        return self.address(spot.path, directory=spot.is_directory)

    def address(self, path: tuple[str, ...], *, directory: bool) -> str:
        """Of what is, or was, at a path."""
        return quoted(self.base + "/".join(path) + ("/" if directory and path else ""))

    def etag(self, spot: Spot) -> str:
        """In quotes."""
        return f'"{tree.seen_etag(spot.node, self.mounts)}"'

    def sync_token(self) -> str | None:
        """Where changes can be followed from (RFC 6578, 4)."""
        if not self.box.switches.sync:
            return None
        return f"{SYNC_PREFIX}{newest_change(self.box)}"

    def value(self, spot: Spot, name: str) -> str | None:
        """The XML content of a property, None if there is none."""
        own = _OWN.get(name)
        if own is not None:
            return own(self, spot)
        row = self.box.db.one("SELECT value FROM property WHERE node = ? AND name = ?", spot.node["id"], name)
        return None if row is None else str(row["value"])

    def count(self, spot: Spot, kind: str) -> str | None:
        """Direct children of a directory."""
        if not spot.is_directory:
            return None
        sql = "SELECT count(*) FROM node WHERE parent = ? AND kind = ?"
        return str(self.box.db.number(sql, spot.node["id"], kind))


def newest_change(box: Sandbox) -> int:
    """The number of the last change of any tree."""
    return box.db.number("SELECT coalesce(max(seq), 0) FROM sync_log")


def oc_id(box: Sandbox, node: int) -> str:
    """``oc:id``: the padded file id and the instance's name."""
    return f"{node:08d}{box.instance}"


def media_type(name: str) -> str:
    """By the file's name."""
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def _checksums(_: Describer, spot: Spot) -> str | None:
    text = spot.node["checksum"]
    return f"<oc:checksum>{escape(text)}</oc:checksum>" if text else None


def _for_files(value: Callable[[Row], object]) -> Callable[[Describer, Spot], str | None]:
    return lambda _, spot: None if spot.is_directory else escape(str(value(spot.node)))


def _for_directories(value: Callable[[Describer, Spot], object]) -> Callable[[Describer, Spot], str | None]:
    return lambda describer, spot: str(value(describer, spot)) if spot.is_directory else None


def _top_of_mount(_: Describer, spot: Spot) -> str:
    return "true" if spot.mount is not None or not spot.path else "false"


_OWN: dict[str, Callable[[Describer, Spot], str | None]] = {
    f"{{{DAV}}}getetag": lambda describer, spot: escape(describer.etag(spot), {'"': "&quot;"}),
    f"{{{DAV}}}getlastmodified": lambda _, spot: formatdate(spot.node["mtime"], usegmt=True),
    f"{{{DAV}}}getcontentlength": _for_files(lambda row: row["size"]),
    f"{{{DAV}}}getcontenttype": _for_files(lambda row: media_type(row["name"])),
    f"{{{DAV}}}resourcetype": lambda _, spot: "<d:collection/>" if spot.is_directory else "",
    f"{{{DAV}}}displayname": lambda _, spot: escape(spot.path[-1] if spot.path else spot.node["owner"]),
    f"{{{DAV}}}quota-used-bytes": _for_directories(lambda _, spot: spot.node["size"]),
    f"{{{DAV}}}quota-available-bytes": _for_directories(lambda each, spot: tree.available(each.box, spot)),
    f"{{{DAV}}}supported-report-set": lambda describer, _: _REPORTS if describer.box.switches.sync else "",
    f"{{{DAV}}}sync-token": lambda describer, _: describer.sync_token(),
    f"{{{OC}}}fileid": lambda _, spot: str(spot.node["id"]),
    f"{{{OC}}}id": lambda describer, spot: oc_id(describer.box, spot.node["id"]),
    f"{{{OC}}}size": lambda _, spot: str(spot.node["size"]),
    f"{{{OC}}}permissions": lambda _, spot: spot.permissions,
    f"{{{OC}}}checksums": _checksums,
    f"{{{OC}}}owner-id": lambda _, spot: escape(spot.node["owner"]),
    f"{{{OC}}}favorite": lambda *_: "0",
    f"{{{NC}}}creation_time": lambda _, spot: str(spot.node["created_at"]),
    f"{{{NC}}}upload_time": _for_files(lambda row: row["uploaded_at"]),
    f"{{{NC}}}is-mount-root": _top_of_mount,
    f"{{{NC}}}mount-type": lambda _, spot: spot.kind,
    f"{{{NC}}}contained-file-count": lambda describer, spot: describer.count(spot, "file"),
    f"{{{NC}}}contained-folder-count": lambda describer, spot: describer.count(spot, "directory"),
}
