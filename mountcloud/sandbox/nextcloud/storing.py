"""What changes a tree: contents with their versions, moves, copies, the way to the trash bin."""

from dataclasses import dataclass

from mountcloud.sandbox.nextcloud import tree
from mountcloud.sandbox.nextcloud.errors import Refusal
from mountcloud.sandbox.nextcloud.state import Sandbox, now
from mountcloud.sandbox.nextcloud.tree import Row, Spot


@dataclass(frozen=True, slots=True)
class Incoming:
    """Received bytes, and what was said of them."""

    blob: str
    size: int
    mtime: int | None = None
    checksum: str = ""


def need_unlocked(node: Row) -> None:
    """423 while somebody else works on it."""
    if node["locked"]:
        raise Refusal(423, f'"{node["name"]}" is locked')


def check_target(box: Sandbox, above: Spot, existing: Spot | None, size: int) -> None:
    """May so many bytes be put there? 403, 409, 423, 507."""
    if existing is None:
        above.need("C")
        tree.check_room(box, above, size)
        return
    if existing.is_directory:
        raise Refusal(409, "PUT is not allowed on non-files.")
    existing.need("W")
    need_unlocked(existing.node)
    tree.check_room(box, above, size - existing.node["size"])


def put(box: Sandbox, above: Spot, name: str, existing: Spot | None, incoming: Incoming) -> int:
    """A new file, or new content in place: fileid and versions stay (WebDAV facts, 2: writing). Its id."""
    mtime = now() if incoming.mtime is None else incoming.mtime
    columns: dict[str, str | int | None] = {"blob": incoming.blob, "size": incoming.size}
    columns |= {"mtime": mtime, "checksum": incoming.checksum}
    if existing is None:
        node = tree.add(box, above.node["owner"], "file", above.node["id"], name, **columns)
        tree.touch(box, above.node["id"], delta=incoming.size)
        return node
    old = existing.node
    _keep_version(box, old)
    box.db.update("node", old["id"], columns | {"etag": tree.fresh_etag(), "uploaded_at": now()})
    if old["parent"] is not None:
        tree.touch(box, old["parent"], delta=incoming.size - old["size"])
    return int(old["id"])


def _keep_version(box: Sandbox, old: Row) -> None:
    """The old content becomes a version; empty ones do not."""
    if not old["size"] or not box.switches.versions:
        box.doom(old["blob"])
        return
    same = box.db.one("SELECT blob FROM version WHERE node = ? AND stamp = ?", old["id"], old["mtime"])
    box.doom(None if same is None else same["blob"])
    sql = "INSERT OR REPLACE INTO version VALUES (?, ?, ?, ?, ?)"
    box.db.run(sql, old["id"], old["mtime"], old["size"], old["blob"], old["etag"])


def trash(box: Sandbox, account: Row, spot: Spot) -> None:
    """Into the owner's bin with everything below; a share or storage is only left."""
    if not spot.path:
        raise Refusal(403, "The top cannot be deleted")
    spot.need("D")
    if spot.mount is not None:
        box.db.run("DELETE FROM mount WHERE id = ?", spot.mount["id"])
        tree.touch(box, spot.mount["parent"])
        return
    for row in tree.below(box, spot.node["id"]):
        need_unlocked(row)
    if not box.switches.trash:
        destroy(box, spot.node)
        return
    owner = box.db.one("SELECT * FROM account WHERE id = ?", spot.node["owner"]) or account
    stamp = now()
    name = f"{spot.path[-1]}.d{stamp}"
    while box.db.one("SELECT 1 FROM node WHERE parent = ? AND name = ?", owner["trash"], name):
        stamp += 1
        name = f"{spot.path[-1]}.d{stamp}"
    relocate(box, spot.node, owner["trash"], name)
    original = "/".join(spot.path)
    box.db.run("INSERT INTO trashed VALUES (?, ?, ?)", spot.node["id"], original, stamp)


def relocate(box: Sandbox, node: Row, parent: int, name: str) -> None:
    """The same node in another place; its own ETag stays."""
    box.db.update("node", node["id"], {"parent": parent, "name": name})
    owner = tree.by_id(box, parent)["owner"]
    if owner != node["owner"]:
        for each in tree.below(box, node["id"]):
            box.db.update("node", each["id"], {"owner": owner})
    if node["parent"] is not None:
        tree.touch(box, node["parent"], delta=-node["size"])
    tree.touch(box, parent, delta=node["size"])


def move(box: Sandbox, account: Row, source: Spot, above: Spot, name: str) -> None:
    """To another place. 403 without the rights for it."""
    need_unlocked(source.node)
    same = source.path[:-1] == above.path
    source.need("N" if same else "DV")
    if not same:
        above.need("K" if source.is_directory else "C")
    if source.mount is None:
        relocate(box, source.node, above.node["id"], name)
        return
    if above.node["owner"] != account["id"]:
        raise Refusal(403, "A share cannot be moved into another one")
    box.db.update("mount", source.mount["id"], {"parent": above.node["id"], "name": name})
    tree.touch(box, source.mount["parent"])
    tree.touch(box, above.node["id"])


def copy(box: Sandbox, source: Spot, above: Spot, name: str, *, deep: bool) -> None:
    """New nodes with the same bytes."""
    above.need("K" if source.is_directory else "C")
    tree.check_room(box, above, source.node["size"])
    size = _copy(box, source.node, above.node, name, deep=deep)
    tree.touch(box, above.node["id"], delta=size)


def _copy(box: Sandbox, node: Row, parent: Row, name: str, *, deep: bool) -> int:
    size = node["size"] if deep or node["kind"] == "file" else 0
    columns = {key: node[key] for key in ("blob", "mtime", "checksum")}
    made = tree.add(box, parent["owner"], node["kind"], parent["id"], name, size=size, **columns)
    if deep:
        target = tree.by_id(box, made)
        for each in box.db.all("SELECT * FROM node WHERE parent = ?", node["id"]):
            _copy(box, each, target, each["name"], deep=True)
    return int(size)


def destroy(box: Sandbox, node: Row) -> None:
    """For ever, with everything below it and all versions."""
    for each in tree.below(box, node["id"]):
        box.doom(each["blob"])
        box.doom(*(row["blob"] for row in box.db.all("SELECT blob FROM version WHERE node = ?", each["id"])))
    box.db.run("DELETE FROM node WHERE id = ?", node["id"])
    if node["parent"] is not None:
        tree.touch(box, node["parent"], delta=-node["size"])


def restore_version(box: Sandbox, node: Row, version: Row) -> None:
    """An old content is the present one again; the present one becomes a version."""
    _keep_version(box, node)
    box.db.run("DELETE FROM version WHERE node = ? AND stamp = ?", node["id"], version["stamp"])
    values = {"blob": version["blob"], "size": version["size"], "mtime": version["stamp"], "checksum": ""}
    box.db.update("node", node["id"], {**values, "etag": tree.fresh_etag()})
    if node["parent"] is not None:
        tree.touch(box, node["parent"], delta=version["size"] - node["size"])
