"""``/path/oper/...`` and ``/task/...`` (SmartFile facts, 7 and 8)."""

from starlette.responses import Response

from mountcloud.sandbox.smartfile import tasks, tree
from mountcloud.sandbox.smartfile.calls import Call
from mountcloud.sandbox.smartfile.errors import Refusal, missing, reply
from mountcloud.sandbox.smartfile.tree import Path, split


def make_directory(call: Call) -> Response:
    """At once; a directory that is there already is told as it is."""
    path = call.path or split(call.text("path"))
    there = tree.look(call.box, call.account, path)
    if there is None:
        tree.add_directory(call.box, tree.need_directory(call.box, call.account, path[:-1]), path[-1])
    elif not there.is_directory:
        raise Refusal(409, f"{there.text} is a file")
    return reply(call.present(tree.need(call.box, call.account, path)))


def rename(call: Call) -> Response:
    """At once; ``dst`` is the full new path. A file in its way makes way or not, as the switch says."""
    source, target = split(call.text("src")), split(call.text("dst"))
    spot = tree.look(call.box, call.account, source)
    if spot is None:
        raise missing("src", call.text("src"))
    if not source or not target:
        raise Refusal(400, "Invalid path", fields={"src": ["this is the root"]})
    spot.need("d")
    parent = tree.need_directory(call.box, call.account, target[:-1])
    if source != target:
        _make_way(call, target, directory=spot.is_directory)
        tree.relocate(call.box, spot, parent, target[-1])
    return reply(call.present(tree.need(call.box, call.account, target)))


def _make_way(call: Call, target: Path, *, directory: bool) -> None:
    holder = tree.look(call.box, call.account, target)
    if holder is None:
        return
    if holder.is_directory or directory or not call.box.switches.rename_replaces:
        raise Refusal(409, f"{holder.text} already exists")
    holder.need("d")
    tree.remove(call.box, holder)


def _started(call: Call, kind: str, field: str, *others: str) -> Response:
    arguments = {name: call.texts(name) for name in (field, *others)}
    tasks.check_sources(call.box, call.account, field, arguments[field])
    name = tasks.start(call.box, call.account, kind, arguments)
    return reply({"uuid": name, "url": f"{call.origin}/api/2/task/{name}/"})


def remove(call: Call) -> Response:
    """Files and whole trees."""
    return _started(call, "remove", "path")


def move(call: Call) -> Response:
    """Into a directory."""
    return _started(call, "move", "src", "dst")


def copy(call: Call) -> Response:
    """Into a directory."""
    return _started(call, "copy", "src", "dst")


def checksum(call: Call) -> Response:
    """Of files, by a named algorithm."""
    return _started(call, "checksum", "path", "algorithm")


def show_task(call: Call) -> Response:
    """How far it is."""
    return reply(tasks.show(call.box, call.account, call.path[0]))
