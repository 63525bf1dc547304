import os
import stat
from pathlib import Path

import pytest

from mountcloud.daemon.paths import AccountPaths, InvalidAccountName, config_file, data_directory


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_xdg_variables_are_followed() -> None:
    environment = {
        "HOME": "/h",
        "XDG_STATE_HOME": "/s",
        "XDG_CACHE_HOME": "/c",
        "XDG_RUNTIME_DIR": "/r",
        "XDG_CONFIG_HOME": "/f",
        "XDG_DATA_HOME": "/d",
    }
    paths = AccountPaths.of("work", environment)
    assert paths.journal == Path("/s/mountcloud/work/journal.db")
    assert paths.staging == Path("/s/mountcloud/work/staging")
    assert paths.attributes == Path("/s/mountcloud/work/attributes.db")
    assert paths.lock == Path("/s/mountcloud/work/lock")
    assert paths.secrets == Path("/s/mountcloud/work/secrets.json")
    assert paths.index == Path("/c/mountcloud/work/index.db")
    assert paths.control == Path("/r/mountcloud/work/control.sock")
    assert config_file(environment) == Path("/f/mountcloud/config.toml")
    assert data_directory(environment) == Path("/d/mountcloud")


def test_defaults_below_home_and_relative_values_ignored() -> None:
    paths = AccountPaths.of("work", {"HOME": "/h", "XDG_STATE_HOME": "relative"})
    assert paths.state == Path("/h/.local/state/mountcloud/work")
    assert paths.cache == Path("/h/.cache/mountcloud/work")
    assert config_file({"HOME": "/h"}) == Path("/h/.config/mountcloud/config.toml")
    assert data_directory({"HOME": "/h"}) == Path("/h/.local/share/mountcloud")


def test_without_runtime_directory_the_socket_is_in_the_state() -> None:
    paths = AccountPaths.of("work", {"HOME": "/h"})
    assert paths.control == Path("/h/.local/state/mountcloud/work/control.sock")


@pytest.mark.parametrize("name", ["work", "a", "A.b-c_9", "9", "x" * 64])
def test_good_names(name: str) -> None:
    assert AccountPaths.of(name, {"HOME": "/h"}).state.name == name


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", ".hidden", "-v", "x" * 65, "a b", "ä", "a\n", "a\0"])
def test_bad_names_are_refused(name: str) -> None:
    with pytest.raises(InvalidAccountName):
        AccountPaths.of(name, {"HOME": "/h"})


def test_created_for_this_user_alone(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        paths = AccountPaths.of("work", {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path / "run")})
        paths.create()
    finally:
        os.umask(before)
    for directory in (paths.state, paths.cache, paths.runtime, paths.staging, tmp_path / ".local"):
        assert mode(directory) == 0o700


def test_directories_that_were_open_to_others_are_closed(tmp_path: Path) -> None:
    paths = AccountPaths.of("work", {"HOME": str(tmp_path)})
    paths.state.mkdir(parents=True)
    paths.state.chmod(0o755)
    paths.create()
    assert mode(paths.state) == 0o700
