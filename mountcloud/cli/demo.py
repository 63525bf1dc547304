"""``demo``: try mountcloud without an account, against a server that runs on this machine."""

import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click
import trio

from mountcloud.cli.demo_server import running_server, running_webdav, token_file
from mountcloud.cli.demo_tree import Piece, pieces, plant
from mountcloud.cli.mount import prepared_mountpoint
from mountcloud.cli.outcome import CommandFailed, explained, ungrouped
from mountcloud.cli.verifying import verify
from mountcloud.daemon.control import ControlError, call
from mountcloud.daemon.paths import AccountPaths, data_directory
from mountcloud.daemon.secrets import FileSecrets, LayeredSecrets, MemorySecrets
from mountcloud.daemon.settings import AccountSettings
from mountcloud.model.provider import Provider, Secrets

_NAMES = {
    "amazon": "demo-amazon",
    "dracoon": "demo",
    "metadisk": "demo-metadisk",
    "nextcloud": "demo-nextcloud",
    "smartfile": "demo-smartfile",
    "webdav": "demo-webdav",
}
"""Accounts by provider: what is remembered of one service's files has no meaning on another."""

_READABLE_BY_THE_SERVER = frozenset({"amazon", "metadisk", "nextcloud", "smartfile", "webdav"})
_ASK_EVERY_S = 0.5


@click.command()
@click.argument("directory", required=False, type=click.Path(path_type=Path))
@click.option(
    "--provider", type=click.Choice(list(_NAMES)), default="dracoon", show_default=True, help="Which service."
)
def demo(directory: Path | None, provider: str) -> None:
    """Mount a made-up account at DIRECTORY (~/MountCloud) and stay in the foreground until Ctrl-C.

    Its server runs on this machine only; its files stay for the next time.
    """
    with explained():
        paths = AccountPaths.of(_NAMES[provider])
        _refuse_second(paths)
        mountpoint = prepared_mountpoint(directory or Path.home() / "MountCloud")
        try:
            with ungrouped():
                code = _show(provider, mountpoint, paths)
        except KeyboardInterrupt:
            code = 0
    click.echo("Ended; your files stay for the next demo." if code == 0 else "The demo ended with a failure.")
    sys.exit(code)


def _show(provider: str, mountpoint: Path, paths: AccountPaths) -> int:
    from mountcloud.daemon import supervise

    home = data_directory() / "demo"
    with _served(provider, home) as (options, made_up):
        account = AccountSettings(_NAMES[provider], provider, options, mountpoint, poll_interval_s=2.0)
        # What the daemon makes, such as the key of its drafts, must be there the next time.
        secrets = LayeredSecrets(None, (FileSecrets(paths.secrets), MemorySecrets(made_up)))
        _prepare(home / f"{provider}.planted", account, secrets, paths)
        paths.create()
        return supervise.run(account, paths, secrets, mountpoint, on_ready=lambda: _ready(account, home, paths))


@contextmanager
def _served(provider: str, home: Path) -> Iterator[tuple[Mapping[str, object], dict[str, str]]]:
    """The options and secrets of an account on a server that runs as long as the block."""
    from mountcloud.sandbox.dracoon import seed
    from mountcloud.sandbox.metadisk import seed as metadisk
    from mountcloud.sandbox.nextcloud import seed as nextcloud
    from mountcloud.sandbox.smartfile import seed as smartfile

    if provider == "webdav":
        with running_webdav(home / provider) as options:
            yield options, {}
        return
    if provider == "amazon":
        with _amazon(home / provider) as served:
            yield served
        return
    if provider == "metadisk":
        click.echo("Starting a Metadisk server on this machine ...")
        with running_server(home / provider, provider) as address:
            yield {"url": address, "username": metadisk.DEMO_USER}, {"password": metadisk.DEMO_PASSWORD}
        return
    if provider == "nextcloud":
        click.echo("Starting a Nextcloud server on this machine ...")
        with running_server(home / provider, provider) as address:
            yield {"url": address, "username": nextcloud.DEMO_USER}, {"password": nextcloud.DEMO_PASSWORD}
        return
    if provider == "smartfile":
        click.echo("Starting a SmartFile server on this machine ...")
        with running_server(home / provider, provider) as address:
            yield {"url": address, "username": smartfile.DEMO_KEY}, {"password": smartfile.DEMO_PASSWORD}
        return
    click.echo("Starting a DRACOON server on this machine ...")
    with running_server(home / provider) as address:
        made_up = {"password": seed.DEMO_PASSWORD, "encryption_password": seed.DEMO_ENCRYPTION_PASSWORD}
        yield {"url": address, "username": seed.DEMO_USER}, made_up


@contextmanager
def _amazon(data: Path) -> Iterator[tuple[Mapping[str, object], dict[str, str]]]:
    from mountcloud.sandbox.amazon.oauth import CLIENTS

    click.echo("Starting an Amazon Cloud Drive server on this machine ...")
    with running_server(data, "amazon") as address:
        secrets = {"refresh_token": token_file(data).read_text(encoding="utf-8").strip()}
        yield {"url": address, "change_calls_per_hour": 0}, {**secrets, "client_secret": CLIENTS["mountcloud"]}


def _refuse_second(paths: AccountPaths) -> None:
    try:
        running = call(paths.control, "status", timeout_s=2)
    except ControlError:
        return
    where = running.get("mountpoint", "") if isinstance(running, dict) else ""
    raise CommandFailed(f"a demo runs already {where and f'at {where}'}; end it there with Ctrl-C first")


def _prepare(done: Path, account: AccountSettings, secrets: Secrets, paths: AccountPaths) -> None:
    """Log in, and fill a new server; afterwards the files are the user's, also those that were deleted."""
    from mountcloud.providers import registry

    is_new = not done.exists()
    if is_new:
        # What is remembered of the files of an earlier server has no meaning on a new one.
        for old in (paths.cache, paths.state):
            shutil.rmtree(old, ignore_errors=True)
        click.echo("Filling it with files, once:")
    provider = registry.create(account.provider, account.options, secrets)
    trio.run(_prepared, provider, pieces() if is_new else (), click.echo)
    done.touch()


async def _prepared(provider: Provider, files: tuple[Piece, ...], say: Callable[[str], None]) -> None:
    try:
        await verify(provider)
        await plant(provider, files, say)
    finally:
        with trio.move_on_after(5, shield=True):
            await provider.aclose()


def _ready(account: AccountSettings, home: Path, paths: AccountPaths) -> None:
    mountpoint = account.mountpoint
    threading.Thread(target=_tell_of_the_end, args=(paths,), daemon=True, name="demo-progress").start()
    sees_all = account.provider in _READABLE_BY_THE_SERVER
    why = "(the server can read all)" if sees_all else "(only the mount can read it)"
    click.echo(f"""
The account is at {mountpoint}

Try in another terminal, or in your file manager:
  1. ls -lR '{mountpoint}'
  2. cp -r /usr/share/doc/tar '{mountpoint}/Confidential/' && '{_our_command()}' sync --wait {account.name}
  3. grep -rl 'keep this text' '{mountpoint}/Confidential' '{home}'     {why}

Ctrl-C unmounts and ends the server.""")


def _our_command() -> Path:
    """The console script beside this Python: ``./run demo`` does not put it on the PATH."""
    return Path(sys.executable).with_name("mountcloud")


def _tell_of_the_end(paths: AccountPaths) -> None:
    """Say how much is left while the daemon sends its last changes; ends with the daemon."""
    last: object = None
    while True:
        time.sleep(_ASK_EVERY_S)
        try:
            now = call(paths.control, "status", timeout_s=2)
        except ControlError:
            return
        if isinstance(now, dict) and now.get("state") == "stopping" and now.get("owed") not in (0, None, last):
            last = now.get("owed")
            click.echo(f"Sending the last changes: {last} left ...")
