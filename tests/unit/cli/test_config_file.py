import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mountcloud.cli.config_file import OptionValue, _section, add_account
from mountcloud.daemon.settings import Settings, SettingsError, load, parse

EXISTING = '# my notes\n[accounts.old]\nprovider = "memory"   # keep\n'


def added(path: Path, options: dict[str, OptionValue], mountpoint: Path | None = None) -> Settings:
    return add_account(load(path), "new", "dracoon", options, mountpoint)


def test_what_the_user_wrote_stays(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(EXISTING)
    settings = added(path, {"url": "https://d.example"}, Path("/srv/new"))
    assert path.read_text().startswith(EXISTING)
    assert load(path) == settings
    assert set(settings.accounts) == {"old", "new"}
    assert settings.account("new").mountpoint == Path("/srv/new")


def test_the_first_account_makes_a_private_file(tmp_path: Path) -> None:
    path = tmp_path / "config" / "mountcloud" / "config.toml"
    added(path, {"url": "https://d.example"})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert dict(load(path).account("new").options) == {"url": "https://d.example"}


def test_a_link_of_a_dotfile_manager_stays(tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    (tmp_path / "dotfiles" / "real.toml").write_text(EXISTING)
    (tmp_path / "config.toml").symlink_to("dotfiles/real.toml")
    added(tmp_path / "config.toml", {})
    assert (tmp_path / "config.toml").is_symlink()
    assert "new" in (tmp_path / "dotfiles" / "real.toml").read_text()


def test_an_account_that_would_break_the_file_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(EXISTING)
    with pytest.raises(SettingsError):
        add_account(load(path), "old", "dracoon", {}, None)
    assert path.read_text() == EXISTING


@given(st.dictionaries(st.text(min_size=1), st.text() | st.integers(-(2**63), 2**63 - 1) | st.booleans(), max_size=4))
def test_every_value_survives(options: dict[str, OptionValue]) -> None:
    text = _section("n.1", "my provider", options, None)
    account = parse(text, Path("c")).account("n.1")
    assert (account.provider, dict(account.options)) == ("my provider", options)
