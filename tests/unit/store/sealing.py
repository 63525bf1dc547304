"""Keys for drafts in tests."""

import os

from mountcloud.crypt.draft_cipher import DraftSealer
from mountcloud.model.errors import NoKey


class FixedKeys:
    """Implements ``AccountKeys``; ``names`` are those that can be found."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def current(self) -> tuple[str, bytes]:
        return self.names[0], self.find(self.names[0])

    def find(self, name: str) -> bytes:
        if name not in self.names:
            raise NoKey(name)
        return name.encode() * 4


def sealer(*names: str) -> DraftSealer:
    return DraftSealer(FixedKeys(*(names or ("aaaaaaaa",))), os.urandom)
