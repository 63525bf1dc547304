"""``service``, ``config`` and ``completion``."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mountcloud.cli import service
from mountcloud.cli.main import main
from mountcloud.daemon.settings import load

SETTINGS = """\
[accounts.work]
provider = "dracoon"
mountpoint = "/srv/work"

[accounts.work.dracoon]
url = "https://dracoon.example"

[accounts.idle]
provider = "memory"
"""


@pytest.fixture
def settings(home: Path) -> Path:
    file = home / ".config/mountcloud/config.toml"
    file.parent.mkdir(parents=True)
    file.write_text(SETTINGS)
    return file


@pytest.fixture
def systemctl(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in that writes down how it was called, and refuses what ``refuse`` names."""
    program = home / "bin/systemctl"
    program.parent.mkdir()
    log = home / "calls"
    program.write_text(
        f'#!/bin/sh\necho "$*" >>{log}\n! grep -qs -- "$2" {home}/refuse || {{ echo "no way" >&2; exit 1; }}\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return log


def run(*words: str) -> Result:
    return CliRunner().invoke(main, words)


def test_an_account_is_mounted_at_log_in(settings: Path, systemctl: Path, home: Path) -> None:
    result = run("service", "enable", "work")
    assert (result.exit_code, result.stdout.splitlines()[0]) == (
        0,
        "work is mounted at /srv/work, and will be at each log-in.",
    )
    assert systemctl.read_text().splitlines() == ["--user daemon-reload", "--user enable --now mountcloud@work.service"]
    unit = (home / ".config/systemd/user/mountcloud@.service").read_text()
    assert f"ExecStart={Path(sys.executable).with_name('mountcloud')} mount %i\n" in unit
    assert run("service", "disable", "work").exit_code == 0
    assert systemctl.read_text().splitlines()[-1] == "--user disable --now mountcloud@work.service"


def test_without_a_systemd_of_the_user_it_says_how_to_do_without(settings: Path, systemctl: Path, home: Path) -> None:
    stand_in = home / "bin/systemctl"
    stand_in.write_text("#!/bin/sh\necho 'Failed to connect to bus: No medium found' >&2\nexit 1\n")
    result = run("service", "enable", "work")
    assert (result.exit_code, "start it yourself: mountcloud mount work" in result.stderr) == (1, True)


@pytest.mark.parametrize(("name", "words"), [("idle", "no mountpoint"), ("wrok", "did you mean 'work'")])
def test_an_account_that_cannot_be_mounted_is_not_enabled(
    settings: Path, systemctl: Path, name: str, words: str
) -> None:
    result = run("service", "enable", name)
    assert (result.exit_code, words in result.stderr) == (78, True)
    assert not systemctl.exists()


def test_what_systemd_refuses_is_told(settings: Path, systemctl: Path, home: Path) -> None:
    (home / "refuse").write_text("enable")
    result = run("service", "enable", "work")
    assert (result.exit_code, "no way" in result.stderr) == (1, True)


def test_without_systemd(settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    result = run("service", "enable", "work")
    assert (result.exit_code, "there is no systemd here" in result.stderr) == (1, True)


def test_odd_paths_of_the_program_are_quoted() -> None:
    assert 'ExecStart="/my 100%%/bin/mountcloud" mount %i\n' in service.unit_text(Path("/my 100%/bin/mountcloud"))
    assert "ExecStart=mountcloud mount %i\n" in service.unit_text(None)


def test_the_settings_are_found_checked_and_shown(settings: Path) -> None:
    assert run("config", "path").stdout == f"{settings}\n"
    assert run("config", "check").stdout == f"{settings} is right: 2 accounts.\n"
    shown = json.loads(run("config", "show", "work", "--json").stdout)
    assert (shown["work"]["poll_interval_s"], shown["work"]["dracoon"]) == (10.0, {"url": "https://dracoon.example"})


def test_what_is_shown_is_settings_again(settings: Path) -> None:
    before = load(settings)
    settings.write_text(run("config", "show").stdout)
    assert load(settings).accounts == before.accounts


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('urll = "x"', "did you mean 'url'"),
        ("[accounts.work.cach]", "line 7: unknown key 'cach'; did you mean 'cache'?"),
        ('[accounts.other]\nprovider = "drakoon"', "did you mean 'dracoon'"),
    ],
)
def test_a_mistake_is_named_with_the_nearest_key(settings: Path, line: str, words: str) -> None:
    settings.write_text(SETTINGS.partition("\n[accounts.idle]")[0] + line + "\n")
    result = run("config", "check")
    assert (result.exit_code, words in result.stderr) == (78, True), result.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_get_their_completion(shell: str) -> None:
    told = run("completion", shell).stdout
    assert "_MOUNTCLOUD_COMPLETE" in told
    assert f"{shell}_complete" in told


def test_accounts_are_completed(settings: Path, home: Path) -> None:
    asked = {"_MOUNTCLOUD_COMPLETE": "bash_complete", "COMP_WORDS": "mountcloud mount w", "COMP_CWORD": "2"}
    command = [sys.executable, "-c", "from mountcloud.cli.main import main; main(prog_name='mountcloud')"]
    done = subprocess.run(
        command, env=os.environ | asked | {"HOME": str(home)}, capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "plain,work\n"
