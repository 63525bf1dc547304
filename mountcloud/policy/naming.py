"""Which file name a node has. Symbolic links travel as small files ``NAME.rclonelink`` that hold their target.

The ending is the one that ``rclone --links`` uses (rclone, local back end, "Symlinks"), so that both understand each
other's links.
"""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field

from mountcloud.model.errors import InvalidName
from mountcloud.model.names import NameRules
from mountcloud.model.node import Kind, Node
from mountcloud.policy.names import check, disambiguate, fold, to_file_name, to_remote_name

LINK_ENDING = ".rclonelink"
LONGEST_TARGET = 4095
"""Bytes of a link's target: PATH_MAX without the zero at its end."""


@dataclass(frozen=True, slots=True)
class Naming:
    """The names of one account; ``symlinks``: whether files with the ending are shown as symbolic links."""

    rules: NameRules = field(default_factory=NameRules)
    symlinks: bool = True

    def file_name(self, node: Node, taken: Callable[[str], bool]) -> str:
        """As programs see the node; ``taken`` tells of names that others hold in its directory."""
        link = self.symlinks and is_link(node)
        name = to_file_name(node.name.removesuffix(LINK_ENDING) if link else node.name)
        return disambiguate(name, taken, node.id) if taken(name) else name

    def remote_name(self, file_name: str, kind: Kind, *, link: bool = False) -> str:
        """What the service will call it. Raises ``InvalidName`` or ``NameTooLong``."""
        name = to_remote_name(file_name)
        if self.symlinks and kind is Kind.FILE and name.endswith(LINK_ENDING):
            raise InvalidName(
                f"names that end with {LINK_ENDING} stand for symbolic links",
                hint="make a link, or set symlinks = false in the settings",
            )
        name += LINK_ENDING if link else ""
        failure = check(self.rules, name)
        if failure is not None:
            raise failure
        return unicodedata.normalize("NFC", name) if self.rules.normalises else name

    def folded(self, name: str) -> str:
        """Equal for remote names that cannot be in one directory; empty where only equal names are the same."""
        return fold(self.rules, name) if self.rules.normalises or not self.rules.case_sensitive else ""


def is_link(node: Node) -> bool:
    """True for a file that stands for a symbolic link: it has the ending, and holds what can be a target."""
    stem = node.name.removesuffix(LINK_ENDING)
    if node.kind is not Kind.FILE or stem in ("", node.name) or stem.endswith(LINK_ENDING):
        return False
    return 0 < node.size <= LONGEST_TARGET


def names_link(name: str) -> bool:
    """True for a remote name with the ending of links."""
    return name.endswith(LINK_ENDING)


def shown_as_link(node: Node, file_name: str) -> bool:
    """True if the file of this file name is seen as a symbolic link: the name lost its ending."""
    return node.kind is Kind.FILE and node.name.endswith(LINK_ENDING) and not file_name.endswith(LINK_ENDING)
