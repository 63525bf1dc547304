"""The keys that wrap those of an account's drafts: in the secret store, made once, never replaced in place."""

import base64
import os
from pathlib import Path

from mountcloud.daemon.secrets import write_private
from mountcloud.model.errors import NoKey, OutOfSpace
from mountcloud.model.provider import Secrets

_KEY_SIZE = 32


class DraftKeys:
    """Implements ``AccountKeys``. The file ``note`` names the key for new drafts, and holds no secret.

    A key that is missing is not made again under its name: another one gets another name, so that whoever brings the
    old one back finds the old drafts readable.
    """

    def __init__(self, secrets: Secrets, note: Path) -> None:
        self._secrets = secrets
        self._note = note
        self._known: dict[str, bytes] = {}

    def current(self) -> tuple[str, bytes]:
        """The one to use for new drafts, made if there is none. Raises ``OutOfSpace``, ``AuthenticationRequired``."""
        name = self._noted()
        key = None if name is None else self._fetched(name)
        return self._made() if name is None or key is None else (name, key)

    def find(self, name: str) -> bytes:
        """The key of that name. Raises ``NoKey``."""
        key = self._fetched(name)
        if key is None:
            hint = f"bring back the secret store that holds {_secret(name)}, or move the drafts away to give them up"
            raise NoKey(
                f"the secret store has lost the key {name} of files that are not on the service yet",
                hint=hint,
            )
        return key

    def _noted(self) -> str | None:
        try:
            return self._note.read_text(encoding="ascii").strip() or None
        except FileNotFoundError:
            return None

    def _fetched(self, name: str) -> bytes | None:
        if name not in self._known:
            text = self._secrets.get(_secret(name))
            if text is None:
                return None
            self._known[name] = base64.b64decode(text)
        return self._known[name]

    def _made(self) -> tuple[str, bytes]:
        """The secret is stored before anything refers to it."""
        name, key = os.urandom(4).hex(), os.urandom(_KEY_SIZE)
        self._secrets.put(_secret(name), base64.b64encode(key).decode("ascii"))
        try:
            write_private(self._note, name)
        except OSError as error:
            raise OutOfSpace(f"{self._note} cannot be written: {error.strerror}") from error
        self._known[name] = key
        return name, key


def _secret(name: str) -> str:
    return f"draft_key_{name}"
