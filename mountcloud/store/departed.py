"""Nodes that went from one directory and may come back in another one, with their inode: somebody moved them."""

from collections import OrderedDict

from mountcloud.model.ids import Inode, NodeId
from mountcloud.model.node import Node
from mountcloud.policy.naming import shown_as_link
from mountcloud.store.index_rows import Entry

_MOST = 4096


class Departed:
    """The last of them, for as long as the process lives."""

    def __init__(self) -> None:
        self._entries: OrderedDict[NodeId, Entry] = OrderedDict()

    def add(self, entry: Entry) -> None:
        """The service does not show it any more."""
        self._entries[entry.node.id] = entry
        if len(self._entries) > _MOST:
            self._entries.popitem(last=False)

    def inode_of(self, node: Node, file_name: str) -> Inode | None:
        """The inode of a node that comes back, unless it is of another kind: an inode never changes its kind."""
        gone = self._entries.pop(node.id, None)
        if gone is None or gone.node.kind is not node.kind or gone.is_link != shown_as_link(node, file_name):
            return None
        return gone.inode
