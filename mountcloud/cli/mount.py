"""``mount`` and ``umount``."""

import errno
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import click

from mountcloud.cli.outcome import CommandFailed, Misconfigured, explained
from mountcloud.cli.places import account_names
from mountcloud.daemon.control import ControlError, call
from mountcloud.daemon.keyrings import IN_PASSING_S
from mountcloud.daemon.paths import AccountPaths, config_file
from mountcloud.daemon.secrets import open_secrets
from mountcloud.daemon.settings import AccountSettings, load

_ASK_EVERY_S = 0.2
_ANSWER_WITHIN_S = 5.0


@click.command()
@click.argument("name", shell_complete=account_names)
@click.argument("directory", required=False, type=click.Path(path_type=Path))
def mount(name: str, directory: Path | None) -> None:
    """Mount the account NAME at DIRECTORY (or at the mountpoint in the settings), and stay in the foreground.

    Ctrl-C or SIGTERM unmounts cleanly. The directory is made if it is missing, and must be empty.
    """
    from mountcloud.daemon import supervise

    with explained():
        account = load(config_file()).account(name)
        mountpoint = prepared_mountpoint(_chosen(directory, account))
        paths = AccountPaths.of(name)
        paths.create()
        secrets = open_secrets(name, paths, keyring_within_s=IN_PASSING_S)
        ready = f"{name} is mounted at {mountpoint}"
        code = supervise.run(account, paths, secrets, mountpoint, on_ready=lambda: click.echo(ready, err=True))
    sys.exit(code)


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--lazy", is_flag=True, help="Detach now, even if programs still use it.")
@click.option("--no-wait", is_flag=True, help="Return at once; the daemon sends the last changes by itself.")
def umount(directory: Path, *, lazy: bool, no_wait: bool) -> None:
    """Unmount DIRECTORY, and wait while its daemon sends the last changes (stop_grace_s in the settings).

    What is not on the service then is kept, and sent at the next mount.
    """
    target = Path(os.path.realpath(directory))
    account = next((each.account for each in fuse_table() if each.mountpoint == target), None)
    if target not in fuse_mounts():
        raise CommandFailed(f"{directory} is not a mount of mountcloud; mountcloud status lists them")
    try:
        done = subprocess.run(  # noqa: S603 - the directory is an argument of its own, after "--"
            ["fusermount3", "-u", *(["-z"] if lazy else []), "--", str(target)],  # noqa: S607 - where fuse3 put it
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise CommandFailed("fusermount3 is missing; install the package fuse3") from error
    if done.returncode:
        raise CommandFailed(_why_not_unmounted(target, done.stderr.strip()))
    if account is not None and not no_wait and not lazy:
        _wait_for_the_end(account)


def _wait_for_the_end(account: str) -> None:
    """Say how much is left until the daemon has ended, which it does in its own time."""
    socket, left = AccountPaths.of(account).control, 0
    while (found := _left(socket)) is not None:
        if found and found != left:
            click.echo(f"Sending the last changes: {found} left ...", err=True)
        left = found
        time.sleep(_ASK_EVERY_S)
    if left:
        click.echo(
            f"What was not sent (up to {left} changes) is kept, and goes on at: mountcloud mount {account}", err=True
        )


def _left(socket: Path) -> int | None:
    """What an ending daemon still owes; None if it has ended, or serves another mount point by now."""
    try:
        status = call(socket, "status", timeout_s=_ANSWER_WITHIN_S)
    except (ControlError, OSError):
        return None
    if not isinstance(status, dict) or status.get("state") == "starting":
        return None
    owed = status.get("owed")
    return owed if isinstance(owed, int) else 0


def prepared_mountpoint(directory: Path) -> Path:
    """The absolute path of an empty directory, made if missing; raises ``CommandFailed`` if it cannot be used.

    A mount whose daemon was killed is left alone: the new daemon detaches it.
    """
    path = Path(directory.expanduser().absolute())
    try:
        path.mkdir(parents=True, exist_ok=True)
        # Only listing tells a live mount from a dead one: the kernel still answers stat() for a dead one.
        used = any(path.iterdir())
        taken = os.path.ismount(path)
    except OSError as error:
        if error.errno == errno.ENOTCONN or (isinstance(error, FileExistsError) and path in fuse_mounts()):
            return path
        reason = "it is not a directory" if isinstance(error, FileExistsError) else error.strerror
        raise Misconfigured(f"{path} cannot be a mount point: {reason}") from error
    if taken:
        raise CommandFailed(f"something is mounted at {path} already; free it with: mountcloud umount {path}")
    if used:
        raise CommandFailed(f"{path} is not empty; a mount would hide its files, so choose an empty directory")
    return path


@dataclass(frozen=True, slots=True)
class MountedFuse:
    """A FUSE file system that this process can see; ours has the source ``mountcloud:NAME``."""

    mountpoint: Path
    source: str

    @property
    def account(self) -> str | None:
        """The account that is mounted there, None if it is none of ours."""
        ours, _, name = self.source.partition(":")
        return name if ours == "mountcloud" and name else None


def fuse_table() -> list[MountedFuse]:
    """All of them (proc(5), mountinfo)."""
    lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    halves = [(line.split(), line.partition(" - ")[2].split()) for line in lines]
    return [
        MountedFuse(Path(_unescaped(first[4])), _unescaped(second[1]))
        for first, second in halves
        if second and second[0].startswith("fuse")
    ]


def fuse_mounts() -> set[Path]:
    """Where they are."""
    return {each.mountpoint for each in fuse_table()}


def _unescaped(field: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        field = field.replace(code, character)
    return field


def _chosen(directory: Path | None, account: AccountSettings) -> Path:
    chosen = directory or account.mountpoint
    if chosen:
        return chosen
    hint = f"name a DIRECTORY, or set mountpoint in [accounts.{account.name}]"
    raise Misconfigured(f"where should {account.name} be mounted? {hint}")


def _why_not_unmounted(target: Path, words: str) -> str:
    if "busy" in words.lower():
        return (
            f"{target} is in use: leave the directory in your shells and close the programs that have files open "
            f"('fuser -vm {target}' lists them), or detach it now with: mountcloud umount --lazy {target}"
        )
    return f"{target} could not be unmounted: {words or 'fusermount3 gave no reason'}"
