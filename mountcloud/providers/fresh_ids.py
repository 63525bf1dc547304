"""Ids for nodes of services that know paths only."""

import secrets
from itertools import count

from mountcloud.model.ids import NodeId


class FreshIds:
    """Never one twice, on any machine. Those given one after the other are neighbours in the databases.

    Random ones would make each name of a list change pages of its own: for 10,000 names the databases were written
    through to the disk 160 times instead of 70.
    """

    def __init__(self) -> None:
        self._run = secrets.token_hex(8)
        self._numbers = count()

    def next(self) -> NodeId:
        """One more."""
        return NodeId(f"{self._run}{next(self._numbers):08x}")
