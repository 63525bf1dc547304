import os
import stat
import sys
import threading
import traceback
from pathlib import Path
from types import SimpleNamespace

import pytest

from mountcloud.daemon.keyrings import KeyringSecrets
from mountcloud.daemon.paths import AccountPaths
from mountcloud.daemon.seal_key import SealKey
from mountcloud.daemon.secrets import (
    CredentialSecrets,
    FileSecrets,
    LayeredSecrets,
    MemorySecrets,
    SecretsWithRoom,
    file_secrets,
    open_secrets,
    write_private,
)
from mountcloud.model.errors import AuthenticationRequired, DiskFull, OutOfSpace, Unavailable
from mountcloud.model.provider import Secrets

WITHIN_S = 60.0


class Keyring:
    """A keyring as the library offers it, in memory."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.priority = 5.0

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if (service, username) not in self.kept:
            raise RuntimeError("not there")
        del self.kept[service, username]


class LockedKeyring(Keyring):
    def get_password(self, service: str, username: str) -> str | None:
        raise RuntimeError(f"locked {service} {username} hunter2")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise RuntimeError(f"cannot keep {password}")


class AskingKeyring(Keyring):
    """It asks its user for a password, who takes his time."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.was_asked, self.unlocked = threading.Event(), threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        self.asked += 1
        self.was_asked.set()
        assert self.unlocked.wait(WITHIN_S)
        return super().get_password(service, username)


@pytest.fixture(params=["memory", "file", "sealed", "keyring", "layered"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Secrets:
    stores: dict[str, Secrets] = {
        "memory": MemorySecrets(),
        "file": FileSecrets(tmp_path / "secrets.json"),
        "sealed": FileSecrets(tmp_path / "secrets.json", SealKey(tmp_path / "secrets.key")),
        "keyring": KeyringSecrets("work", Keyring(), WITHIN_S),
        "layered": LayeredSecrets(None, (FileSecrets(tmp_path / "a.json"), MemorySecrets())),
    }
    return stores[request.param]


def test_put_get_delete(store: Secrets) -> None:
    assert store.get("password") is None
    store.put("password", 'pä"ss\n')
    store.put("other", "x")
    assert store.get("password") == 'pä"ss\n'
    store.put("password", "new")
    assert store.get("password") == "new"
    store.delete("password")
    store.delete("password")
    assert store.get("password") is None
    assert store.get("other") == "x"


def test_no_store_shows_its_secrets(store: Secrets) -> None:
    store.put("password", "hunter2")
    assert "hunter2" not in repr(store) + str(vars(store) if not isinstance(store, MemorySecrets) else "")


def test_the_file_is_private_from_its_first_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    created: list[int] = []
    real = os.open

    def watched(path: str, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_CREAT:
            created.append(mode)
        return real(path, flags, mode)

    monkeypatch.setattr("os.open", watched)
    FileSecrets(tmp_path / "secrets.json").put("password", "hunter2")
    assert created == [0o600, 0o600]
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o777])
def test_a_file_that_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    store = FileSecrets(tmp_path / "secrets.json")
    store.put("password", "hunter2")
    (tmp_path / "secrets.json").chmod(mode)
    with pytest.raises(AuthenticationRequired, match="other users may read"):
        store.get("password")
    with pytest.raises(AuthenticationRequired, match="other users may read"):
        store.put("password", "new")


def test_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    FileSecrets(tmp_path / "real.json").put("password", "hunter2")
    (tmp_path / "secrets.json").symlink_to(tmp_path / "real.json")
    with pytest.raises(AuthenticationRequired, match="cannot be opened"):
        FileSecrets(tmp_path / "secrets.json").get("password")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a file of another user")
def test_a_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    FileSecrets(tmp_path / "secrets.json").put("password", "hunter2")
    os.chown(tmp_path / "secrets.json", 65534, 65534)
    with pytest.raises(AuthenticationRequired, match="not a file of this user"):
        FileSecrets(tmp_path / "secrets.json").get("password")


@pytest.mark.parametrize("text", ['{"password": "hunter2"', '["hunter2"]', '{"password": 5}'])
def test_a_broken_file_is_told_without_its_content(tmp_path: Path, text: str) -> None:
    write_private(tmp_path / "secrets.json", text)
    with pytest.raises(AuthenticationRequired, match="is broken") as caught:
        FileSecrets(tmp_path / "secrets.json").get("password")
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))
    # A JSON error carries the whole text; nobody who prints or sends the chain may find it there.
    assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_a_crash_while_writing_leaves_the_old_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FileSecrets(tmp_path / "secrets.json")
    store.put("password", "old")
    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", _no_space)
        with pytest.raises(OutOfSpace):
            store.put("password", "new")
    assert store.get("password") == "old"
    store.put("password", "newer")
    assert store.get("password") == "newer"


def _no_space(_descriptor: int) -> None:
    raise OSError(28, "No space left on device")


def test_the_new_file_and_its_name_are_on_disk_before_put_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr("os.fsync", lambda descriptor: synced.append(Path(f"/proc/self/fd/{descriptor}").readlink()))
    FileSecrets(tmp_path / "secrets.json").put("password", "x")
    assert synced == [tmp_path / ".secrets.json.new", tmp_path]


def test_two_writers_do_not_lose_each_others_secrets(tmp_path: Path) -> None:
    def write(prefix: str) -> None:
        for number in range(20):
            FileSecrets(tmp_path / "secrets.json").put(f"{prefix}{number}", "x")

    writers = [threading.Thread(target=write, args=(prefix,)) for prefix in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    store = FileSecrets(tmp_path / "secrets.json")
    assert all(store.get(f"{prefix}{number}") == "x" for prefix in "ab" for number in range(20))


def credentials(directory: Path, **values: str) -> CredentialSecrets:
    directory.mkdir(exist_ok=True)
    for name, value in values.items():
        (directory / name).write_text(value)
    return CredentialSecrets(directory)


def test_credentials_lose_the_newline_of_an_editor(tmp_path: Path) -> None:
    provided = credentials(tmp_path / "c", password=" hunter2 \n")
    assert provided.get("password") == " hunter2 "
    assert provided.get("encryption_password") is None


def test_an_unreadable_credential_is_not_a_missing_one(tmp_path: Path) -> None:
    (tmp_path / "c" / "password").mkdir(parents=True)
    with pytest.raises(AuthenticationRequired, match="credential password cannot be read"):
        CredentialSecrets(tmp_path / "c").get("password")


def test_credentials_come_first_but_for_tokens_that_rotate(tmp_path: Path) -> None:
    provided = credentials(tmp_path / "c", password="provided", refresh_token="provided")
    store = LayeredSecrets(provided, (FileSecrets(tmp_path / "secrets.json"),))
    assert store.get("refresh_token") == "provided"
    store.put("password", "stored")
    store.put("refresh_token", "rotated")
    assert (store.get("password"), store.get("refresh_token")) == ("provided", "rotated")


def test_put_leaves_no_older_copy_in_a_later_store(tmp_path: Path) -> None:
    file = FileSecrets(tmp_path / "secrets.json")
    file.put("password", "old")
    store = LayeredSecrets(None, (KeyringSecrets("work", Keyring(), WITHIN_S), file))
    assert store.get("password") == "old"
    store.put("password", "new")
    assert (store.get("password"), file.get("password")) == ("new", None)


def test_a_locked_keyring_is_told_without_the_secret() -> None:
    store = KeyringSecrets("work", LockedKeyring(), WITHIN_S)
    secret = "hunter" + "2"
    with pytest.raises(AuthenticationRequired, match="RuntimeError") as caught:
        store.put("password", secret)
    assert secret not in "".join(traceback.format_exception(caught.value))
    with pytest.raises(AuthenticationRequired, match="unlock"):
        store.get("password")


def test_a_keyring_that_asks_its_user_holds_nobody_up_and_asks_once() -> None:
    keyring = AskingKeyring()
    keyring.set_password("mountcloud/work", "password", "x")
    store = KeyringSecrets("work", keyring, later_s=0.0, first_s=0.0)
    for _ in range(3):
        with pytest.raises(Unavailable, match="unlock it"):
            store.get("password")
    assert keyring.was_asked.wait(WITHIN_S)
    assert keyring.asked == 1
    keyring.unlocked.set()
    patient = KeyringSecrets("work", keyring, later_s=WITHIN_S)
    assert patient.get("password") == "x"


def test_after_the_user_unlocked_it_the_keyring_is_asked_anew() -> None:
    keyring = AskingKeyring()
    store = KeyringSecrets("work", keyring, later_s=WITHIN_S, first_s=0.0)
    with pytest.raises(Unavailable):
        store.get("password")
    keyring.unlocked.set()
    for thread in [each for each in threading.enumerate() if each.name == "keyring"]:
        thread.join(WITHIN_S)
    assert (store.get("password"), keyring.asked) == (None, 2)


def test_the_first_question_waits_for_a_person(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    keyring = AskingKeyring()
    store = KeyringSecrets("work", keyring, later_s=0.0, first_s=WITHIN_S)
    person = threading.Thread(target=_unlock_when_told, args=(keyring, caplog))
    person.start()
    assert store.get("password") is None
    person.join(WITHIN_S)
    assert "asking you to unlock it" in caplog.text


def _unlock_when_told(keyring: AskingKeyring, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(1000):
        if "unlock" in caplog.text or keyring.unlocked.wait(0.05):
            break
    keyring.unlocked.set()


def test_what_another_store_has_is_found_although_the_keyring_is_locked(tmp_path: Path) -> None:
    file = FileSecrets(tmp_path / "secrets.json")
    file.put("password", "x")
    store = LayeredSecrets(None, (KeyringSecrets("work", LockedKeyring(), WITHIN_S), file))
    assert store.get("password") == "x"
    with pytest.raises(AuthenticationRequired, match="unlock it"):
        store.get("encryption_password")
    with pytest.raises(AuthenticationRequired):
        store.put("password", "y")
    assert file.get("password") == "x"


def open_here(tmp_path: Path, **environment: str) -> LayeredSecrets:
    environment |= {"HOME": str(tmp_path)}
    return open_secrets("work", AccountPaths.of("work", environment), environment)


def sealed_here(tmp_path: Path) -> FileSecrets:
    environment = {"HOME": str(tmp_path)}
    return file_secrets(AccountPaths.of("work", environment), environment)


def test_open_uses_systemd_and_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    credentials(tmp_path / "c", password="provided")
    store = open_here(tmp_path, CREDENTIALS_DIRECTORY=str(tmp_path / "c"))
    store.put("encryption_password", "x")
    assert (store.get("password"), store.get("encryption_password")) == ("provided", "x")
    assert sealed_here(tmp_path).get("encryption_password") == "x"


@pytest.mark.parametrize(("priority", "used"), [(5.0, True), (0.0, False)])
def test_open_uses_a_keyring_that_keeps_things(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, priority: float, used: bool
) -> None:
    keyring = Keyring()
    keyring.priority = priority
    monkeypatch.setitem(sys.modules, "keyring", SimpleNamespace(get_keyring=lambda: keyring))
    open_here(tmp_path, DBUS_SESSION_BUS_ADDRESS="unix:path=/nowhere").put("password", "x")
    assert (keyring.kept == {("mountcloud/work", "password"): "x"}) is used
    assert (sealed_here(tmp_path).get("password") is None) is used


@pytest.mark.parametrize(
    ("environment", "looked_for"),
    [
        ({}, False),
        ({"XDG_RUNTIME_DIR": "{here}/without"}, False),
        ({"XDG_RUNTIME_DIR": "{here}/with"}, True),
        ({"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere"}, True),
        ({"XDG_CONFIG_HOME": "{here}/chosen"}, True),
        ({"PYTHON_KEYRING_BACKEND": "somebody.elses.Keyring"}, True),
        ({"DBUS_SESSION_BUS_ADDRESS": "x", "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}, False),
    ],
)
def test_a_keyring_is_looked_for_only_where_one_can_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], looked_for: bool
) -> None:
    for file in (tmp_path / "with/bus", tmp_path / "chosen/python_keyring/keyringrc.cfg"):
        file.parent.mkdir(parents=True)
        file.touch()
    looked: list[bool] = []

    def get_keyring() -> SimpleNamespace:
        looked.append(True)
        return SimpleNamespace(priority=0)

    monkeypatch.setitem(sys.modules, "keyring", SimpleNamespace(get_keyring=get_keyring))
    open_here(tmp_path, **{name: value.format(here=tmp_path) for name, value in environment.items()})
    assert bool(looked) is looked_for


def test_memory_secrets_can_be_stored(tmp_path: Path) -> None:
    file = FileSecrets(tmp_path / "secrets.json")
    MemorySecrets({"a": "1", "b": "2"}).copy_to(file)
    assert (file.get("a"), file.get("b")) == ("1", "2")


class FullStore(MemorySecrets):
    """A store on a disk that is full until something is given back."""

    def __init__(self) -> None:
        super().__init__()
        self.full = True

    def put(self, name: str, value: str) -> None:
        if self.full:
            raise DiskFull("no room")
        super().put(name, value)


def test_a_full_disk_does_not_keep_a_new_token_from_being_stored() -> None:
    store, released = FullStore(), [False]

    def release() -> bool:
        was_held, store.full = not released[0], False
        released[0] = True
        return was_held

    SecretsWithRoom(store, release).put("refresh_token", "new")
    assert store.get("refresh_token") == "new"
    store.full = True
    with pytest.raises(DiskFull):
        SecretsWithRoom(store, lambda: False).put("refresh_token", "newer")


def test_a_sealed_file_says_nothing_without_its_key(tmp_path: Path) -> None:
    key = tmp_path / "keys/secrets.key"
    store = FileSecrets(tmp_path / "secrets.json", SealKey(key))
    store.put("password", "hunter2")
    assert b"hunter2" not in (tmp_path / "secrets.json").read_bytes()
    assert b"password" not in (tmp_path / "secrets.json").read_bytes()
    assert (stat.S_IMODE(key.stat().st_mode), list(key.parent.iterdir())) == (0o600, [key])
    with pytest.raises(AuthenticationRequired, match="is sealed"):
        FileSecrets(tmp_path / "secrets.json").delete("password")
    key.rename(tmp_path / "elsewhere")
    with pytest.raises(AuthenticationRequired, match="is gone"):
        store.get("password")
    with pytest.raises(AuthenticationRequired, match="is gone"):
        store.put("other", "x")
    FileSecrets(tmp_path / "another.json", SealKey(key)).put("a", "b")
    with pytest.raises(AuthenticationRequired, match="does not open"):
        store.get("password")
    (tmp_path / "elsewhere").rename(key)
    assert store.get("password") == "hunter2"


def test_what_was_written_without_a_key_is_sealed_at_the_next_change(tmp_path: Path) -> None:
    FileSecrets(tmp_path / "secrets.json").put("password", "hunter2")
    store = FileSecrets(tmp_path / "secrets.json", SealKey(tmp_path / "secrets.key"))
    assert store.get("password") == "hunter2"
    store.put("other", "x")
    assert b"hunter2" not in (tmp_path / "secrets.json").read_bytes()
    assert (store.get("password"), store.get("other")) == ("hunter2", "x")


@pytest.mark.parametrize("spoil", ["open", "short", "altered"])
def test_a_key_or_file_that_was_tampered_with_is_refused(tmp_path: Path, spoil: str) -> None:
    file, key = tmp_path / "secrets.json", tmp_path / "secrets.key"
    store = FileSecrets(file, SealKey(key))
    store.put("password", "hunter2")
    if spoil == "open":
        key.chmod(0o644)
    elif spoil == "short":
        key.write_text("c2hvcnQ=")
    else:
        text = file.read_text()
        file.write_text(text[:60] + ("A" if text[60] != "A" else "B") + text[61:])
    with pytest.raises(AuthenticationRequired):
        store.get("password")


def test_two_that_make_the_key_at_once_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = tmp_path / "secrets.key"
    real = os.fsync
    text: list[str] = []

    def meanwhile(descriptor: int) -> None:
        real(descriptor)
        if not text:
            text.append("")
            text[0] = SealKey(key).seal("the other's")

    monkeypatch.setattr("os.fsync", meanwhile)
    mine = SealKey(key)
    sealed = mine.seal("mine")
    assert (mine.unseal(text[0]), SealKey(key).unseal(sealed)) == ("the other's", "mine")
    assert list(tmp_path.iterdir()) == [key]
