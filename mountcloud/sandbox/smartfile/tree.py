"""The tree of one account: where a path leads, what is below it, who may do what."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mountcloud.sandbox.database import Value
from mountcloud.sandbox.smartfile.errors import Refusal, forbidden, not_found
from mountcloud.sandbox.smartfile.state import Sandbox

Row = sqlite3.Row
Path = tuple[str, ...]
_BELOW = """
WITH RECURSIVE down (n) AS (SELECT ? UNION ALL SELECT id FROM node JOIN down ON parent = n)
SELECT node.* FROM node JOIN down ON id = n
"""
_MAX_NAME = 255


@dataclass(frozen=True, slots=True)
class Spot:
    """A node and the path to it. ``denied`` has the letters of what may not be done: list, read, write, remove."""

    node: Row
    path: Path
    denied: str

    @property
    def is_directory(self) -> bool:
        """True if it can have children."""
        return bool(self.node["is_directory"])

    @property
    def text(self) -> str:
        """The path as the service writes it."""
        return written(self.path)

    def need(self, letter: str) -> None:
        """403 unless this may be done."""
        if letter in self.denied:
            raise forbidden(f"do this to {self.text}")


def written(path: Path) -> str:
    """Absolute, without a slash at the end."""
    return "/" + "/".join(path)


def split(text: str) -> Path:
    """Slashes at both ends mean nothing, several are one (SmartFile facts, 1)."""
    return tuple(name for name in text.split("/") if name)


def look(box: Sandbox, account: Row, path: Sequence[str]) -> Spot | None:
    """Where a path leads, None if nowhere."""
    node = box.db.one("SELECT * FROM node WHERE id = ?", account["root"])
    denied = ""
    for name in path:
        if node is None:
            return None
        denied += node["denied"]
        node = box.db.one("SELECT * FROM node WHERE parent = ? AND name = ?", node["id"], name)
    return None if node is None else Spot(node, tuple(path), denied + node["denied"])


def need(box: Sandbox, account: Row, path: Sequence[str]) -> Spot:
    """Where a path leads; 404."""
    spot = look(box, account, path)
    if spot is None:
        raise not_found(written(tuple(path)))
    return spot


def need_directory(box: Sandbox, account: Row, path: Sequence[str]) -> Spot:
    """A directory into which something is to be put; 409 (SmartFile facts, 6), 403."""
    spot = look(box, account, path)
    if spot is None or not spot.is_directory:
        raise Refusal(409, f"{written(tuple(path))} is no directory")
    spot.need("w")
    return spot


def checked(name: str) -> str:
    """400 for what can be no name."""
    if not name or name in {".", ".."} or "/" in name or "\0" in name or len(name.encode()) > _MAX_NAME:
        raise Refusal(400, "Invalid name", fields={"field_errors": {"name": [f"{name!r} is no name"]}})
    return name


def children(box: Sandbox, directory: Spot) -> list[Spot]:
    """All that is directly in it, by name."""
    rows = box.db.all("SELECT * FROM node WHERE parent = ? ORDER BY name", directory.node["id"])
    return [Spot(row, (*directory.path, row["name"]), directory.denied + row["denied"]) for row in rows]


def below(box: Sandbox, node: int) -> list[Row]:
    """The node and everything below it."""
    return box.db.all(_BELOW, node)


def walk_up(box: Sandbox, spot: Spot) -> Iterator[Spot]:
    """Everything below it, deepest first, then itself."""
    for child in children(box, spot) if spot.is_directory else ():
        yield from walk_up(box, child)
    yield spot


def add_directory(box: Sandbox, parent: Spot, name: str) -> int:
    """A new directory; its id."""
    values = {"parent": parent.node["id"], "name": checked(name), "is_directory": 1, "time": int(box.now())}
    box.db.insert("node", values)
    return box.db.number("SELECT last_insert_rowid()")


def put_file(box: Sandbox, account: Row, path: Path, blob: str) -> Spot:
    """A file with these bytes, new or in the place of the old content; 409 over a directory, 403."""
    parent = need_directory(box, account, path[:-1])
    values: dict[str, Value] = {"size": box.blobs.size(blob), "time": int(box.now()), "blob": blob}
    old = look(box, account, path)
    if old is None:
        name = checked(path[-1] if path else "")
        box.db.insert("node", {"parent": parent.node["id"], "name": name, "is_directory": 0, **values})
        return need(box, account, path)
    if old.is_directory:
        raise Refusal(409, f"{old.text} is a directory")
    old.need("w")
    box.doom(old.node["blob"])
    box.db.update("node", old.node["id"], values)
    return need(box, account, path)


def relocate(box: Sandbox, spot: Spot, parent: Spot, name: str) -> None:
    """The same node in another place; 400 for a directory into itself."""
    if parent.path[: len(spot.path)] == spot.path:
        raise Refusal(400, "Invalid path", fields={"dst": ["a directory cannot be put into itself"]})
    box.db.update("node", spot.node["id"], {"parent": parent.node["id"], "name": checked(name)})


def remove(box: Sandbox, spot: Spot) -> None:
    """With everything below it."""
    box.doom(*(row["blob"] for row in below(box, spot.node["id"])))
    box.db.run("DELETE FROM node WHERE id = ?", spot.node["id"])


def copy(box: Sandbox, spot: Spot, parent: int, name: str) -> None:
    """New nodes with the same bytes."""
    old = spot.node
    values = {"parent": parent, "name": name, "is_directory": old["is_directory"], "size": old["size"]}
    blob = None
    if old["blob"] is not None:
        blob = box.blobs.new()
        box.blobs.write(blob, box.blobs.path(old["blob"]).read_bytes(), 0)
    box.db.insert("node", {**values, "time": int(box.now()), "blob": blob})
    made = box.db.number("SELECT last_insert_rowid()")
    for child in children(box, spot) if spot.is_directory else ():
        copy(box, child, made, child.node["name"])
