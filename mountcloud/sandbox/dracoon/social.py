"""Favourites and comments (DRACOON facts, 16)."""

from starlette.responses import Response

from mountcloud.sandbox.dracoon import present, query
from mountcloud.sandbox.dracoon.calls import Call, empty, reply
from mountcloud.sandbox.dracoon.errors import COMMENT_UNKNOWN, FORBIDDEN, TOO_LONG, TOO_MANY_ITEMS, Refusal
from mountcloud.sandbox.dracoon.fields import date_text, now_ms
from mountcloud.sandbox.dracoon.nodes_read import readable_node
from mountcloud.sandbox.dracoon.nodes_write import MAX_BULK
from mountcloud.sandbox.dracoon.state import Sandbox
from mountcloud.sandbox.dracoon.tree import Row

MAX_COMMENT = 65_535


def add_favorite(call: Call) -> Response:
    """``POST /nodes/{id}/favorite``."""
    row = readable_node(call, call.id())
    _set_favorite(call, row["id"], wanted=True)
    return reply(present.node_by_id(call.box, call.user, row["id"]))


def remove_favorite(call: Call) -> Response:
    """``DELETE /nodes/{id}/favorite``."""
    _set_favorite(call, readable_node(call, call.id())["id"], wanted=False)
    return empty()


def set_favorites(call: Call) -> Response:
    """``PUT /nodes/favorites``."""
    ids = call.body.numbers("objectIds")
    if len(ids) > MAX_BULK:
        raise Refusal(TOO_MANY_ITEMS)
    for node in ids:
        _set_favorite(call, readable_node(call, node)["id"], wanted=call.body.flag("isFavorite"))
    return empty()


def _set_favorite(call: Call, node: int, *, wanted: bool) -> None:
    sql = (
        "INSERT OR IGNORE INTO favorite VALUES (?, ?)"
        if wanted
        else "DELETE FROM favorite WHERE user_id = ? AND node_id = ?"
    )
    call.box.db.run(sql, call.user, node)


def list_comments(call: Call) -> Response:
    """``GET /nodes/{id}/comments``."""
    row = readable_node(call, call.id())
    rows = call.box.db.all("SELECT * FROM comment WHERE node_id = ? ORDER BY id", row["id"])
    return reply(query.slice_of(call, [_comment(call.box, comment) for comment in rows]))


def add_comment(call: Call) -> Response:
    """``POST /nodes/{id}/comments``."""
    row, now = readable_node(call, call.id()), now_ms()
    comment = call.box.db.next("id")
    columns = {"id": comment, "node_id": row["id"], "text": _text(call), "created_at": now, "updated_at": now}
    call.box.db.insert("comment", columns | {"created_by": call.user, "updated_by": call.user})
    return reply(_comment(call.box, _own_comment(call, comment)), 201)


def update_comment(call: Call) -> Response:
    """``PUT /nodes/comments/{id}``."""
    row = _own_comment(call, call.id())
    columns = {"text": _text(call), "updated_at": max(now_ms(), row["created_at"] + 1), "updated_by": call.user}
    call.box.db.update("comment", row["id"], columns)
    return reply(_comment(call.box, _own_comment(call, row["id"])))


def delete_comment(call: Call) -> Response:
    """``DELETE /nodes/comments/{id}``."""
    call.box.db.run("DELETE FROM comment WHERE id = ?", _own_comment(call, call.id())["id"])
    return empty()


def _text(call: Call) -> str:
    text = call.body.need_text("text")
    if len(text) > MAX_COMMENT:
        raise Refusal(TOO_LONG)
    return text


def _own_comment(call: Call, comment: int) -> Row:
    row = call.box.db.one("SELECT * FROM comment WHERE id = ?", comment)
    if row is None:
        raise Refusal(COMMENT_UNKNOWN)
    if row["created_by"] != call.user:
        raise Refusal(FORBIDDEN)
    return row


def _comment(box: Sandbox, row: Row) -> dict[str, object]:
    dates = {"createdAt": date_text(row["created_at"]), "updatedAt": date_text(row["updated_at"])}
    people = {"createdBy": box.person(row["created_by"]), "updatedBy": box.person(row["updated_by"])}
    changed = row["updated_at"] > row["created_at"]
    return {"id": row["id"], "text": row["text"], "isChanged": changed, "isDeleted": False} | dates | people
