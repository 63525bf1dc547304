import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from mountcloud.cli import mount as module
from mountcloud.cli.main import main
from mountcloud.cli.mount import fuse_mounts, prepared_mountpoint
from mountcloud.cli.outcome import CommandFailed
from mountcloud.daemon import supervise
from mountcloud.daemon.paths import AccountPaths
from mountcloud.daemon.settings import AccountSettings
from mountcloud.model.errors import Busy
from mountcloud.model.provider import Secrets

MOUNTINFO = """\
22 1 8:1 / / rw - ext4 /dev/sda1 rw
30 22 0:40 / /home/ada/My\\040Cloud rw,nosuid - fuse.mountcloud work rw,user_id=0
31 22 0:41 / /mnt/plain rw - fuse x rw
32 22 0:42 / /mnt/nfs rw - nfs4 fuse:/x rw
"""


class Supervisor:
    """Stands for the daemon: remembers how it was started."""

    def __init__(self, code: int = 0) -> None:
        self.code = code
        self.started: list[tuple[AccountSettings, AccountPaths, Path]] = []
        self.password: str | None = None

    def run(
        self,
        account: AccountSettings,
        paths: AccountPaths,
        secrets: Secrets,
        mountpoint: Path,
        *,
        on_ready: Callable[[], None],
    ) -> int:
        self.started.append((account, paths, mountpoint))
        self.password = secrets.get("password")
        assert paths.staging.is_dir()
        on_ready()
        return self.code


@pytest.fixture
def supervisor(monkeypatch: pytest.MonkeyPatch) -> Supervisor:
    stand_in = Supervisor()
    monkeypatch.setattr(supervise, "run", stand_in.run)
    return stand_in


def configure(home: Path, mountpoint: str = "") -> None:
    directory = home / ".config" / "mountcloud"
    directory.mkdir(parents=True)
    line = f'mountpoint = "{mountpoint}"\n' if mountpoint else ""
    (directory / "config.toml").write_text(f'[accounts.work]\nprovider = "memory"\n{line}')


def test_mount_starts_the_daemon(home: Path, supervisor: Supervisor) -> None:
    configure(home)
    result = CliRunner().invoke(main, ["mount", "work", str(home / "W")])
    assert (result.exit_code, result.stderr) == (0, f"work is mounted at {home / 'W'}\n")
    account, paths, mountpoint = supervisor.started[0]
    assert (account.name, paths, mountpoint) == ("work", AccountPaths.of("work"), home / "W")


def test_the_settings_can_name_the_place(home: Path, supervisor: Supervisor) -> None:
    configure(home, "~/Cloud")
    assert CliRunner().invoke(main, ["mount", "work"]).exit_code == 0
    assert supervisor.started[0][2] == home / "Cloud"


def test_systemd_credentials_reach_the_daemon(
    home: Path, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(home, "~/Cloud")
    (home / "credentials").mkdir()
    (home / "credentials" / "password").write_text("provided\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(home / "credentials"))
    CliRunner().invoke(main, ["mount", "work"])
    assert supervisor.password == "provided"


def test_the_daemons_exit_code_is_ours(home: Path, supervisor: Supervisor) -> None:
    configure(home, "~/Cloud")
    supervisor.code = 5
    assert CliRunner().invoke(main, ["mount", "work"]).exit_code == 5


def test_a_failure_of_the_daemon_is_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise Busy("another mountcloud serves this account already")

    monkeypatch.setattr(supervise, "run", refuse)
    configure(home, "~/Cloud")
    result = CliRunner().invoke(main, ["mount", "work"])
    assert (result.exit_code, result.stderr) == (75, "Error: another mountcloud serves this account already\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["mount", "wrok", "W"], "did you mean 'work'"),
        (["mount", "work"], "set mountpoint in [accounts.work]"),
        (["mount", "work", "/dev/null"], "it is not a directory"),
    ],
)
def test_wrong_settings_end_with_78(home: Path, supervisor: Supervisor, arguments: list[str], words: str) -> None:
    configure(home)
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 78
    assert words in result.stderr
    assert not supervisor.started


def test_a_missing_directory_is_made_and_a_relative_one_is_made_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert prepared_mountpoint(Path("a/b")) == tmp_path / "a" / "b"
    assert (tmp_path / "a" / "b").is_dir()
    assert prepared_mountpoint(Path("a/b")) == tmp_path / "a" / "b"


def test_a_directory_with_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "precious").touch()
    with pytest.raises(CommandFailed, match="not empty; a mount would hide its files"):
        prepared_mountpoint(tmp_path)


def test_a_live_mount_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os.path, "ismount", lambda _: True)
    with pytest.raises(CommandFailed, match=r"mounted at .* already; free it with: mountcloud umount"):
        prepared_mountpoint(tmp_path)


@pytest.mark.parametrize("step", ["mkdir", "iterdir"])
def test_a_mount_of_a_killed_daemon_is_left_to_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def dead(*_: object, **__: object) -> None:
        if step == "mkdir":
            raise FileExistsError(errno.EEXIST, "File exists")
        raise OSError(errno.ENOTCONN, "Transport endpoint is not connected")

    monkeypatch.setattr(Path, step, dead)
    # The kernel goes on answering stat() from its cache.
    monkeypatch.setattr(os.path, "ismount", lambda _: True)
    monkeypatch.setattr(module, "fuse_mounts", lambda: {tmp_path})
    assert prepared_mountpoint(tmp_path) == tmp_path


def test_fuse_mounts_are_found_by_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: MOUNTINFO)
    assert fuse_mounts() == {Path("/home/ada/My Cloud"), Path("/mnt/plain")}


def fusermount(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> Path:
    program = tmp_path / "bin" / "fusermount3"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" >"{tmp_path}/called"\n{script}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    target = tmp_path / "mount"
    monkeypatch.setattr(module, "fuse_mounts", lambda: {target})
    return target


def test_umount_calls_fusermount(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = fusermount(tmp_path, monkeypatch, "exit 0")
    assert CliRunner().invoke(main, ["umount", str(target)]).exit_code == 0
    assert (tmp_path / "called").read_text() == f"-u -- {target}\n"
    assert CliRunner().invoke(main, ["umount", "--lazy", str(target)]).exit_code == 0
    assert (tmp_path / "called").read_text() == f"-u -z -- {target}\n"


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo 'fusermount3: failed to unmount: Device or resource busy' >&2; exit 1", "fuser -vm"),
        ("echo 'not permitted' >&2; exit 1", "could not be unmounted: not permitted"),
        ("exit 1", "gave no reason"),
    ],
)
def test_umount_tells_what_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, words: str) -> None:
    target = fusermount(tmp_path, monkeypatch, script)
    result = CliRunner().invoke(main, ["umount", str(target)])
    assert result.exit_code == 1
    assert words in result.stderr


def test_umount_without_fusermount(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = fusermount(tmp_path, monkeypatch, "exit 0")
    monkeypatch.setenv("PATH", str(tmp_path))
    result = CliRunner().invoke(main, ["umount", str(target)])
    assert (result.exit_code, "install the package fuse3" in result.stderr) == (1, True)


def test_umount_of_an_ordinary_directory(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["umount", str(tmp_path)])
    assert (result.exit_code, "is not a mount of mountcloud" in result.stderr) == (1, True)
