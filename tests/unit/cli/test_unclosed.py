import os
from pathlib import Path

from click.testing import CliRunner

from mountcloud.cli.main import main
from mountcloud.crypt.draft_cipher import DraftSealer
from mountcloud.daemon.draft_keys import DraftKeys
from mountcloud.daemon.paths import AccountPaths
from mountcloud.daemon.secrets import open_secrets
from mountcloud.store.staging import Staging


def test_nothing_is_unclosed(home: Path) -> None:
    AccountPaths.of("work").create()
    shown = CliRunner().invoke(main, ["unclosed", "work"])
    assert shown.exit_code == 0
    assert "Nothing" in shown.output


def test_unclosed_files_are_listed_and_saved_in_clear(home: Path) -> None:
    paths = AccountPaths.of("work")
    paths.create()
    staging = Staging(paths.staging, DraftSealer(DraftKeys(open_secrets("work", paths), paths.draft_key), os.urandom))
    for sealed in (True, False):
        file = staging.create(sealed=sealed)
        file.pwrite(b"x" * (5 << 20), 0)
        file.close()
    staging.set_aside([])
    shown = CliRunner().invoke(main, ["unclosed", "work", "--save-to", str(home / "saved")])
    assert shown.exit_code == 0, shown.output
    assert shown.output.count("5242880 bytes") == 2
    assert [path.read_bytes() for path in (home / "saved").iterdir()] == [b"x" * (5 << 20)] * 2
    assert all(path.stat().st_mode & 0o077 == 0 for path in (home, home / "saved") if path != home)
