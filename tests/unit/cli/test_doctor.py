import json
import os
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from mountcloud.cli import doctor
from mountcloud.cli.main import main
from mountcloud.cli.mount import MountedFuse
from mountcloud.daemon.paths import AccountPaths
from mountcloud.model.errors import AuthenticationRequired
from mountcloud.model.offers import ServiceFacts
from mountcloud.model.provider import Provider, Secrets
from mountcloud.providers import registry
from mountcloud.providers.memory import MemoryProvider


class Service(MemoryProvider):
    """A service with a clock and an opinion of the credentials."""

    clock_off = 0.0
    accepts = True

    async def about(self) -> ServiceFacts:
        return ServiceFacts("Service", "4.2", time.time() + Service.clock_off)

    async def verify(self) -> object:
        if not Service.accepts:
            raise AuthenticationRequired("the service refused the password", hint="mountcloud login work")
        return None


def create(scheme: str, settings: Mapping[str, object], secrets: Secrets) -> Provider:
    return Service()


@pytest.fixture
def settings(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = home / ".config/mountcloud/config.toml"
    file.parent.mkdir(parents=True)
    file.write_text(f'[accounts.work]\nprovider = "memory"\nmountpoint = "{home}/Work"\n')
    monkeypatch.setattr(registry, "create", create)
    monkeypatch.setattr(doctor, "fuse_table", list)
    monkeypatch.setattr(Service, "clock_off", 0.0)
    monkeypatch.setattr(Service, "accepts", True)
    return file


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["doctor", *words])


def found(*words: str) -> list[dict[str, str]]:
    answer: list[dict[str, str]] = json.loads(run("--json", *words).stdout)
    return answer


def test_a_healthy_machine(settings: Path) -> None:
    paths = AccountPaths.of("work")
    paths.create()
    result = run("work")
    for line in ("1 account", "free for", "work: not mounted", "work: Service 4.2", "accepts the credentials"):
        assert line in result.stdout
    assert "machine's clock" not in result.stdout


def spoil_rights(file: Path) -> None:
    AccountPaths.of("work").create()
    AccountPaths.of("work").state.chmod(0o755)


def spoil_settings(file: Path) -> None:
    file.write_text(file.read_text() + "polll_interval_s = 3\n")


def refuse(file: Path) -> None:
    Service.accepts = False


@pytest.mark.parametrize(
    ("spoil", "what", "helps"),
    [
        (spoil_rights, "others may look into", "chmod 700"),
        (spoil_settings, "line 4: unknown key 'polll_interval_s'; did you mean 'poll_interval_s'?", "config check"),
        (refuse, "work: the service refused the password", "mountcloud login work"),
    ],
)
def test_what_is_wrong_is_named_with_what_helps(
    settings: Path, spoil: Callable[[Path], None], what: str, helps: str
) -> None:
    spoil(settings)
    assert run().exit_code == 1
    (failed,) = [each for each in found() if each["level"] == "failed"]
    assert what in failed["what"]
    assert helps in failed["help"]


def test_a_clock_that_is_off(settings: Path) -> None:
    Service.clock_off = 330.0
    (warning,) = [each for each in found() if "machine's clock" in each["what"]]
    assert warning["what"] == "work: this machine's clock is 5 min behind the service's"
    assert run().exit_code == 0


def test_a_dead_mount_is_found(settings: Path, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    dead, alive = home / "dead", home / "alive"
    alive.mkdir()
    table = [MountedFuse(dead, "mountcloud:work"), MountedFuse(alive, "mountcloud:idle"), MountedFuse(dead, "sshfs")]
    monkeypatch.setattr(doctor, "fuse_table", lambda: table)
    (failed,) = [each for each in found() if each["level"] == "failed"]
    assert f"the mount at {dead} is dead" in failed["what"]
    assert "mountcloud mount work" in failed["help"]


def test_the_dead_mount_of_another_account_says_nothing_of_this_one(
    settings: Path, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    monkeypatch.setattr(doctor, "fuse_table", lambda: [MountedFuse(home / "dead", "mountcloud:other")])
    assert run("work").exit_code == 0
    assert run().exit_code == 1


def test_little_room_is_a_warning(settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    AccountPaths.of("work").create()
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1 << 20))
    warnings = [each for each in found() if "free for" in each["what"]]
    assert {(each["level"], each["what"].partition(" free")[0]) for each in warnings} == {("warning", "work: 1.0 MiB")}
    assert all("free some" in each["help"] for each in warnings)
    assert run().exit_code == 0


def test_offline_asks_no_service(settings: Path) -> None:
    refuse(settings)
    assert run("--offline").exit_code == 0


def test_without_fuse(settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *words: False)
    monkeypatch.setenv("PATH", "/nowhere")
    assert {"/dev/fuse cannot be opened", "fusermount3 is missing"} <= {each["what"] for each in found("--offline")}


def test_an_account_that_is_not_there(settings: Path) -> None:
    assert "did you mean 'work'" in run("wrok").stdout
