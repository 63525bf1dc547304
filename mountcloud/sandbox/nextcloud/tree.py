"""The trees: where a path leads for an account, ETags that rise to the top, sizes, quota."""

import hashlib
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mountcloud.sandbox.nextcloud.errors import Refusal, invalid_path, not_found
from mountcloud.sandbox.nextcloud.names import objection
from mountcloud.sandbox.nextcloud.state import Sandbox, now

Row = sqlite3.Row
ALL = "RGDNVCKW"
_ABOVE = """
WITH RECURSIVE up (n) AS (SELECT ? UNION ALL SELECT parent FROM node JOIN up ON id = n WHERE parent IS NOT NULL)
SELECT n FROM up
"""
_TOUCH = """
WITH RECURSIVE up (n) AS (SELECT ? UNION ALL SELECT parent FROM node JOIN up ON id = n WHERE parent IS NOT NULL)
UPDATE node SET etag = ?, mtime = max(mtime, ?), size = size + ? WHERE id IN (SELECT n FROM up)
"""
_BELOW = """
WITH RECURSIVE down (n) AS (SELECT ? UNION ALL SELECT id FROM node JOIN down ON parent = n)
SELECT node.* FROM node JOIN down ON id = n
"""


@dataclass(frozen=True, slots=True)
class Spot:
    """A node as one account meets it. ``mount`` is set at the top of a share or an external storage."""

    node: Row
    path: tuple[str, ...]
    allowed: str
    kind: str
    mount: Row | None = None

    @property
    def is_directory(self) -> bool:
        """True if it can have children."""
        return bool(self.node["kind"] == "directory")

    @property
    def permissions(self) -> str:
        """``oc:permissions`` (WebDAV facts, 2)."""
        letters = "RGDNV" + ("CK" if self.is_directory else "W")
        shared = "S" if self.kind == "shared" else ""
        mounted = "M" if self.mount is not None else ""
        own = "DNV" if self.mount is not None else ""  # one's own mount point may always be renamed and left
        rights = "".join(each for each in letters if each in self.allowed or each in own)
        return rights.replace("R", f"{shared}R{mounted}") if "R" in rights else shared + mounted + rights

    def need(self, letters: str) -> None:
        """Raise 403 unless all of these rights are there."""
        if any(each not in self.permissions for each in letters):
            raise Refusal(403, f"No permission for {'/'.join(self.path)}")


def home(box: Sandbox, account: Row) -> Spot:
    """The top of the account's files."""
    return Spot(by_id(box, account["home"]), (), ALL, "")


def by_id(box: Sandbox, node: int) -> Row:
    """A node that must be there."""
    return need_row(box, "node", node)


def need_row(box: Sandbox, table: str, number: int) -> Row:
    """A row that must be there; the table's name comes from the code."""
    row = box.db.one(f"SELECT * FROM {table} WHERE id = ?", number)  # noqa: S608 - the name is ours
    if row is None:
        raise not_found(f"#{number}")
    return row


def child(box: Sandbox, account: Row, above: Spot, name: str) -> Spot | None:
    """What is called so in a directory, for this account."""
    row = box.db.one("SELECT * FROM node WHERE parent = ? AND name = ?", above.node["id"], name)
    if row is not None:
        return Spot(row, (*above.path, name), above.allowed, above.kind)
    sql = "SELECT * FROM mount WHERE account = ? AND parent = ? AND name = ?"
    mount = box.db.one(sql, account["id"], above.node["id"], name)
    return None if mount is None else _mounted(box, above, mount)


def _mounted(box: Sandbox, above: Spot, mount: Row) -> Spot:
    row = by_id(box, mount["node"])
    return Spot(row, (*above.path, mount["name"]), mount["permissions"], mount["kind"], mount)


def children(box: Sandbox, account: Row, above: Spot) -> Iterator[Spot]:
    """All children; a look at a directory of an external storage finds what was changed there behind the server."""
    scan(box, above.node["id"])
    for row in box.db.all("SELECT * FROM node WHERE parent = ? ORDER BY name", above.node["id"]):
        yield Spot(row, (*above.path, row["name"]), above.allowed, above.kind)
    sql = "SELECT * FROM mount WHERE account = ? AND parent = ?"
    for mount in box.db.all(sql, account["id"], above.node["id"]):
        yield _mounted(box, above, mount)


def look(box: Sandbox, account: Row, path: Sequence[str]) -> Spot | None:
    """Where a path leads, None if nowhere."""
    spot: Spot | None = home(box, account)
    for name in path:
        if spot is None or not spot.is_directory:
            return None
        spot = child(box, account, spot, name)
    return spot


def need(box: Sandbox, account: Row, path: Sequence[str]) -> Spot:
    """Where a path leads; 404."""
    spot = look(box, account, path)
    if spot is None:
        raise not_found("/".join(path))
    return spot


def parent_of(box: Sandbox, account: Row, path: Sequence[str]) -> Spot:
    """The directory in which something is to be made; 409 if there is none, 400 for a name that is forbidden."""
    if not path:
        raise Refusal(403, "This is the top")
    found = objection(path[-1], windows=box.switches.windows_names)
    if found:
        raise invalid_path(found)
    spot = look(box, account, path[:-1])
    if spot is None or not spot.is_directory:
        raise Refusal(409, "Parent node does not exist")
    return spot


def touch(box: Sandbox, node: int, *, delta: int = 0, mtime: int | None = None) -> None:
    """One fresh ETag for the node and everything above it (WebDAV facts, 2: propagation)."""
    box.db.run(_TOUCH, node, fresh_etag(), now() if mtime is None else mtime, delta)


def fresh_etag() -> str:
    """As PHP's uniqid."""
    return secrets.token_hex(7)[:13]


def add(box: Sandbox, owner: str, kind: str, parent: int | None, name: str, **columns: str | int | None) -> int:
    """A new node; what is above it is not told."""
    times = {"mtime": now(), "created_at": now(), "uploaded_at": now()}
    base = {"parent": parent, "name": name, "kind": kind, "owner": owner, "etag": fresh_etag()}
    box.db.insert("node", {**base, **times, **columns})
    return box.db.number("SELECT last_insert_rowid()")


def above(box: Sandbox, node: int) -> list[int]:
    """The node and everything above it."""
    return [row["n"] for row in box.db.all(_ABOVE, node)]


def names_of(box: Sandbox, node: int) -> list[str]:
    """The names on the way from the top of its tree to a node."""
    return [by_id(box, each)["name"] for each in above(box, node)[-2::-1]]


def below(box: Sandbox, node: int) -> list[Row]:
    """The node and everything below it."""
    return box.db.all(_BELOW, node)


def allowed(box: Sandbox, account: Row, node: int) -> str:
    """What the account may do with a node, wherever it meets it; empty if nowhere."""
    ids = above(box, node)
    if ids[-1] == account["home"]:
        return ALL
    marks = ", ".join("?" * len(ids))
    sql = f"SELECT permissions FROM mount WHERE account = ? AND node IN ({marks})"  # noqa: S608 - marks alone
    return "".join(row["permissions"] for row in box.db.all(sql, account["id"], *ids))


def etags_of_mounts(box: Sandbox, account: Row) -> dict[int, list[str]]:
    """For every directory above a mount point, the ETags of what is mounted below it."""
    found: dict[int, list[str]] = {}
    sql = "SELECT mount.parent AS place, etag FROM mount JOIN node ON node.id = mount.node WHERE account = ?"
    for row in box.db.all(f"{sql} ORDER BY mount.id", account["id"]):
        for node in above(box, row["place"]):
            found.setdefault(node, []).append(row["etag"])
    return found


def seen_etag(node: Row, mounts: dict[int, list[str]]) -> str:
    """A directory's ETag covers the mounts below it, which are storages of their own (WebDAV facts, 2)."""
    etags = mounts.get(node["id"])
    if not etags:
        return str(node["etag"])
    return hashlib.md5("::".join([node["etag"], *etags]).encode(), usedforsecurity=False).hexdigest()


def scan(box: Sandbox, directory: int) -> None:
    """Take in what was put into this directory of an external storage behind the server's back."""
    for row in box.db.all("SELECT * FROM unscanned WHERE parent = ?", directory):
        box.db.run("DELETE FROM unscanned WHERE parent = ? AND name = ?", directory, row["name"])
        old = box.db.one("SELECT * FROM node WHERE parent = ? AND name = ?", directory, row["name"])
        size = 0 if row["blob"] is None else box.blobs.size(row["blob"])
        if row["blob"] is None and old is not None:
            box.db.run("DELETE FROM node WHERE id = ?", old["id"])
        elif old is not None:
            values = {"blob": row["blob"], "size": size, "mtime": row["mtime"], "etag": fresh_etag()}
            box.db.update("node", old["id"], values)
        elif row["blob"] is not None:
            owner = by_id(box, directory)["owner"]
            add(box, owner, "file", directory, row["name"], blob=row["blob"], size=size, mtime=row["mtime"])
        touch(box, directory, delta=size - (0 if old is None else old["size"]))


def available(box: Sandbox, spot: Spot) -> int:
    """``quota-available-bytes`` of the storage that a directory is in; negative numbers as the service gives them."""
    owner = box.db.one("SELECT * FROM account WHERE id = ?", spot.node["owner"])
    if owner is None or spot.kind == "external":
        return -2
    if owner["quota"] < 0:
        return int(owner["quota"])
    return max(0, int(owner["quota"]) - int(by_id(box, owner["home"])["size"]))


def check_room(box: Sandbox, spot: Spot, size: int) -> None:
    """507 unless so many bytes more fit."""
    free = available(box, spot)
    if box.switches.disk_full or 0 <= free < size:
        raise Refusal(507, f"Insufficient space in {'/'.join(spot.path)}, {free} available, {size} needed")
