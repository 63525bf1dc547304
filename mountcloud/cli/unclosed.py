"""``unclosed``: what programs were writing when the daemon or the machine died, and never closed."""

import os
from datetime import UTC, datetime
from pathlib import Path

import click

from mountcloud.cli.outcome import explained
from mountcloud.cli.places import account_names
from mountcloud.crypt.draft_cipher import DraftSealer
from mountcloud.daemon.draft_keys import DraftKeys
from mountcloud.daemon.paths import AccountPaths
from mountcloud.daemon.secrets import open_secrets
from mountcloud.store.staged_file import StagedFile
from mountcloud.store.staging import Staging

_PIECE = 4 << 20


@click.command()
@click.argument("name", shell_complete=account_names)
@click.option(
    "--save-to", type=click.Path(path_type=Path, file_okay=False), help="Write readable copies into this directory."
)
def unclosed(name: str, save_to: Path | None) -> None:
    """List the files of the account NAME that were being written when the daemon was killed, and never closed.

    Those of encrypted rooms are encrypted on the disk; --save-to decrypts them.
    """
    with explained():
        paths = AccountPaths.of(name)
        keys = DraftKeys(open_secrets(name, paths), paths.draft_key)
        files = Staging(paths.staging, DraftSealer(keys, os.urandom)).unclosed()
        for file in files:
            changed = datetime.fromtimestamp(file.path.stat().st_mtime, UTC).astimezone()
            click.echo(f"{file.path.stem}  {file.size} bytes, last written {changed:%Y-%m-%d %H:%M:%S}")
            if save_to is not None:
                _save(file, save_to)
            file.close()
    if not files:
        click.echo("Nothing: every file that was written was closed.")


def _save(file: StagedFile, directory: Path) -> None:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (directory / file.path.stem).open("xb") as copy:
        for offset in range(0, file.size, _PIECE):
            copy.write(file.pread(_PIECE, offset))
