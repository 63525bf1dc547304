"""What the service does in the background, done before the next request looks: no task, no race."""

from mountcloud.sandbox.dracoon import branch, tree
from mountcloud.sandbox.dracoon.state import Sandbox
from mountcloud.sandbox.dracoon.storing import finish_due, is_finish_due


def settle(box: Sandbox) -> None:
    """Everything that is due by now: ancestors' versions, finishing uploads, expired files."""
    if not (branch.is_due(box) or is_finish_due(box) or tree.is_expired(box)):
        return
    with box.transaction():
        branch.settle(box)
        finish_due(box)
        tree.remove_expired(box)
