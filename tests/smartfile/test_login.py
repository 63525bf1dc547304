"""Where credentials come from, and access that the user grants in a browser."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from mountcloud.cli.main import main
from mountcloud.daemon.paths import AccountPaths
from mountcloud.daemon.secrets import MemorySecrets, open_secrets
from mountcloud.model.errors import AuthenticationRequired, InvalidArgument, Unavailable
from mountcloud.providers.memory_places import MemoryPlaces
from mountcloud.providers.smartfile import credentials, granting
from mountcloud.providers.smartfile.provider import SmartFileProvider, create
from mountcloud.providers.smartfile.settings import SmartFileSettings, settings_from
from mountcloud.sandbox.smartfile.seed import CLIENT_SECRET, CLIENT_TOKEN
from tests.real_server import on_real_trio
from tests.smartfile.server import SmartFileServer
from tests.smartfile.service import Service

OWN = ("SMARTFILE_API_KEY", "SMARTFILE_API_PASSWORD", "SMARTFILE_CLIENT_TOKEN", "SMARTFILE_API_URL")


@pytest.fixture(autouse=True)
def _nothing_around(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in OWN:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


def made(
    service: Service,
    home: Path,
    stored: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
    **settings: object,
) -> SmartFileProvider:
    checked = settings_from({"url": service.url, **settings})
    login = credentials.login(checked, MemorySecrets(dict(stored or {})), environment or {}, home)
    return SmartFileProvider(checked, login, MemoryPlaces())


async def works(provider: SmartFileProvider) -> bool:
    try:
        await provider.root()
    except AuthenticationRequired:
        return False
    finally:
        await provider.aclose()
    return True


def netrc(home: Path, machine: str, service: Service) -> None:
    (home / ".netrc").write_text(f"machine {machine} login {service.key} password {service.password}\n")
    (home / ".netrc").chmod(0o600)


@on_real_trio
async def test_what_was_stored_comes_first(service: Service, tmp_path: Path) -> None:
    wrong = {credentials.KEY: service.key, credentials.PASSWORD: "wrong"}
    stored = {"password": service.password}
    assert await works(made(service, tmp_path, stored, wrong, username=service.key))
    assert not await works(made(service, tmp_path, {"password": "wrong"}, {}, username=service.key))


@on_real_trio
async def test_then_comes_the_environment(service: Service, tmp_path: Path) -> None:
    found = {credentials.KEY: service.key, credentials.PASSWORD: service.password}
    netrc(tmp_path, "elsewhere", service)
    assert await works(made(service, tmp_path, environment=found))
    assert await works(made(service, tmp_path, environment=found, username=service.key))
    assert not await works(made(service, tmp_path, environment=found, username="another key"))


@on_real_trio
async def test_then_comes_netrc_by_address_and_port(service: Service, tmp_path: Path) -> None:
    netrc(tmp_path, service.url.removeprefix("http://"), service)
    assert await works(made(service, tmp_path))
    assert not await works(made(service, tmp_path, username="another key"))
    netrc(tmp_path, "127.0.0.1", service)
    with pytest.raises(InvalidArgument, match="username"):
        made(service, tmp_path)
    (tmp_path / ".netrc").write_text("machine \x00 (")
    with pytest.raises(InvalidArgument, match="username"):
        made(service, tmp_path)


def test_the_address_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMARTFILE_API_URL", "http://smartfile.example/")
    with pytest.raises(InvalidArgument, match="https"):
        create({"username": "u"}, MemorySecrets({}), MemoryPlaces())
    create({"username": "u", "url": "https://smartfile.example"}, MemorySecrets({}), MemoryPlaces())


@on_real_trio
async def test_granted_access_works_until_the_secret_is_another(service: Service, tmp_path: Path) -> None:
    smartfile = grants(service)
    secrets = await granting.log_in({"url": service.url, "client_token": CLIENT_TOKEN}, smartfile)
    assert set(secrets) == {"client_secret", "access_token", "access_secret"}
    assert await works(made(service, tmp_path, secrets, client_token=CLIENT_TOKEN))
    assert not await works(made(service, tmp_path, {**secrets, "access_secret": "x" * 30}, client_token=CLIENT_TOKEN))
    assert not await works(made(service, tmp_path, {}, client_token=CLIENT_TOKEN))
    variables = {credentials.CLIENT_TOKEN: CLIENT_TOKEN, credentials.CLIENT_SECRET: CLIENT_SECRET}
    variables |= {
        credentials.ACCESS_TOKEN: secrets["access_token"],
        credentials.ACCESS_SECRET: secrets["access_secret"],
    }
    assert await works(made(service, tmp_path, environment=variables))


def grants(service: Service, *, secret: str = CLIENT_SECRET, code: str = "") -> Callable[[str, bool], str]:
    """The user: knows the program's secret, and grants access where the address leads."""

    def answer(question: str, hidden: bool) -> str:
        if hidden:
            return secret
        found = re.search(r"http\S+oauth_token=(\w+)", question)
        assert found
        control = f"{service.url}/_sandbox/oauth/grant"
        codes = httpx.post(control, json={"account": service.key}, trust_env=False).json()["codes"]
        return code or f" {codes[found[1]]}\n"

    return answer


@on_real_trio
async def test_a_wrong_code_or_secret_grants_nothing(service: Service) -> None:
    options = {"url": service.url, "client_token": CLIENT_TOKEN}
    for user in (grants(service, code="wrong"), grants(service, secret="wrong")):
        with pytest.raises(AuthenticationRequired, match="does not grant"):
            await granting.log_in(options, user)


@on_real_trio
async def test_a_service_that_talks_nonsense_gives_no_token(smartfile: SmartFileServer, service: Service) -> None:
    smartfile.control.fault("/oauth/", status=200, body="html")
    with pytest.raises(Unavailable):
        await granting.log_in({"url": service.url, "client_token": CLIENT_TOKEN}, grants(service))


def test_log_in_asks_for_the_key_alone(service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("CONFIG", "STATE", "CACHE", "DATA"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    words = ["login", "work", "--provider", "smartfile", "--option", f"url={service.url}"]
    done = CliRunner().invoke(main, words, input=f"{service.key}\n{service.password}\n")
    assert done.exit_code == 0, done.output
    assert service.password not in done.output
    assert f'username = "{service.key}"' in (tmp_path / "CONFIG/mountcloud/config.toml").read_text()


def test_log_in_by_a_code(service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("CONFIG", "STATE", "CACHE", "DATA"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    user = grants(service)
    monkeypatch.setattr("mountcloud.cli.verification_login._ask", user)
    words = ["login", "work", "--provider", "smartfile", "--option", f"url={service.url}"]
    done = CliRunner().invoke(main, [*words, "--option", f"client_token={CLIENT_TOKEN}"])
    assert done.exit_code == 0, done.output
    settings = (tmp_path / "CONFIG/mountcloud/config.toml").read_text()
    assert (CLIENT_TOKEN in settings, CLIENT_SECRET in settings) == (True, False)
    kept = open_secrets("work", AccountPaths.of("work"))
    assert (kept.get("client_secret"), kept.get("password")) == (CLIENT_SECRET, None)
    assert kept.get("access_token")
    assert kept.get("access_secret")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"urk": "x"}, "did you mean 'url'"),
        ({"url": 3}, "must be of type str"),
        ({"url": "ftp://x"}, "must look like"),
        ({"url": "https://u:p@x"}, "must not hold credentials"),
        ({"url": "http://smartfile.example"}, "must begin with https"),
        ({"username": "u", "client_token": "t"}, "exclude each other"),
        ({"max_concurrency": 0}, "at least 1"),
        ({"delta_min_kib": -1}, "at least 0"),
        ({"proxy": "x"}, "proxy must look like"),
    ],
)
def test_wrong_settings_are_named(settings: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidArgument, match=re.escape(words)):
        settings_from(settings)


def test_the_service_has_one_address_for_everybody() -> None:
    assert settings_from({}) == SmartFileSettings()
    assert settings_from({"url": "http://127.0.0.1:80/"}).url == "http://127.0.0.1:80"
