"""``doctor``: look at everything that a mount needs, and say what to do about what is wrong."""

import json
import os
import shutil
import stat
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import trio

from mountcloud.cli import words
from mountcloud.cli.accounts import account_secrets, with_provider
from mountcloud.cli.config import demand_usable
from mountcloud.cli.mount import MountedFuse, fuse_table
from mountcloud.cli.outcome import CommandFailed, ungrouped
from mountcloud.cli.places import account_names
from mountcloud.cli.verifying import verify
from mountcloud.daemon.control import ControlError, NotRunning, call
from mountcloud.daemon.paths import AccountPaths, config_file
from mountcloud.daemon.settings import AccountSettings, Settings, SettingsError, load
from mountcloud.model.errors import Failure, Unavailable
from mountcloud.model.offers import Diagnosed, ServiceFacts
from mountcloud.model.provider import Provider

_CLOCK_OFF_S = 60.0
_LITTLE_ROOM = 1 << 30
_ANSWER_WITHIN_S = 3.0
_SERVICE_WITHIN_S = 30.0
_COLOURS = {"ok": "green", "warning": "yellow", "failed": "red"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``level`` is "ok", "warning" or "failed"; ``help`` says what to do."""

    level: str
    what: str
    help: str = ""


@click.command()
@click.argument("name", required=False, shell_complete=account_names)
@click.option("--offline", is_flag=True, help="Do not ask the services.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def doctor(name: str | None, *, offline: bool, as_json: bool) -> None:
    """Look at fuse, settings, permissions, disks, mounts, and the accounts (or NAME): credentials, clock, version.

    Exit code 1 if something would keep a mount from working.
    """
    found = list(_examined(name, offline=offline))
    if as_json:
        click.echo(json.dumps([asdict(each) for each in found], indent=2, ensure_ascii=False))
    else:
        for each in found:
            click.echo(f"{click.style(f'{each.level:<8}', fg=_COLOURS[each.level])} {each.what}")
            if each.help:
                click.echo(f"{'':<8} {each.help}")
    if any(each.level == "failed" for each in found):
        raise click.exceptions.Exit(CommandFailed.exit_code)


def _examined(name: str | None, *, offline: bool) -> Iterator[Finding]:
    yield from _fuse()
    try:
        settings = load(config_file())
        accounts = [settings.account(name)] if name else list(settings.accounts.values())
    except SettingsError as error:
        yield Finding("failed", str(error), "correct it; mountcloud config check tells whether it is right")
        return
    yield _settings(settings)
    if any(account.allow_other for account in accounts):
        yield _allow_other()
    yield from _stale_mounts(fuse_table(), name)
    for account in accounts:
        yield from _account(account, offline=offline)


def _fuse() -> Iterator[Finding]:
    device = Path("/dev/fuse")
    if os.access(device, os.R_OK | os.W_OK):
        yield Finding("ok", "/dev/fuse can be opened")
    elif device.exists():
        yield Finding("failed", "/dev/fuse cannot be opened", "sudo chmod a+rw /dev/fuse, as udev does it on a desktop")
    else:
        yield Finding("failed", "there is no /dev/fuse", "sudo modprobe fuse; containers need --device /dev/fuse")
    program = shutil.which("fusermount3")
    if program is None:
        yield Finding("failed", "fusermount3 is missing", "sudo apt install fuse3, or the like")
    elif os.geteuid() and not Path(program).stat().st_mode & stat.S_ISUID:
        yield Finding("failed", f"{program} is not set-user-ID root", f"sudo chmod u+s {program}")
    else:
        yield Finding("ok", f"{program} can mount")


def _settings(settings: Settings) -> Finding:
    if not settings.accounts:
        return Finding("warning", f"{settings.origin} has no account", "mountcloud login NAME makes one")
    return Finding("ok", f"{settings.origin}: {words.counted(len(settings.accounts), 'account')}")


def _allow_other() -> Finding:
    try:
        lines = Path("/etc/fuse.conf").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    if os.geteuid() == 0 or any(line.strip() == "user_allow_other" for line in lines):
        return Finding("ok", "allow_other is permitted")
    return Finding("failed", "allow_other is not permitted", "write the line user_allow_other into /etc/fuse.conf")


def _stale_mounts(table: Sequence[MountedFuse], wanted: str | None) -> Iterator[Finding]:
    """Those of the wanted account; without a name all that are there, whoever mounted them."""
    for each in table:
        if each.account and wanted in {None, each.account} and _is_dead(each.mountpoint):
            yield Finding(
                "failed",
                f"the mount at {each.mountpoint} is dead: its daemon was killed",
                f"mountcloud mount {each.account} replaces it, fusermount3 -uz frees the directory",
            )


def _is_dead(mountpoint: Path) -> bool:
    """In a thread that is given up if the answer does not come: the daemon may hang."""

    async def look() -> bool:
        with trio.move_on_after(_ANSWER_WITHIN_S):
            await trio.to_thread.run_sync(os.listdir, mountpoint, abandon_on_cancel=True)
        return False

    try:
        return trio.run(look)
    except OSError:
        return True


def _account(account: AccountSettings, *, offline: bool) -> Iterator[Finding]:
    paths = AccountPaths.of(account.name)
    yield from (each for path in (paths.state, paths.cache) for each in _directory(account, path))
    yield _daemon(account, paths)
    if account.mountpoint is None:
        yield Finding("warning", f"{account.name}: no mountpoint is set", "mountcloud mount NAME DIRECTORY names one")
    try:
        demand_usable(account)
    except Failure as failure:
        yield Finding("failed", failure.message, failure.hint)
        return
    if not offline:
        yield from _service(account)


def _directory(account: AccountSettings, path: Path) -> Iterator[Finding]:
    if not path.exists():
        return
    if path.stat().st_mode & 0o077:
        yield Finding("failed", f"{account.name}: others may look into {path}", f"chmod 700 {path}")
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        yield Finding("failed", f"{account.name}: {path} cannot be written", f"sudo chown -R $USER {path}")
    free = shutil.disk_usage(path).free
    told = f"{account.name}: {words.size(free)} free for {path}"
    if free < _LITTLE_ROOM:
        yield Finding("warning", told, "free some: what is written waits there until it is sent")
    else:
        yield Finding("ok", told)


def _daemon(account: AccountSettings, paths: AccountPaths) -> Finding:
    try:
        status = call(paths.control, "status", timeout_s=_ANSWER_WITHIN_S)
    except NotRunning:
        return Finding("ok", f"{account.name}: not mounted")
    except ControlError as error:
        return Finding(
            "failed", f"{account.name}: the daemon does not answer: {error}", "its log tells more; restart it"
        )
    told = status if isinstance(status, dict) else {}
    if told.get("parked"):
        return Finding(
            "warning", f"{account.name}: {told.get('parked')} changes wait for you", f"mountcloud queue {account.name}"
        )
    return Finding("ok", f"{account.name}: mounted at {told.get('mountpoint')}")


def _service(account: AccountSettings) -> Iterator[Finding]:
    for look, words_of in ((_about, _known_service), (_verified, _logged_in)):
        try:
            with ungrouped():
                found = with_provider(account, account_secrets(account.name), look)
        except Failure as failure:
            yield Finding("failed", f"{account.name}: {failure.message}", failure.hint)
            return
        yield from words_of(account.name, found)


async def _about(provider: Provider) -> ServiceFacts | None:
    if not isinstance(provider, Diagnosed):
        return None
    with trio.move_on_after(_SERVICE_WITHIN_S):
        return await provider.about()
    raise _too_slow()


async def _verified(provider: Provider) -> ServiceFacts | None:
    with trio.move_on_after(_SERVICE_WITHIN_S):
        await verify(provider)
        return None
    raise _too_slow()


def _too_slow() -> Unavailable:
    return Unavailable(f"the service does not answer within {_SERVICE_WITHIN_S:g} s", hint="is there a network?")


def _known_service(name: str, facts: ServiceFacts | None) -> Iterator[Finding]:
    if facts is None:
        return
    yield Finding("ok", f"{name}: {facts.product} {facts.version}".rstrip())
    if facts.time is None:
        return
    off = time.time() - facts.time
    if abs(off) > _CLOCK_OFF_S:
        how = "ahead of" if off > 0 else "behind"
        yield Finding(
            "warning",
            f"{name}: this machine's clock is {words.span(abs(off))} {how} the service's",
            "timedatectl set-ntp true",
        )


def _logged_in(name: str, _: ServiceFacts | None) -> Iterator[Finding]:
    yield Finding("ok", f"{name}: the service accepts the credentials")
