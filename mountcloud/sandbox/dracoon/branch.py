"""``branchVersion``: at once on the changed node, later on its ancestors (DRACOON facts, 17)."""

from mountcloud.sandbox.dracoon.fields import now_ms
from mountcloud.sandbox.dracoon.state import Sandbox

_ANCESTORS = """
WITH RECURSIVE up (id) AS (
    SELECT ?1 UNION ALL SELECT node.parent_id FROM node JOIN up ON node.id = up.id WHERE node.parent_id > 0)
UPDATE node SET branch_version = max(branch_version, ?2) WHERE id IN (SELECT id FROM up)
"""


def next_value(box: Sandbox) -> int:
    """A number greater than all before; looks like the epoch in milliseconds."""
    return box.db.next("branch", now_ms())


def changed(box: Sandbox, node: int, parent: int) -> None:
    """This node changed: it has a new value now, its ancestors after the delay."""
    value = next_value(box)
    box.db.run("UPDATE node SET branch_version = ? WHERE id = ?", value, node)
    below_changed(box, parent, value)


def below_changed(box: Sandbox, container: int, value: int | None = None) -> None:
    """Something directly in this container came, went or changed: it and its ancestors learn it after the delay."""
    if container == 0:
        return
    value = next_value(box) if value is None else value
    delay = box.switches.branch_delay
    if delay == 0:
        box.db.run(_ANCESTORS, container, value)
        return
    due = now_ms() + round(delay * 1000) if delay > 0 else -1
    box.db.insert("branch_due", {"node_id": container, "value": value, "due_at": due})


def is_due(box: Sandbox) -> bool:
    """True if an update of ancestors is due by time."""
    sql = "SELECT 1 FROM branch_due WHERE due_at BETWEEN 0 AND ? LIMIT 1"
    return box.db.one(sql, now_ms()) is not None


def settle(box: Sandbox) -> None:
    """Make the updates that are due by time."""
    _apply(box, "SELECT * FROM branch_due WHERE due_at BETWEEN 0 AND ? ORDER BY number", now_ms())


def propagate(box: Sandbox) -> int:
    """Make all updates now; their count."""
    return _apply(box, "SELECT * FROM branch_due WHERE number >= ? ORDER BY number", 0)


def _apply(box: Sandbox, sql: str, limit: int) -> int:
    rows = box.db.all(sql, limit)
    for row in rows:
        value = next_value(box) if box.switches.branch_value == "fresh" else row["value"]
        box.db.run(_ANCESTORS, row["node_id"], value)
        box.db.run("DELETE FROM branch_due WHERE number = ?", row["number"])
    return len(rows)
