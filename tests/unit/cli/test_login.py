import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mountcloud.cli.main import main
from mountcloud.daemon.paths import AccountPaths, config_file
from mountcloud.daemon.secrets import file_secrets, open_secrets
from mountcloud.daemon.settings import load
from mountcloud.model.errors import AuthenticationRequired, Failure, Unavailable
from mountcloud.model.offers import Encryption
from mountcloud.model.provider import Provider, Secrets
from mountcloud.providers import registry
from mountcloud.providers.memory import MemoryProvider
from mountcloud.providers.memory_service import MemoryService

NEW = ("--url", "https://dracoon.example", "--user", "me")


class Service(MemoryProvider):
    """A service that knows one password and may give a refresh token for it."""

    tried: str | None = None
    closed = 0
    stands = Encryption.LOCKED
    opens = "keyword"
    made: tuple[str, ...] = ()
    pairs: tuple[str, ...] = ()
    added: str | None = None
    replaced: tuple[str, ...] = ()
    revoked: str | None = None
    unreachable = False

    def __init__(self, secrets: Secrets, *, tokens: bool) -> None:
        super().__init__(MemoryService())
        self._secrets = secrets
        self._tokens = tokens

    async def verify(self) -> object:
        Service.tried = self._secrets.get("password")
        if Service.tried != "right":
            raise AuthenticationRequired("the service refused the password")
        if self._secrets.get("encryption_password") not in {None, Service.opens}:
            raise AuthenticationRequired("the encryption password is wrong")
        if self._tokens:
            self._secrets.put("refresh_token", "token 1")
        return None

    async def encryption(self) -> Encryption:
        return Service.stands

    async def key_pair_versions(self) -> Sequence[str]:
        return ["RSA-4096", "A"]

    async def make_key_pair(self, version: str, password: str) -> None:
        Service.made = (version, password)

    async def key_pairs(self) -> Sequence[str]:
        return Service.pairs

    async def add_key_pair(self, version: str) -> int:
        if self._secrets.get("encryption_password") != Service.opens:
            raise AuthenticationRequired("the encryption password is wrong")
        Service.added = version
        return 12

    async def replace_key_pair(self, version: str, password: str) -> None:
        Service.replaced = (version, password)

    async def revoke(self) -> None:
        if Service.unreachable:
            raise Unavailable("no network")
        Service.revoked = self._secrets.get("refresh_token")

    async def aclose(self) -> None:
        Service.closed += 1
        await super().aclose()


class Registry:
    """Stands for the registry of providers."""

    def __init__(self) -> None:
        self.created: list[tuple[str, dict[str, object]]] = []
        self.tokens = True

    def create(self, scheme: str, settings: Mapping[str, object], secrets: Secrets) -> Provider:
        self.created.append((scheme, dict(settings)))
        return Service(secrets, tokens=self.tokens)


@pytest.fixture
def services(home: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    stand_in = Registry()
    monkeypatch.setattr(registry, "create", stand_in.create)
    monkeypatch.setattr(Service, "closed", 0)
    for name in ("stands", "opens", "made", "revoked", "unreachable"):
        monkeypatch.setattr(Service, name, getattr(Service, name))
    monkeypatch.setitem(sys.modules, "keyring", None)
    return stand_in


def run(*arguments: str, entered: str = "right\n") -> Result:
    return CliRunner().invoke(main, ["login", *arguments], input=entered)


def stored(name: str) -> str | None:
    return file_secrets(AccountPaths.of("work")).get(name)


def test_a_new_account_is_tried_and_remembered(services: Registry) -> None:
    result = run("work", *NEW, "--password-stdin", "--mountpoint", "~/Work", entered="right\nkeyword\n")
    assert (result.exit_code, result.stdout) == (0, "Logged in. Next: mountcloud mount work\n")
    options = {"url": "https://dracoon.example", "username": "me"}
    assert services.created == [("dracoon", options)]
    account = load(config_file()).account("work")
    assert (account.provider, dict(account.options)) == ("dracoon", options)
    assert account.mountpoint == Path.home() / "Work"
    assert (stored("encryption_password"), stored("refresh_token")) == ("keyword", "token 1")
    assert Service.closed == 1


def test_a_mountpoint_means_the_same_from_everywhere(
    services: Registry, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    run("work", *NEW, "--password-stdin", "--mountpoint", "here")
    assert load(config_file()).account("work").mountpoint == home / "here"


def test_the_password_is_not_kept_where_a_token_does(services: Registry) -> None:
    run("work", *NEW, "--password-stdin")
    assert (stored("password"), stored("refresh_token")) == (None, "token 1")


def test_the_password_is_kept_when_asked_for(services: Registry) -> None:
    run("work", *NEW, "--password-stdin", "--keep-password")
    assert (stored("password"), stored("refresh_token")) == ("right", "token 1")


def test_the_password_is_kept_where_there_is_no_token(services: Registry) -> None:
    services.tokens = False
    run("work", *NEW, "--password-stdin")
    assert stored("password") == "right"


@pytest.mark.parametrize(
    ("failure", "helps"),
    [
        (
            AuthenticationRequired("not accepted", hint="mountcloud login NAME"),
            "look at the user name and the password",
        ),
        (AuthenticationRequired("denied", hint="start the login again"), "start the login again"),
        (Unavailable("no answer"), "is https://dracoon.example right, and is there a network?"),
        (Unavailable("no trust", hint="ca_file"), "ca_file"),
    ],
)
def test_a_log_in_that_fails_says_what_to_look_at(
    services: Registry, monkeypatch: pytest.MonkeyPatch, failure: Failure, helps: str
) -> None:
    async def verify(_: Service) -> object:
        raise failure

    monkeypatch.setattr(Service, "verify", verify)
    result = run("work", *NEW, "--password-stdin")
    assert f"Error: {failure.message} ({helps}" in result.stderr


def test_an_unknown_service_is_told_before_anything_is_asked(services: Registry) -> None:
    result = run("work", "--provider", "dracon")
    assert (result.exit_code, result.stdout) == (78, "")
    assert "did you mean 'dracoon'?" in result.stderr


def test_refused_credentials_leave_nothing_behind(services: Registry, home: Path) -> None:
    result = run("work", *NEW, "--password-stdin", entered="wrong\n")
    assert (result.exit_code, result.stderr) == (77, "Error: the service refused the password\n")
    assert list(home.iterdir()) == []
    assert Service.closed == 1


def test_everything_missing_is_asked_and_not_echoed(services: Registry) -> None:
    result = run("work", entered="https://dracoon.example\nme\nright\nkeyword\n")
    assert result.exit_code == 0
    assert "right" not in result.output
    assert "keyword" not in result.output
    assert services.created == [("dracoon", {"url": "https://dracoon.example", "username": "me"})]
    assert stored("encryption_password") == "keyword"


def test_a_client_of_ones_own_has_a_secret(services: Registry) -> None:
    result = run("work", *NEW, "--option", "client_id=ours", entered="right\nour secret\n\n")
    assert result.exit_code == 0
    assert (stored("encryption_password"), stored("client_secret")) == (None, "our secret")
    assert "our secret" not in result.output


def test_options_have_the_types_of_the_settings_file(services: Registry) -> None:
    options = ("--option", "part_size=10485760", "--option", 'client_id="5"', "--option", "x=true", "--option", "y=a=b")
    run("work", *NEW, *options, "--password-stdin")
    given = services.created[0][1]
    assert (given["part_size"], given["client_id"], given["x"], given["y"]) == (10485760, "5", True, "a=b")
    assert dict(load(config_file()).account("work").options) == given


def test_a_known_account_gets_new_secrets_only(services: Registry) -> None:
    run("work", *NEW, "--password-stdin", "--keep-password")
    before = config_file().read_text()
    Service.opens = "new keyword"
    result = run("work", "--password-stdin", entered="right\nnew keyword\n")
    assert result.exit_code == 0
    assert config_file().read_text() == before
    assert (stored("encryption_password"), stored("password")) == ("new keyword", None)


def test_a_known_account_is_not_changed_in_passing(services: Registry) -> None:
    run("work", *NEW, "--password-stdin")
    result = run("work", "--url", "https://other.example", "--password-stdin")
    assert (result.exit_code, "work exists; change it in" in result.stderr) == (1, True)
    assert len(services.created) == 1


@pytest.mark.parametrize(
    ("arguments", "entered", "words"),
    [
        (("work", *NEW, "--password-stdin"), "", "no password came"),
        (("work", *NEW, "--option", "x", "--password-stdin"), "right\n", "KEY=VALUE"),
        (("../work", *NEW, "--password-stdin"), "right\n", "cannot name an account"),
    ],
)
def test_wrong_usage(services: Registry, arguments: tuple[str, ...], entered: str, words: str) -> None:
    result = run(*arguments, entered=entered)
    assert (result.exit_code, words in result.stderr) == (78, True)
    assert not services.created


def test_the_token_of_a_log_in_beats_that_of_systemd(services: Registry, home: Path) -> None:
    (home / "refresh_token").write_text("older")
    run("work", *NEW, "--password-stdin")
    secrets = open_secrets("work", AccountPaths.of("work"), {"CREDENTIALS_DIRECTORY": str(home)})
    assert secrets.get("refresh_token") == "token 1"


def test_a_password_cannot_be_given_where_ps_shows_it(home: Path) -> None:
    command = [sys.executable, "-m", "mountcloud", "login", "work", *NEW, "--password", "right"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=os.environ | {"HOME": str(home)})
    assert done.returncode == 2
    assert "No such option" in done.stderr


def test_the_command_says_its_version(home: Path) -> None:
    command = [sys.executable, "-m", "mountcloud", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "mountcloud, version 0.1.0\n")


def test_a_wrong_encryption_password_is_asked_for_again(services: Registry) -> None:
    result = run("work", *NEW, entered="right\nwrong\nkeyword\n")
    assert (result.exit_code, "is wrong; try again" in result.stderr) == (0, True)
    assert stored("encryption_password") == "keyword"
    result = run("again", *NEW, entered="right\n1\n2\n3\n")
    assert (result.exit_code, "encryption password is wrong" in result.stderr) == (77, True)
    assert "again" not in load(config_file()).accounts


def test_an_account_without_encryption_is_not_asked_about_it(services: Registry) -> None:
    Service.stands = Encryption.NONE
    result = run("work", *NEW, entered="right\n")
    assert (result.exit_code, "ncryption" in result.output) == (0, False)


def test_a_key_pair_is_made_where_there_is_none_and_the_user_wants_it(services: Registry) -> None:
    Service.stands = Encryption.NO_KEYS
    assert run("work", *NEW, entered="right\nn\n").exit_code == 0
    assert not Service.made
    result = run("other", *NEW, entered="right\ny\nA\nkeyword\nkeyword\n")
    assert result.exit_code == 0
    assert Service.made == ("A", "keyword")
    assert "Nobody can replace that password" in result.output
    assert file_secrets(AccountPaths.of("other")).get("encryption_password") == "keyword"


def test_logging_out_ends_it_on_the_service_and_forgets_the_secrets(services: Registry) -> None:
    run("work", *NEW, "--password-stdin", "--keep-password", entered="right\nkeyword\n")
    file_secrets(AccountPaths.of("work")).put("draft_key_1", "needed for what is not sent yet")
    Service.unreachable = True
    result = CliRunner().invoke(main, ["logout", "work"])
    assert (result.exit_code, "--force" in result.stderr, stored("password")) == (69, True, "right")
    Service.unreachable = False
    result = CliRunner().invoke(main, ["logout", "work"])
    assert (result.exit_code, Service.revoked) == (0, "token 1")
    assert [stored(name) for name in ("password", "encryption_password", "refresh_token")] == [None] * 3
    assert stored("draft_key_1")
    assert "work" in load(config_file()).accounts


def test_logging_out_without_network_can_be_forced(services: Registry) -> None:
    run("work", *NEW, "--password-stdin")
    Service.unreachable = True
    result = CliRunner().invoke(main, ["logout", "work", "--force"])
    assert (result.exit_code, "was not told" in result.stderr, stored("refresh_token")) == (0, True, None)
