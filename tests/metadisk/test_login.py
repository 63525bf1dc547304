"""Signing in, registering, activating, and the key that is left of it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mountcloud.cli.main import main
from mountcloud.daemon.paths import AccountPaths
from mountcloud.daemon.secrets import MemorySecrets, open_secrets
from mountcloud.model.errors import AccountBlocked, AuthenticationRequired, Exists, InvalidArgument
from mountcloud.providers.memory_places import MemoryPlaces
from mountcloud.providers.metadisk.provider import create
from tests.metadisk.provider import provider_of
from tests.metadisk.server import MetadiskServer
from tests.metadisk.service import PASSWORD, Service, sent_password
from tests.real_server import on_real_trio

Login = Callable[..., Result]


@pytest.fixture
def login(service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Login:
    """``mountcloud login work`` with these answers."""
    for kind in ("CONFIG", "STATE", "CACHE", "DATA"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))

    def run(*answers: str, new: bool = True, words: tuple[str, ...] = ()) -> Result:
        options = ("--provider", "metadisk", "--url", service.url) if new else ()
        return CliRunner().invoke(main, ["login", "work", *options, *words], input="".join(f"{a}\n" for a in answers))

    return run


def stored(name: str) -> str | None:
    return open_secrets("work", AccountPaths.of("work")).get(name)


def keys(service: Service) -> list[str]:
    return [each["key"] for each in service.ok("GET", "/keys")]


def test_a_log_in_leaves_a_key_and_no_password(service: Service, login: Login) -> None:
    done = login(service.email, PASSWORD)
    assert done.exit_code == 0, done.output
    assert stored("password") is None
    assert len(keys(service)) == 1
    private = stored("private_key")
    assert private is not None
    assert private not in done.output
    listed = CliRunner().invoke(main, ["api", "work", "GET", "/keys"])
    assert keys(service)[0] in listed.output


def test_a_second_log_in_uses_the_key_again(service: Service, login: Login) -> None:
    login(service.email, PASSWORD)
    before = stored("private_key")
    assert login(PASSWORD, new=False).exit_code == 0
    assert (stored("private_key"), len(keys(service))) == (before, 1)


def test_log_out_takes_the_key_from_the_account(service: Service, login: Login) -> None:
    login(service.email, PASSWORD)
    done = CliRunner().invoke(main, ["logout", "work"])
    assert done.exit_code == 0, done.output
    assert (keys(service), stored("private_key")) == ([], None)
    assert "no signing key is stored" in CliRunner().invoke(main, ["api", "work", "GET", "/buckets"]).output


def test_a_password_from_a_pipe(service: Service, login: Login) -> None:
    done = login(PASSWORD, words=("--user", service.email, "--password-stdin"))
    assert done.exit_code == 0, done.output
    assert (stored("password"), len(keys(service))) == (None, 1)
    refused = login("wrong", new=False, words=("--password-stdin",))
    assert refused.exit_code == 77
    assert "Register" not in refused.output


def test_somebody_new_registers_and_activates(metadisk: MetadiskServer, service: Service, login: Login) -> None:
    begun = login("new@example.org", "word", "y", "nonsense")
    assert begun.exit_code != 0
    assert "no activation token" in begun.output
    token = metadisk.control.activator("new@example.org")
    done = login("new@example.org", "word", f"{service.url}/activations/{token}")
    assert done.exit_code == 0, done.output
    assert sent_password("word") not in done.output
    with Service(service.url, "new@example.org", "word") as account:
        assert len(keys(account)) == 1


def test_a_wrong_password_is_no_new_account(service: Service, login: Login) -> None:
    declined = login(service.email, "wrong", "n")
    assert declined.exit_code == 77
    assert "e-mail address or password is wrong" in declined.output
    known = login(service.email, "wrong", "y")
    assert known.exit_code == 77
    assert "so the password is wrong" in known.output


@on_real_trio
async def test_what_the_service_says_at_log_in(metadisk: MetadiskServer, service: Service) -> None:
    new = create({"url": service.url, "username": "late@example.org"}, MemorySecrets({"password": "w"}), MemoryPlaces())
    with pytest.raises(AuthenticationRequired):
        await new.verify()
    await new.register()
    with pytest.raises(Exists):
        await new.register()
    with pytest.raises(AccountBlocked):
        await new.verify()
    for wrong in ("0" * 64, "", "a b"):
        with pytest.raises(InvalidArgument, match="no activation token"):
            await new.activate(wrong)
    await new.activate(f" {metadisk.control.activator('late@example.org')}\n")
    await new.verify()
    assert (await new.about()).product == "Metadisk"
    await new.revoke()
    with pytest.raises(AuthenticationRequired):
        await new.root()
    await new.aclose()


@on_real_trio
async def test_a_key_that_is_none_is_told(service: Service) -> None:
    for text in ("", "no key"):
        provider = create({"url": service.url}, MemorySecrets({"private_key": text}), MemoryPlaces())
        with pytest.raises(AuthenticationRequired):
            await provider.root()
        await provider.aclose()


@on_real_trio
async def test_the_account_works_with_the_key_alone(service: Service) -> None:
    secrets = MemorySecrets({"password": service.password})
    async with provider_of(service, secrets=secrets):
        pass
    assert secrets.get("password") is None
    async with provider_of(service, secrets=secrets) as provider:
        assert await provider.request("get", "/buckets", {}) == []
    with pytest.raises(InvalidArgument):
        await provider.request("GET", "buckets?x=1", {})
