"""``mount`` and ``umount``."""

import errno
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import click

from mountcloud.cli.outcome import CommandFailed, Misconfigured, explained
from mountcloud.cli.places import account_names
from mountcloud.daemon.paths import AccountPaths, config_file
from mountcloud.daemon.secrets import open_secrets
from mountcloud.daemon.settings import AccountSettings, load


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
        secrets = open_secrets(name, paths)
        ready = f"{name} is mounted at {mountpoint}"
        code = supervise.run(account, paths, secrets, mountpoint, on_ready=lambda: click.echo(ready, err=True))
    sys.exit(code)


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--lazy", is_flag=True, help="Detach now, even if programs still use it.")
def umount(directory: Path, *, lazy: bool) -> None:
    """Unmount DIRECTORY. What is still owed to the service is kept and sent at the next mount."""
    target = Path(os.path.realpath(directory))
    if target not in fuse_mounts():
        raise CommandFailed(f"{directory} is not a mount of mountcloud; 'findmnt -t fuse.mountcloud' lists them")
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
