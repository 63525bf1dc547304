"""The desktop's Secret Service, through the library ``keyring`` (the extra ``keyring``); the only import of it.

A keyring may ask its user for a password, and an answer may take hours. So each question has a thread of its own, and
whoever asks waits for a while only.
"""

import importlib
import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Protocol, cast

from mountcloud.daemon.paths import user_config
from mountcloud.model.errors import AuthenticationRequired, Unavailable

log = logging.getLogger(__name__)

FOR_A_PERSON_S = 60.0
"""How long to wait where nothing else waits: for a command, and for the first question of a daemon's life."""
IN_PASSING_S = 2.0
"""How long a mount may stand still."""
_SAY_AFTER_S = 1.0
_UNLOCK = "unlock it and try again; where nobody can: PYTHON_KEYRING_BACKEND=keyring.backends.null.Keyring"
_SWITCHED_OFF = {"keyring.backends.null.Keyring", "keyring.backends.fail.Keyring"}


class Keyring(Protocol):
    """What the library offers."""

    def get_password(self, service: str, username: str) -> str | None:
        """The secret, or None."""

    def set_password(self, service: str, username: str, password: str) -> None:
        """Store it."""

    def delete_password(self, service: str, username: str) -> None:
        """Forget it; an error if it is not there."""


class KeyringSecrets:
    """Implements ``Secrets``. If it is locked or fails, that is an error: falling back unasked would write to a less
    safe place.

    A question that was not answered in time stays open, since its user may be typing; meanwhile all others fail at once
    with ``Unavailable``, so that nobody is asked twice. ``later_s`` is how long all but the first wait.
    """

    def __init__(self, account: str, keyring: Keyring, later_s: float, first_s: float = FOR_A_PERSON_S) -> None:
        self._service = f"mountcloud/{account}"
        self._keyring = keyring
        self._patience_s = first_s
        self._later_s = later_s
        self._open: threading.Event | None = None

    def get(self, name: str) -> str | None:
        """The secret, or None."""
        return self._asked(lambda: self._keyring.get_password(self._service, name))

    def put(self, name: str, value: str) -> None:
        """Store it."""
        self._asked(lambda: self._keyring.set_password(self._service, name, value))

    def delete(self, name: str) -> None:
        """Forget it; no error if it is not there."""
        if self.get(name) is not None:
            self._asked(lambda: self._keyring.delete_password(self._service, name))

    def _asked(self, question: Callable[[], str | None]) -> str | None:
        if self._open is not None and not self._open.is_set():
            raise _unanswered()
        patience_s, self._patience_s = self._patience_s, self._later_s
        answer, self._open = _in_a_thread(question)
        if not _waited(self._open, patience_s):
            raise _unanswered()
        if error := answer.exception():
            # Only the type is told, as the text may quote the secret.
            message = f"the keyring failed with {type(error).__name__}"
            raise AuthenticationRequired(message, hint=_UNLOCK)
        return answer.result()


def _in_a_thread(question: Callable[[], str | None]) -> "tuple[Future[str | None], threading.Event]":
    """Its answer, and when it is there. The thread ends with the process, whatever it waits for."""
    answer: Future[str | None] = Future()
    given = threading.Event()

    def ask() -> None:
        try:
            answer.set_result(question())
        except BaseException as error:  # noqa: BLE001 - whoever asked is told
            answer.set_exception(error)
        finally:
            given.set()

    threading.Thread(target=ask, name="keyring", daemon=True).start()
    return answer, given


def _waited(given: threading.Event, patience_s: float) -> bool:
    """Whether the answer came in time."""
    soon_s = min(_SAY_AFTER_S, patience_s)
    if given.wait(soon_s):
        return True
    log.info("the keyring has not answered yet; it may be asking you to unlock it")
    return given.wait(patience_s - soon_s)


def _unanswered() -> Unavailable:
    return Unavailable("the keyring does not answer", hint="unlock it, if it asks for that; then this goes on")


def usable_keyring(environment: Mapping[str, str]) -> Keyring | None:
    """The keyring of this session; None without the extra, or without a service that keeps anything.

    The library takes a while to load, so first comes a look at whether there can be one.
    """
    if not _may_be_there(environment):
        return None
    try:
        library = importlib.import_module("keyring")
    except ModuleNotFoundError:
        return None
    backend = library.get_keyring()
    return cast(Keyring, backend) if backend.priority >= 1 else None


def _may_be_there(environment: Mapping[str, str]) -> bool:
    """A session's bus, or a back end that the user chose (the library's documentation, Configuring)."""
    if chosen := environment.get("PYTHON_KEYRING_BACKEND"):
        return chosen not in _SWITCHED_OFF
    runtime = environment.get("XDG_RUNTIME_DIR")
    return (
        "DBUS_SESSION_BUS_ADDRESS" in environment
        or bool(runtime and Path(runtime, "bus").exists())
        or (user_config(environment) / "python_keyring/keyringrc.cfg").exists()
    )
