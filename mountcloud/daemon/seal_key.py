"""The key under which the secrets of headless machines are sealed: one a user, apart from what it seals.

Copies of the state directory, as backups and shared disks make them, are useless without it. It lies in clear, so it
protects against nobody who reads all of the home directory.
"""

import base64
import os
import stat
from pathlib import Path

from mountcloud.crypt.sealed_text import KEY_SIZE, NONCE_SIZE, is_sealed, seal, unseal
from mountcloud.daemon.paths import make_private
from mountcloud.model.errors import AuthenticationRequired, Corrupt


class SealKey:
    """The key in a file of mode 0600, made when something is sealed first."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def seal(self, text: str) -> str:
        """Seal a text. Raises ``OSError``, ``AuthenticationRequired`` for a key file that cannot be used."""
        return seal(text, self._key() or self._made(), os.urandom(NONCE_SIZE))

    def unseal(self, text: str) -> str:
        """What was sealed; a text that never was is given back as it is. Raises ``AuthenticationRequired``."""
        if not is_sealed(text):
            return text
        key = self._key()
        if key is None:
            raise AuthenticationRequired(f"{self._path} is gone, so stored secrets cannot be read", hint=_HINT)
        try:
            return unseal(text, key)
        except Corrupt:
            raise AuthenticationRequired(f"{self._path} does not open the stored secrets", hint=_HINT) from None

    def _key(self) -> bytes | None:
        try:
            text = read_private(self._path)
        except FileNotFoundError:
            return None
        try:
            key = base64.b64decode(text, validate=True)
        except ValueError:
            key = b""
        if len(key) != KEY_SIZE:
            raise AuthenticationRequired(f"{self._path} holds no key", hint=_HINT)
        return key

    def _made(self) -> bytes:
        """Two processes that make one at once agree on the first: a link never replaces a file."""
        if not self._path.parent.exists():
            make_private(self._path.parent)
        draft = self._path.with_name(f".{self._path.name}.{os.urandom(4).hex()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(base64.b64encode(os.urandom(KEY_SIZE)))
                file.flush()
                os.fsync(descriptor)
            self._path.hardlink_to(draft)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
        key = self._key()
        if key is None:
            raise AuthenticationRequired(f"{self._path} was removed just now", hint="try again")
        return key


_HINT = "bring it back from a copy, or delete secrets.json in the account's state directory and log in again"


def read_private(path: Path) -> str:
    """The text of a file of this user that nobody else may read.

    Raises ``FileNotFoundError``, and ``AuthenticationRequired`` for any other reason not to trust or read it. One that
    others may read is refused, not repaired: its secrets may be known already.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise AuthenticationRequired(f"{path} cannot be opened: {error.strerror}") from error
    with os.fdopen(descriptor, encoding="utf-8") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
            raise AuthenticationRequired(f"{path} is not a file of this user", hint="move it away, log in again")
        if status.st_mode & 0o077:
            hint = "change the passwords that are in it, delete it, log in again"
            raise AuthenticationRequired(f"other users may read {path}", hint=hint)
        return file.read()
