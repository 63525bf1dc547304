"""An index as a large tenant would leave it, made without a service."""

from dataclasses import dataclass
from pathlib import Path

from mountcloud.model.ids import NodeId, Version
from mountcloud.model.names import NameRules
from mountcloud.model.node import Kind, Node, Rights
from mountcloud.policy.naming import Naming
from mountcloud.policy.reduce import Plan
from mountcloud.store.index import Index

NAMING = Naming(NameRules(case_sensitive=False, normalises=True))
ROOT = NodeId("0")
VERSION = Version("1")
LISTED_AT = 1_700_000_000.0
_FILES = 1000
_MTIME_NS = 1_700_000_000_000_000_000


@dataclass(frozen=True, slots=True)
class Large:
    """A root with directories of 1,000 files each, 100 of them in a directory; all of them listed."""

    nodes: int

    @property
    def groups(self) -> int:
        """Directories below the root."""
        return max(self.nodes // (100 * _FILES), 1)

    @property
    def directories(self) -> int:
        """Directories that hold files."""
        return self.nodes // _FILES

    def fill(self, path: Path) -> None:
        """Write the index file."""
        index = Index(path, NAMING.file_name, NAMING.folded)
        index.put_root(_node(ROOT, None, "", Kind.DIRECTORY))
        groups = tuple(_node(_group(n), ROOT, f"group {n}", Kind.DIRECTORY) for n in range(self.groups))
        index.apply(Plan((), groups))
        for number in range(self.directories):
            parent, below = _group(number % self.groups), _directory(number)
            index.apply(Plan((), (_node(below, parent, f"directory {number}", Kind.DIRECTORY),)))
            files = (_node(file_id(number, n), below, f"file {n}.txt", Kind.FILE) for n in range(_FILES - 1))
            index.apply(Plan((), tuple(files)))
            index.set_listed(below, VERSION, LISTED_AT + number)
        for each in (ROOT, *(node.id for node in groups)):
            index.set_listed(each, VERSION, LISTED_AT)
        index.close()


def file_id(directory: int, number: int) -> NodeId:
    """The file of that number in the directory of that number."""
    return NodeId(f"{1_000_000 + directory * _FILES + number}")


def _group(number: int) -> NodeId:
    return NodeId(f"1{number}")


def _directory(number: int) -> NodeId:
    return NodeId(f"2{number:08}")


def _node(id: NodeId, parent: NodeId | None, name: str, kind: Kind) -> Node:
    size = 0 if kind is Kind.DIRECTORY else 5
    return Node(id, parent, name, kind, size, VERSION, _MTIME_NS, Rights.ALL)
