"""Nodes with any number of parents, names that are unique without regard to case, and the journal of changes."""

import json
import secrets
import sqlite3
import time
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from mountcloud.sandbox.amazon.errors import Refusal, bad, name_taken, no_such_node
from mountcloud.sandbox.amazon.state import Past, Sandbox, now_ms
from mountcloud.sandbox.database import Value

Row = sqlite3.Row
AVAILABLE, TRASH, PENDING, PURGED = "AVAILABLE", "TRASH", "PENDING", "PURGED"
_MOST_CHARACTERS = 256
_TOP = "SELECT 1 FROM customer WHERE root = ?"


def new_id() -> str:
    """22 characters (Amazon facts, 5)."""
    return secrets.token_urlsafe(16)


def date_text(milliseconds: int) -> str:
    """``2016-02-03T10:11:12.345Z``."""
    whole = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"


def name_key(name: str) -> str:
    """Names with one key are one name."""
    return unicodedata.normalize("NFC", name).casefold()


def get(box: Sandbox, customer: int, node: str) -> Row | None:
    """A node of this customer, in whatever state it is."""
    return box.db.one("SELECT * FROM node WHERE id = ? AND customer = ?", node, customer)


def need(box: Sandbox, customer: int, node: str) -> Row:
    """The same; 404."""
    row = get(box, customer, node)
    if row is None:
        raise no_such_node(node)
    return row


def need_folder(box: Sandbox, customer: int, node: str) -> Row:
    """A folder in which something can be put: 404 if it is none, 400 if it is a file, 403 if it is in the trash."""
    row = need(box, customer, node)
    if row["kind"] != "FOLDER":
        raise bad(f"Node {node} is not a folder")
    if row["status"] != AVAILABLE:
        raise Refusal(403, f"Parent {node} is in trash", "PARENT_IN_TRASH")
    return row


def parents(box: Sandbox, node: str) -> list[str]:
    """Folder ids, the oldest link first."""
    return [row["parent"] for row in box.db.all("SELECT parent FROM link WHERE child = ? ORDER BY position", node)]


def children(box: Sandbox, node: str) -> list[Row]:
    """All children in whatever state they are."""
    sql = "SELECT node.* FROM node JOIN link ON link.child = node.id WHERE link.parent = ? ORDER BY node.number"
    return box.db.all(sql, node)


def below(box: Sandbox, node: str) -> Iterator[Row]:
    """Everything under a folder, each node once; folders may lead in circles."""
    seen, waiting = {node}, [node]
    while waiting:
        for row in children(box, waiting.pop()):
            if row["id"] not in seen:
                seen.add(row["id"])
                waiting.append(row["id"])
                yield row


def is_root(box: Sandbox, node: str) -> bool:
    """True for the top of a customer's tree."""
    return box.db.one(_TOP, node) is not None


def check_name(name: object) -> str:
    """400 for what cannot be a name (Amazon facts, 12)."""
    if not isinstance(name, str) or not name or len(name) > _MOST_CHARACTERS or "/" in name or "\0" in name:
        raise bad("The name is invalid")
    return name


def check_free(box: Sandbox, folders: Iterable[str], name: str, own: str = "") -> None:
    """409 if an available child of one of these folders has the name; names of trashed nodes block nothing."""
    sql = (
        "SELECT node.id FROM node JOIN link ON link.child = node.id"
        " WHERE link.parent = ? AND node.name_key = ? AND node.status = 'AVAILABLE' AND node.id != ?"
    )
    for folder in folders:
        row = box.db.one(sql, folder, name_key(name), own)
        if row is not None:
            raise name_taken(name, folder, row["id"])


def add(box: Sandbox, customer: int, kind: str, name: str, folders: Sequence[str], **columns: Value) -> str:
    """A new node; its id."""
    node, now = new_id(), now_ms()
    values: dict[str, Value] = {"id": node, "customer": customer, "kind": kind, "name": name}
    values |= {"name_key": name_key(name), "status": AVAILABLE, "version": 1, "created_at": now, "modified_at": now}
    values |= {"created_by": f"mountcloud-u{customer}", "etag": secrets.token_urlsafe(8)}
    _remember(box, customer, node)
    box.db.insert("node", values | columns)
    for position, folder in enumerate(folders):
        box.db.insert("link", {"child": node, "parent": folder, "position": position})
    record(box, customer, node)
    return node


def change(box: Sandbox, row: Row, **columns: Value) -> None:
    """Change columns; version, date and tag move along."""
    _remember(box, row["customer"], row["id"])
    sets = "".join(f"{name} = ?, " for name in columns)
    sql = f"UPDATE node SET {sets}version = version + 1, modified_at = ?, etag = ? WHERE id = ?"  # noqa: S608 - our names
    box.db.run(sql, *columns.values(), now_ms(), secrets.token_urlsafe(8), row["id"])
    record(box, row["customer"], row["id"])


def set_parents(box: Sandbox, row: Row, folders: Sequence[str]) -> None:
    """Replace all links; a node without any is put at the top (Amazon facts, 9)."""
    top = box.db.one("SELECT root FROM customer WHERE id = ?", row["customer"])
    kept = list(dict.fromkeys(folders)) or [top["root"] if top else ""]
    change(box, row)
    box.db.run("DELETE FROM link WHERE child = ?", row["id"])
    for position, folder in enumerate(kept):
        box.db.insert("link", {"child": row["id"], "parent": folder, "position": position})


def record(box: Sandbox, customer: int, node: str) -> None:
    """Write down that a node was touched."""
    box.db.insert("journal", {"customer": customer, "node": node})


def _remember(box: Sandbox, customer: int, node: str) -> None:
    row = get(box, customer, node)
    before = None if row is None else present(box, row)
    box.past.append(Past(time.monotonic(), customer, node, before))


def purge(box: Sandbox, row: Row) -> None:
    """The node is gone for good; only the journal remembers it."""
    box.doom(row["blob"])
    for table, column in (("node", "id"), ("link", "child"), ("property", "node")):
        box.db.run(f"DELETE FROM {table} WHERE {column} = ?", row["id"])  # noqa: S608 - our names
    record(box, row["customer"], row["id"])


def present(box: Sandbox, row: Row, owner: str = "") -> dict[str, object]:
    """The node object (Amazon facts, 5). Only properties of ``owner`` are shown, all without one."""
    shown: dict[str, object] = {"id": row["id"], "kind": row["kind"], "status": row["status"]}
    if is_root(box, row["id"]):
        shown["isRoot"] = True
    else:
        shown["name"] = row["name"]
    shown |= {"version": row["version"], "parents": parents(box, row["id"])}
    shown |= {"createdDate": date_text(row["created_at"]), "modifiedDate": date_text(row["modified_at"])}
    shown |= {"createdBy": row["created_by"], "labels": json.loads(row["labels"]), "restricted": False}
    shown |= {"isShared": False, "eTagResponse": row["etag"]}
    if row["description"] is not None:
        shown["description"] = row["description"]
    if row["kind"] == "FILE" and row["md5"] is not None:
        shown["contentProperties"] = _content(row)
    found = properties(box, row["id"], owner)
    return shown | ({"properties": found} if found else {})


def properties(box: Sandbox, node: str, owner: str = "") -> dict[str, dict[str, str]]:
    """By owner and key."""
    found: dict[str, dict[str, str]] = {}
    for row in box.db.all("SELECT * FROM property WHERE node = ? AND ? IN ('', owner)", node, owner):
        found.setdefault(row["owner"], {})[row["key"]] = row["value"]
    return found


def _content(row: Row) -> Mapping[str, object]:
    extension = row["name"].rpartition(".")[2] if "." in row["name"] else ""
    content = {"size": row["size"], "md5": row["md5"], "version": row["content_version"]}
    content |= {"contentType": row["content_type"], "contentDate": date_text(row["content_at"])}
    return content | ({"extension": extension} if extension else {})
