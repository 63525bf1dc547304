"""The secret stores of one account: systemd credentials, the desktop's Secret Service, a sealed private file.

Values are fetched when they are needed and never kept in an attribute that a log or a traceback could show. A store
that exists but cannot be used raises ``AuthenticationRequired``: owed work waits until the user has mended it.
"""

import errno
import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mountcloud.crypt.sealed_text import is_sealed
from mountcloud.daemon.keyrings import FOR_A_PERSON_S, KeyringSecrets, usable_keyring
from mountcloud.daemon.paths import AccountPaths, data_directory, make_private
from mountcloud.daemon.seal_key import SealKey, read_private
from mountcloud.model.errors import AuthenticationRequired, DiskFull, Failure, OutOfSpace, Unavailable
from mountcloud.model.provider import Secrets

ROTATING = frozenset({"refresh_token"})
"""Secrets that the service replaces in use: what we stored last is newer than what an administrator provided."""


class MemorySecrets:
    """Secrets that end with the process: for trying credentials before they are stored."""

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self._values = dict(values or {})

    def get(self, name: str) -> str | None:
        """The secret, or None."""
        return self._values.get(name)

    def put(self, name: str, value: str) -> None:
        """Keep it until the process ends."""
        self._values[name] = value

    def delete(self, name: str) -> None:
        """Forget it."""
        self._values.pop(name, None)

    def copy_to(self, other: Secrets) -> None:
        """Store all of them elsewhere."""
        for name, value in self._values.items():
            other.put(name, value)


class CredentialSecrets:
    """What systemd handed over (``LoadCredential=password:...``): one file a secret, read only."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def get(self, name: str) -> str | None:
        """The secret without the newline that editors append, or None."""
        try:
            return (self._directory / name).read_text(encoding="utf-8").removesuffix("\n")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            kind = type(error).__name__
            raise AuthenticationRequired(f"the systemd credential {name} cannot be read: {kind}") from None


class FileSecrets:
    """A JSON file of mode 0600 in the account's state directory, sealed if there is a ``key``.

    A file that others may read is refused, not repaired: its secrets may be known already. One that was written without
    a key is read all the same, and sealed at the next change.
    """

    def __init__(self, path: Path, key: SealKey | None = None) -> None:
        self._path = path
        self._key = key

    def get(self, name: str) -> str | None:
        """The secret, or None."""
        return self._read().get(name)

    def put(self, name: str, value: str) -> None:
        """Store it at once; it survives a crash after the return."""
        with self._changing() as values:
            values[name] = value

    def delete(self, name: str) -> None:
        """Forget it; no error if it is not there."""
        with self._changing() as values:
            values.pop(name, None)

    @contextmanager
    def _changing(self) -> Iterator[dict[str, str]]:
        """The values for a change that no other process loses: ``login`` may run beside the daemon."""
        try:
            make_private(self._path.parent)
            with _locked(self._path.with_suffix(".lock")):
                values = self._read()
                before = dict(values)
                yield values
                if values != before:
                    text = json.dumps(values, indent=1)
                    write_private(self._path, text if self._key is None else self._key.seal(text))
        except OSError as error:
            kind = DiskFull if error.errno in {errno.ENOSPC, errno.EDQUOT} else OutOfSpace
            raise kind(f"{self._path} cannot be written: {error.strerror}") from error

    def _read(self) -> dict[str, str]:
        try:
            text = read_private(self._path)
        except FileNotFoundError:
            return {}
        if self._key is None and is_sealed(text):
            raise AuthenticationRequired(f"{self._path} is sealed", hint="it needs the key of this user")
        return self._parsed(text if self._key is None else self._key.unseal(text))

    def _parsed(self, text: str) -> dict[str, str]:
        try:
            values = json.loads(text)
        except ValueError:
            # Not chained: the decoder's exception holds the whole text.
            raise self._broken() from None
        if isinstance(values, dict) and all(isinstance(value, str) for value in values.values()):
            return values
        raise self._broken()

    def _broken(self) -> AuthenticationRequired:
        return AuthenticationRequired(f"{self._path} is broken", hint="delete it, log in again")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


class LayeredSecrets:
    """Reads from several stores in order and writes to one of them."""

    def __init__(self, credentials: CredentialSecrets | None, stores: tuple[Secrets, ...]) -> None:
        self._credentials = credentials
        self._stores = stores

    def get(self, name: str) -> str | None:
        """The secret from the first store that has it; a store that fails is no reason not to look into the others."""
        provided = (self._credentials,) if self._credentials else ()
        failures: list[Failure] = []
        for store in (*self._stores, *provided) if name in ROTATING else (*provided, *self._stores):
            try:
                value: str | None = store.get(name)
            except (AuthenticationRequired, Unavailable) as failure:
                failures.append(failure)
                continue
            if value is not None:
                return value
        if failures:
            raise failures[0]
        return None

    def put(self, name: str, value: str) -> None:
        """Store it in the first store, and nowhere else."""
        first, *others = self._stores
        first.put(name, value)
        for other in others:
            other.delete(name)

    def delete(self, name: str) -> None:
        """Forget it everywhere but in systemd's credentials."""
        for store in self._stores:
            store.delete(name)


class SecretsWithRoom:
    """A store that a full disk does not stop: a refresh token that the service replaced must be written down.

    ``release`` gives space that was kept back, and tells whether there was any.
    """

    def __init__(self, store: Secrets, release: Callable[[], bool]) -> None:
        self._store = store
        self._release = release

    def get(self, name: str) -> str | None:
        """The secret, or None."""
        return self._store.get(name)

    def put(self, name: str, value: str) -> None:
        """Store it."""
        self._with_room(lambda: self._store.put(name, value))

    def delete(self, name: str) -> None:
        """Forget it."""
        self._with_room(lambda: self._store.delete(name))

    def _with_room(self, change: Callable[[], None]) -> None:
        try:
            change()
        except DiskFull:
            if not self._release():
                raise
            change()


def file_secrets(paths: AccountPaths, environment: Mapping[str, str] = os.environ) -> FileSecrets:
    """The file of this account, sealed under the key of this user."""
    return FileSecrets(paths.secrets, SealKey(data_directory(environment) / "secrets.key"))


def open_secrets(
    account: str,
    paths: AccountPaths,
    environment: Mapping[str, str] = os.environ,
    *,
    keyring_within_s: float = FOR_A_PERSON_S,
) -> LayeredSecrets:
    """The secret stores of this account, as far as this machine has them; see ``KeyringSecrets`` for the time."""
    directory = environment.get("CREDENTIALS_DIRECTORY")
    keyring = usable_keyring(environment)
    stores: tuple[Secrets, ...] = (file_secrets(paths, environment),)
    if keyring:
        stores = (KeyringSecrets(account, keyring, keyring_within_s), *stores)
    return LayeredSecrets(CredentialSecrets(Path(directory)) if directory else None, stores)


def write_private(path: Path, text: str) -> None:
    """Replace a file of mode 0600 as one step that survives a power cut. Raises ``OSError``."""
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    draft.rename(path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
