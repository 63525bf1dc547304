"""Extended attributes: those of users, kept on this machine."""

from mountcloud.fs.core import Core
from mountcloud.model.errors import Unsupported
from mountcloud.model.ids import Inode

_USERS = b"user."


class ExtendedAttributes:
    """Names and values are bytes, as programs give them. The permission bits say who may read and set them."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def get(self, inode: Inode, name: bytes) -> bytes:
        """The value; raises ``NoAttribute``, and ``Unsupported`` for a name that is not a user's."""
        _demand_users(name)
        return self._core.attributes.extended(self._core.entry(inode).node.id, name)

    def names(self, inode: Inode) -> list[bytes]:
        """All names."""
        return self._core.attributes.extended_names(self._core.entry(inode).node.id)

    def put(self, inode: Inode, name: bytes, value: bytes) -> None:
        """Set one; raises ``Unsupported`` for a name that is not a user's, ``OutOfSpace``."""
        _demand_users(name)
        self._core.attributes.put_extended(self._core.entry(inode).node.id, name, value)

    def remove(self, inode: Inode, name: bytes) -> None:
        """Remove one; raises ``NoAttribute``, ``Unsupported``."""
        _demand_users(name)
        self._core.attributes.remove_extended(self._core.entry(inode).node.id, name)


def _demand_users(name: bytes) -> None:
    """The system's own (capabilities, access control lists, labels) would mean something that nobody enforces here."""
    if not name.startswith(_USERS):
        raise Unsupported("only extended attributes of users are kept")
