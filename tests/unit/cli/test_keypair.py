"""``keypair``: what is shown, what is asked, and what is never done in passing."""

import pytest
from click.testing import CliRunner, Result

from mountcloud.cli import keypair
from mountcloud.cli.main import main
from mountcloud.daemon.paths import AccountPaths
from mountcloud.daemon.secrets import file_secrets
from tests.unit.cli.test_login import NEW, Registry, Service, services

__all__ = ["services"]


@pytest.fixture(autouse=True)
def account(services: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """An account with an old pair and a stored encryption password."""
    for name in ("pairs", "added", "replaced"):
        monkeypatch.setattr(Service, name, getattr(Service, name))
    Service.pairs = ("A",)
    done = CliRunner().invoke(main, ["login", "work", *NEW, "--password-stdin"], input="right\nkeyword\n")
    assert done.exit_code == 0


def run(*words: str, entered: str = "") -> Result:
    return CliRunner().invoke(main, ["keypair", "work", *words], input=entered)


def test_they_are_shown() -> None:
    assert run().stdout == "A\n"
    Service.pairs = ()
    assert "mountcloud login work" in run().stdout


def test_another_kind_is_added_without_a_question() -> None:
    result = run("--add", "RSA-4096")
    assert (result.exit_code, Service.added, "12 file keys" in result.stdout) == (0, "RSA-4096", True)
    assert Service.replaced == ()


@pytest.mark.parametrize("answer", ["", "y", "yes", "WORK"])
def test_nothing_is_replaced_in_passing(answer: str) -> None:
    result = run("--replace", "A", entered=f"{answer}\n")
    assert (result.exit_code, Service.replaced) == (1, ())
    assert "nothing was changed" in result.stderr
    assert "FOR EVER" in result.stdout


def test_a_pair_is_replaced_after_a_warning() -> None:
    result = run("--replace", "A", entered="work\nnew word\nnew word\n")
    assert (result.exit_code, Service.replaced) == (0, ("A", "new word")), result.stderr
    assert result.stdout.index("What becomes unreadable") < result.stdout.index("type the account's name")
    assert "new word" not in result.stdout
    assert file_secrets(AccountPaths.of("work")).get("encryption_password") == "new word"


def test_a_mounted_account_keeps_its_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its daemon would encrypt for a pair that is gone."""
    monkeypatch.setattr(keypair, "is_mounted", lambda name: name == "work")
    result = run("--replace", "A", entered="work\nnew word\nnew word\n")
    assert (result.exit_code, Service.replaced, "mountcloud umount" in result.stderr) == (1, (), True)


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("--replace", "RSA-4096"), 1, "no key pair RSA-4096; there is: A"),
        (("--replace", "B"), 78, "there are RSA-4096, A"),
        (("--add", "B"), 78, "there are RSA-4096, A"),
        (("--add", "A", "--replace", "A"), 2, "either"),
    ],
)
def test_wrong_wishes(words: tuple[str, ...], code: int, told: str) -> None:
    result = run(*words)
    assert (result.exit_code, told in result.stderr) == (code, True), result.stderr
    assert (Service.added, Service.replaced) == (None, ())


def test_a_pair_beside_none() -> None:
    Service.pairs = ()
    assert "no key pair yet" in run("--add", "A").stderr
