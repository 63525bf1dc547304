"""Rows as the JSON of the service (DRACOON facts, 7)."""

from collections.abc import Sequence

from mountcloud.sandbox.dracoon import tree
from mountcloud.sandbox.dracoon.fields import date_text
from mountcloud.sandbox.dracoon.names import extension_of
from mountcloud.sandbox.dracoon.permissions import Right, rights_json
from mountcloud.sandbox.dracoon.state import Sandbox
from mountcloud.sandbox.dracoon.tree import Row

Json = dict[str, object]


def nodes_json(box: Sandbox, user: int, rows: Sequence[Row]) -> list[Json]:
    """Node objects in order, without ``encryptionInfo``."""
    favorites = {row["node_id"] for row in box.db.all("SELECT node_id FROM favorite WHERE user_id = ?", user)}
    paths: dict[int, str] = {}
    permissions: dict[int, Json] = {}
    nodes = []
    for row in rows:
        parent, room = row["parent_id"], row["room_id"]
        if parent not in paths:
            paths[parent] = tree.path_of(box, parent)
        if room not in permissions:
            permissions[room] = dict(rights_json(box.access.rights(user, room)))
        node = _common(box, row) | {"parentPath": paths[parent], "permissions": permissions[room]}
        node["isFavorite"] = row["id"] in favorites
        nodes.append(node | (_file(row) if row["type"] == "file" else _container(box, user, row)))
    return nodes


def node_json(box: Sandbox, user: int, row: Row, *, detail: bool = False) -> Json:
    """One node object; ``detail`` adds ``encryptionInfo`` of encrypted files."""
    node = nodes_json(box, user, [row])[0]
    if detail and row["type"] == "file" and row["encrypted"]:
        state = "available" if has_key(box, user, row["id"]) else "pending"
        node["encryptionInfo"] = {"userKeyState": state, "roomKeyState": "none", "dataSpaceKeyState": "none"}
    return node


def has_key(box: Sandbox, user: int, file: int) -> bool:
    """True if the user holds a key of the file, of any version."""
    return box.db.one("SELECT 1 FROM file_key WHERE file_id = ? AND user_id = ?", file, user) is not None


def node_by_id(box: Sandbox, user: int, node: int, *, detail: bool = False) -> Json:
    """The node object of a node that exists."""
    return node_json(box, user, tree.need_live(box, node), detail=detail)


def _common(box: Sandbox, row: Row) -> Json:
    node: Json = {
        "id": row["id"],
        "referenceId": row["reference_id"],
        "type": row["type"],
        "name": row["name"],
        "createdAt": date_text(row["created_at"]),
        "createdBy": box.person(row["created_by"]),
        "updatedAt": date_text(row["updated_at"]),
        "updatedBy": box.person(row["updated_by"]),
        "timestampCreation": date_text(row["time_creation"]),
        "timestampModification": date_text(row["time_modification"]),
        "size": row["size"],
        "classification": row["classification"],
        "isEncrypted": bool(row["encrypted"]),
        "branchVersion": row["branch_version"],
        "authParentId": box.access.member_room(row["room_id"]),
        "cntDeletedVersions": row["cnt_deleted_versions"],
        "cntComments": row["cnt_comments"],
        "cntDownloadShares": row["cnt_download_shares"],
        "cntUploadShares": row["cnt_upload_shares"],
    }
    if row["parent_id"]:
        node["parentId"] = row["parent_id"]
    if row["notes"] is not None:
        node["notes"] = row["notes"]
    return node


def _file(row: Row) -> Json:
    node: Json = {"fileType": extension_of(row["name"]), "mediaType": row["media_type"]}
    node["virusProtectionInfo"] = {"verdict": row["verdict"]}
    if row["hash"] is not None:
        node["hash"] = row["hash"]
    if row["expire_at"] is not None:
        node["expireAt"] = date_text(row["expire_at"])
    return node


def _container(box: Sandbox, user: int, row: Row) -> Json:
    node: Json = {"cntRooms": row["cnt_rooms"], "cntFolders": row["cnt_folders"], "cntFiles": row["cnt_files"]}
    if row["type"] == "room":
        node["inheritPermissions"] = bool(row["inherit"])
        node["recycleBinRetentionPeriod"] = row["retention"]
        node["hasActivitiesLog"] = bool(row["activities"])
        node["isBrowsable"] = row["id"] in box.access.visible(user)
        if row["quota"]:
            node["quota"] = row["quota"]
    return node


def readable(box: Sandbox, user: int, row: Row) -> bool:
    """True if the user may see this node: ``read`` in its room, or a room on the way to one that he may enter."""
    if row["type"] == "room" and row["id"] in box.access.visible(user):
        return True
    return Right.READ in box.access.rights(user, row["room_id"])
