"""Work that takes a while (SmartFile facts, 8): done in part, with errors by path, or all of it."""

import hashlib
import json
import re
import uuid
from collections.abc import Callable, Mapping, Sequence

from mountcloud.sandbox.smartfile import tree
from mountcloud.sandbox.smartfile.errors import Refusal, missing
from mountcloud.sandbox.smartfile.state import Sandbox
from mountcloud.sandbox.smartfile.tree import Path, Row, Spot, split

Arguments = dict[str, list[str]]
Result = dict[str, object]
"""``errors``: a reason for each path that was left alone; and what else the kind of task tells."""


def start(box: Sandbox, account: Row, kind: str, arguments: Arguments) -> str:
    """A new task; takes effect now or when it is due."""
    name, due = str(uuid.uuid4()), box.now() + box.switches.task_seconds
    values = {"uuid": name, "account": account["key"], "kind": kind, "arguments": json.dumps(arguments), "due": due}
    box.db.insert("task", {**values, "status": "PENDING"})
    if box.switches.task_applies_first:
        _run(box, name, "PROGRESS")
    settle(box)
    return name


def settle(box: Sandbox) -> None:
    """End what is due by now."""
    waiting = "SELECT * FROM task WHERE status IN ('PENDING', 'PROGRESS') AND due <= ? ORDER BY due"
    for row in box.db.all(waiting, box.now()):
        if row["status"] == "PENDING":
            _run(box, row["uuid"], "SUCCESS")
        else:
            box.db.run("UPDATE task SET status = 'SUCCESS' WHERE uuid = ?", row["uuid"])


def _run(box: Sandbox, name: str, status: str) -> None:
    task = box.db.one("SELECT * FROM task WHERE uuid = ?", name)
    if task is None:
        raise KeyError(name)
    account = box.db.one("SELECT * FROM account WHERE key = ?", task["account"])
    if account is None:
        raise KeyError(task["account"])
    try:
        result = _KINDS[task["kind"]](box, account, json.loads(task["arguments"]))
    except Refusal as refusal:
        status, result = "FAILURE", {"errors": {}, "detail": str(refusal)}
    box.db.run("UPDATE task SET status = ?, result = ? WHERE uuid = ?", status, json.dumps(result), name)


def show(box: Sandbox, account: Row, name: str) -> dict[str, object]:
    """What a poll is told; 404."""
    row = box.db.one("SELECT * FROM task WHERE uuid = ? AND account = ?", name, account["key"])
    if row is None:
        raise Refusal(404, "There is no such task")
    ended = row["status"] in {"SUCCESS", "FAILURE"}
    inner = json.loads(row["result"]) if ended else {}
    return {"uuid": name, "status": row["status"], "result": {"status": row["status"], "result": inner}}


def check_sources(box: Sandbox, account: Row, field: str, paths: Sequence[str]) -> None:
    """400 at once for what is not there (SmartFile facts, 7)."""
    for path in paths:
        if tree.look(box, account, split(path)) is None:
            raise missing(field, path)


def _each(box: Sandbox, account: Row, paths: Sequence[str], act: Callable[[Spot], str]) -> Result:
    """Act on each; what cannot be is told by path."""
    errors: dict[str, str] = {}
    for path in paths:
        spot = tree.look(box, account, split(path))
        try:
            trouble = "No such file or directory" if spot is None else act(spot)
        except Refusal as refusal:
            trouble = str(refusal)
        if trouble:
            errors[path] = trouble
    return {"errors": errors}


def _is_refused(box: Sandbox, spot: Spot) -> bool:
    refused = box.switches.task_refuses
    return bool(refused) and re.search(refused, spot.text) is not None


def _remove(box: Sandbox, account: Row, arguments: Arguments) -> Result:
    """Trees from their leaves up, so that what stays keeps what is above it."""

    def act(spot: Spot) -> str:
        kept: set[Path] = set()
        for each in list(tree.walk_up(box, spot)):
            if "d" in each.denied or _is_refused(box, each) or each.path in kept:
                kept |= {each.path[:depth] for depth in range(len(each.path) + 1)}
            else:
                tree.remove(box, each)
        return "Directory is not empty" if spot.path in kept else ""

    return _each(box, account, arguments["path"], act)


def _into(box: Sandbox, account: Row, text: str) -> Spot:
    """The directory to move or copy into, made if the switch says so (SmartFile facts, 7)."""
    path = split(text)
    spot = tree.look(box, account, path)
    if spot is None and box.switches.move_makes_directory:
        tree.add_directory(box, tree.need_directory(box, account, path[:-1]), path[-1])
        spot = tree.look(box, account, path)
    if spot is None or not spot.is_directory:
        raise Refusal(400, f"{text} is no directory", fields={"dst": [f"{text} is no directory"]})
    spot.need("w")
    return spot


def _move(box: Sandbox, account: Row, arguments: Arguments) -> Result:
    target = _into(box, account, arguments["dst"][0])

    def act(spot: Spot) -> str:
        if _is_refused(box, spot) or tree.look(box, account, (*target.path, spot.path[-1])) is not None:
            return "File exists"
        tree.relocate(box, spot, target, spot.path[-1])
        return ""

    return _each(box, account, arguments["src"], act)


def _copy(box: Sandbox, account: Row, arguments: Arguments) -> Result:
    target = _into(box, account, arguments["dst"][0])

    def act(spot: Spot) -> str:
        if _is_refused(box, spot) or tree.look(box, account, (*target.path, spot.path[-1])) is not None:
            return "File exists"
        tree.copy(box, spot, target.node["id"], spot.path[-1])
        return ""

    return _each(box, account, arguments["src"], act)


def _checksum(box: Sandbox, account: Row, arguments: Arguments) -> Result:
    algorithm = arguments.get("algorithm", ["MD5"])[0].lower()
    if algorithm not in hashlib.algorithms_guaranteed:
        raise Refusal(400, f"{algorithm} is unknown")
    found: dict[str, str] = {}

    def act(spot: Spot) -> str:
        if spot.is_directory:
            return "Is a directory"
        with box.blobs.path(spot.node["blob"]).open("rb") as file:
            found[spot.text] = hashlib.file_digest(file, algorithm).hexdigest()
        return ""

    result = _each(box, account, arguments["path"], act)
    return {**result, "checksums": found}


_KINDS: Mapping[str, Callable[[Sandbox, Row, Arguments], Result]] = {
    "remove": _remove,
    "move": _move,
    "copy": _copy,
    "checksum": _checksum,
}
