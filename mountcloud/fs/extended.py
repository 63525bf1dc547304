"""Extended attributes: those of users, kept on this machine."""

from mountcloud.fs.core import Core
from mountcloud.fs.states import States
from mountcloud.model.errors import NoAttribute, NotPermitted, Unsupported
from mountcloud.model.ids import Inode

_USERS = b"user."
_OURS = b"user.mountcloud."


class ExtendedAttributes:
    """Names and values are bytes, as programs give them. The permission bits say who may read and set them.

    Those of ``user.mountcloud.`` tell how a node is. They are made when they are asked for, and are not listed: a
    program that copies all attributes of a file would try to set them on the copy.
    """

    def __init__(self, core: Core, states: States) -> None:
        self._core = core
        self._states = states

    def get(self, inode: Inode, name: bytes) -> bytes:
        """The value; raises ``NoAttribute``, and ``Unsupported`` for a name that is not a user's."""
        _demand_users(name)
        if name.startswith(_OURS):
            return self._told(inode, name.removeprefix(_OURS))
        return self._core.attributes.extended(self._core.entry(inode).node.id, name)

    def names(self, inode: Inode) -> list[bytes]:
        """All names."""
        return self._core.attributes.extended_names(self._core.entry(inode).node.id)

    def put(self, inode: Inode, name: bytes, value: bytes) -> None:
        """Set one; raises ``Unsupported`` for a name that is not a user's, ``NotPermitted``, ``OutOfSpace``."""
        _demand_users(name)
        _refuse_ours(name)
        self._core.attributes.put_extended(self._core.entry(inode).node.id, name, value)

    def remove(self, inode: Inode, name: bytes) -> None:
        """Remove one; raises ``NoAttribute``, ``Unsupported``, ``NotPermitted``."""
        _demand_users(name)
        _refuse_ours(name)
        self._core.attributes.remove_extended(self._core.entry(inode).node.id, name)

    def _told(self, inode: Inode, name: bytes) -> bytes:
        value = self._states.of(self._core.entry(inode)).words().get(name.decode("ascii", "replace"), "")
        if not value:
            raise NoAttribute("there is nothing to tell by that name")
        return value.encode()


def _refuse_ours(name: bytes) -> None:
    if name.startswith(_OURS):
        raise NotPermitted("what mountcloud tells of a file cannot be set")


def _demand_users(name: bytes) -> None:
    """The system's own (capabilities, access control lists, labels) would mean something that nobody enforces here."""
    if not name.startswith(_USERS):
        raise Unsupported("only extended attributes of users are kept")
