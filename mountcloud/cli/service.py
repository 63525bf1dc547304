"""``service``: mounts that come with the log-in, by the user's systemd."""

import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import click

from mountcloud.cli.accounts import known_account
from mountcloud.cli.outcome import CommandFailed, Misconfigured, explained
from mountcloud.cli.places import account_names
from mountcloud.daemon.paths import user_units

UNIT = "mountcloud@.service"
_START = "ExecStart=mountcloud "
_SYSTEMCTL_WITHIN_S = 120.0


@click.group()
def service() -> None:
    """Mount accounts at log-in, supervised by systemd."""


@service.command()
@click.argument("name", shell_complete=account_names)
def enable(name: str) -> None:
    """Mount NAME now, and at each log-in; its settings must have a mountpoint."""
    with explained():
        account = known_account(name)
        if account.mountpoint is None:
            raise Misconfigured(f"{name} has no mountpoint; set one in [accounts.{name}] of the settings")
        _install()
        _systemctl(name, "daemon-reload")
        _systemctl(name, "enable", "--now", _instance(name))
    click.echo(f"{name} is mounted at {account.mountpoint}, and will be at each log-in.")
    click.echo(f"systemctl --user status {_instance(name)}; without a log-in too: loginctl enable-linger")


@service.command()
@click.argument("name", shell_complete=account_names)
def disable(name: str) -> None:
    """Unmount NAME, and do not mount it at log-in any more. What was not sent is kept for the next mount."""
    with explained():
        known_account(name)
        _systemctl(name, "disable", "--now", _instance(name))
    click.echo(f"{name} is not mounted any more.")


def unit_text(program: Path | None) -> str:
    """The unit, which starts this program (None: whichever systemd finds)."""
    text = files("mountcloud.units").joinpath(UNIT).read_text(encoding="utf-8")
    return text if program is None else text.replace(_START, f"ExecStart={_quoted(program)} ")


def _install() -> None:
    """Written anew each time, because mountcloud may have moved or been renewed; what users add lies in drop-ins."""
    target = user_units() / UNIT
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(unit_text(_program()), encoding="utf-8")
    except OSError as error:
        raise CommandFailed(f"{target} cannot be written: {error.strerror}") from error


def _program() -> Path | None:
    """The console script beside this Python, else the one on the PATH."""
    beside = Path(sys.executable).with_name("mountcloud")
    found = shutil.which("mountcloud")
    return beside if beside.exists() else Path(found) if found else None


def _quoted(program: Path) -> str:
    """systemd.service(5): a space ends a word, and a percent sign begins a specifier."""
    text = str(program).replace("%", "%%")
    return f'"{text}"' if " " in text else text


def _instance(name: str) -> str:
    """Names of accounts hold nothing that an instance's name cannot (systemd.unit(5))."""
    return f"mountcloud@{name}.service"


def _systemctl(name: str, *words: str) -> None:
    by_hand = f"start it yourself: mountcloud mount {name}"
    command = ["systemctl", "--user", *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SYSTEMCTL_WITHIN_S)  # noqa: S603 - no shell
    except FileNotFoundError as error:
        raise CommandFailed(f"there is no systemd here; {by_hand}") from error
    except subprocess.TimeoutExpired as error:
        raise CommandFailed(f"{' '.join(command)} does not end; journalctl --user -u mountcloud@{name}") from error
    if done.returncode and "connect to bus" in done.stderr:
        raise CommandFailed(f"no systemd of this user runs here, as in a container or under sudo; {by_hand}")
    if done.returncode:
        reason = done.stderr.strip() or "no reason was given"
        raise CommandFailed(f"{' '.join(command)}: {reason} (journalctl --user -u {_instance(name)} tells more)")
