"""Making, renaming, moving, linking and trashing nodes (Amazon facts, 7, 9 and 11)."""

import json

from starlette.responses import Response

from mountcloud.sandbox.amazon import content, properties, tree
from mountcloud.sandbox.amazon.calls import Call
from mountcloud.sandbox.amazon.errors import Refusal, bad, no_such_node, reply
from mountcloud.sandbox.database import Value


def get_node(call: Call) -> Response:
    """``GET nodes/{id}``."""
    row = call.node()
    shown = tree.present(call.box, row)
    if call.query.get("tempLink") == "true" and row["kind"] == "FILE":
        shown["tempLink"] = content.signed_address(call, row)
    if call.query.get("asset") == "ALL":
        shown["assets"] = []
    return reply(shown)


def create_folder(call: Call) -> Response:
    """``POST nodes``."""
    if call.body.get("kind") != "FOLDER":
        raise bad("Only folders are made here")
    local = call.query.get("localId")
    sql = "SELECT id FROM node WHERE customer = ? AND local_id = ?"
    known = call.box.db.one(sql, call.customer, local) if local else None
    if known is not None:
        return reply(call.present(known["id"]), 201)
    node = made(call, "FOLDER", local_id=local)
    return reply(call.present(node), 201)


def made(call: Call, kind: str, **columns: Value) -> str:
    """A new node as the body describes it; its id."""
    name, folders = tree.check_name(call.body.get("name")), wanted_parents(call)
    tree.check_free(call.box, folders, name)
    columns["labels"] = json.dumps(_labels(call.body.get("labels", [])))
    columns["description"] = _text(call.body.get("description"))
    node = tree.add(call.box, call.customer, kind, name, folders, **columns)
    if call.box.switches.properties_at_creation:
        properties.keep_all(call, node, call.body.get("properties", {}))
    return node


def wanted_parents(call: Call) -> list[str]:
    """The folders that the body names, which must be there; the top without any."""
    named = call.body.get("parents") or [call.root()]
    if not isinstance(named, list) or not all(isinstance(each, str) for each in named):
        raise bad("parents must be a list of ids")
    for each in named:
        tree.need_folder(call.box, call.customer, each)
    return list(dict.fromkeys(named))


def _labels(value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise bad("labels must be a list of strings")
    return value


def _text(value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise bad("description must be a string")
    return value


def patch(call: Call) -> Response:
    """``PATCH nodes/{id}``: any of name, labels, description, parents."""
    row, body = call.node(), call.body
    if "contentProperties" in body:
        raise Refusal(403, "contentProperties cannot be written", "FORBIDDEN")
    if tree.is_root(call.box, row["id"]) and {"name", "parents", "status"} & body.keys():
        raise Refusal(403, "The root cannot be changed", "FORBIDDEN")
    if row["status"] != tree.AVAILABLE and "parents" in body:
        raise Refusal(403, "A node in trash cannot be moved", "FORBIDDEN")
    name = tree.check_name(body.get("name", row["name"])) if "name" in body else row["name"]
    folders = wanted_parents(call) if "parents" in body else tree.parents(call.box, row["id"])
    if row["status"] == tree.AVAILABLE:
        tree.check_free(call.box, folders, name, row["id"])
    columns: dict[str, Value] = {"name": name, "name_key": tree.name_key(name)}
    if "labels" in body:
        columns["labels"] = json.dumps(_labels(body["labels"]))
    if "description" in body:
        columns["description"] = _text(body["description"])
    tree.change(call.box, row, **columns)
    if "parents" in body:
        tree.set_parents(call.box, row, folders)
    return reply(call.present(row["id"]))


def move_child(call: Call) -> Response:
    """``POST nodes/{newParent}/children``."""
    target = tree.need_folder(call.box, call.customer, call.id())
    old, child = call.body.get("fromParent"), call.body.get("childId")
    if not isinstance(old, str) or not isinstance(child, str):
        raise bad("fromParent and childId are needed")
    row, held = _movable(call, child), tree.parents(call.box, child)
    if old not in held:
        raise bad(f"Node {child} is not a child of {old}")
    if target["id"] != old:
        tree.check_free(call.box, [target["id"]], row["name"], child)
        tree.set_parents(call.box, row, [target["id"] if each == old else each for each in held])
    return reply(call.present(child))


def add_parent(call: Call) -> Response:
    """``PUT nodes/{parent}/children/{child}``."""
    folder, row = tree.need_folder(call.box, call.customer, call.id()), _movable(call, call.id("child"))
    held = tree.parents(call.box, row["id"])
    if folder["id"] not in held:
        tree.check_free(call.box, [folder["id"]], row["name"], row["id"])
        tree.set_parents(call.box, row, [*held, folder["id"]])
    return reply(call.present(row["id"]))


def drop_parent(call: Call) -> Response:
    """``DELETE nodes/{parent}/children/{child}``: a node without parents comes back at the top."""
    row, held = _movable(call, call.id("child")), tree.parents(call.box, call.id("child"))
    if call.id() not in held:
        raise no_such_node(call.id("child"))
    left = [each for each in held if each != call.id()]
    if not left:
        tree.check_free(call.box, [call.root()], row["name"], row["id"])
    tree.set_parents(call.box, row, left)
    return reply(call.present(row["id"]))


def _movable(call: Call, child: str) -> tree.Row:
    row = tree.need(call.box, call.customer, child)
    if tree.is_root(call.box, child) or row["status"] != tree.AVAILABLE:
        raise Refusal(403, f"Node {child} cannot be moved", "FORBIDDEN")
    return row


def trash(call: Call) -> Response:
    """``PUT trash/{id}``."""
    row = call.node()
    if tree.is_root(call.box, row["id"]):
        raise Refusal(403, "The root cannot be trashed", "FORBIDDEN")
    _set_status(call, row, tree.AVAILABLE, tree.TRASH)
    return reply(call.present(row["id"]))


def restore(call: Call) -> Response:
    """``POST trash/{id}/restore``."""
    row = call.node()
    if row["status"] != tree.TRASH:
        raise bad(f"Node {row['id']} is not in trash")
    tree.check_free(call.box, tree.parents(call.box, row["id"]), row["name"], row["id"])
    _set_status(call, row, tree.TRASH, tree.AVAILABLE)
    return reply(call.present(row["id"]))


def _set_status(call: Call, row: tree.Row, before: str, after: str) -> None:
    if row["status"] == before:
        tree.change(call.box, row, status=after)
    if call.box.switches.flip_descendants:
        for each in list(tree.below(call.box, row["id"])):
            if each["status"] == before:
                tree.change(call.box, each, status=after)


def purge(call: Call) -> Response:
    """``DELETE nodes/{id}``: not for third parties."""
    raise Refusal(403, "Insufficient permissions granted for operation: purgeNode", "FORBIDDEN")
