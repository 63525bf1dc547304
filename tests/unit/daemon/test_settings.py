from pathlib import Path

import pytest

from mountcloud.daemon.settings import AccountSettings, CacheSettings, Settings, SettingsError, load, parse

FULL = """
[accounts.work]
provider = "dracoon"
mountpoint = "/srv/work"
allow_other = true
poll_interval_s = 30

[accounts.work.dracoon]
url = "https://dracoon.example"
username = "me"

[accounts.work.cache]
memory_mib = 256

[accounts.work.upload]
settle_s = 0
parallel = 2
local_only = ["*.bak"]
delete_limit = 0

[accounts.work.attributes]
entry_timeout_s = 1.5
"""
ACCOUNT = '[accounts.work]\nprovider = "dracoon"\n'


def test_all_settings_are_read() -> None:
    account = parse(FULL, Path("config.toml")).account("work")
    assert (account.name, account.provider, account.mountpoint) == ("work", "dracoon", Path("/srv/work"))
    assert dict(account.options) == {"url": "https://dracoon.example", "username": "me"}
    assert (account.allow_other, account.poll_interval_s, account.cache.memory_mib) == (True, 30.0, 256)
    assert (account.upload.settle_s, account.upload.parallel) == (0.0, 2)
    assert (account.upload.local_only, account.upload.delete_limit) == (("*.bak",), 0)
    assert (account.attributes.entry_timeout_s, account.attributes.attribute_timeout_s) == (1.5, 300.0)


def test_defaults() -> None:
    account = parse(ACCOUNT, Path("config.toml")).account("work")
    assert account == AccountSettings("work", "dracoon")
    assert (account.cache.memory_mib, account.upload.settle_s, account.upload.parallel) == (128, 1.0, 4)


def test_numbers_get_their_declared_type() -> None:
    assert isinstance(parse(FULL, Path("c")).account("work").poll_interval_s, float)


def test_home_in_the_mountpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    assert parse(ACCOUNT + 'mountpoint = "~/Work"', Path("c")).account("work").mountpoint == Path("/home/ada/Work")


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (ACCOUNT + '[accounts.work.upload]\nlocal_only = ".DS_Store"\n', 4, "must be a list of texts in quotes"),
        (ACCOUNT + "[accounts.work.upload]\nlocal_only = [1]\n", 4, "must be a list of texts in quotes"),
        (ACCOUNT + "poll_interval = 3\n", 3, "did you mean 'poll_interval_s'?"),
        (ACCOUNT + "\n# note\n[accounts.work.cache]\nmemory_mb = 3\n", 6, "did you mean 'memory_mib'?"),
        (ACCOUNT + "cache = { memory_mb = 3 }\n", 3, "did you mean 'memory_mib'?"),
        (ACCOUNT + "xyzzy = [\n 1,\n 2,\n]\n", 3, "known: allow_other, attributes, background_index, cache"),
        (ACCOUNT + "[accounts.work.webdav]\nurl = 'x'\n", 3, "unknown key 'webdav'"),
        ("[acounts.work]\n", 1, "did you mean 'accounts'?"),
        ("\n[accounts.work]\nallow_other = true\n", 2, 'provider = "dracoon"'),
        (ACCOUNT + "poll_interval_s = 0\n", 3, "must be from 0.1 to 86400, not 0"),
        (ACCOUNT + "poll_interval_s = nan\n", 3, "must be a number"),
        (ACCOUNT + "poll_interval_s = true\n", 3, "must be a number, not True"),
        (ACCOUNT + "upload.parallel = 1.5\n", 3, "must be a whole number"),
        (ACCOUNT + "upload.parallel = true\n", 3, "must be a whole number, not True"),
        (ACCOUNT + "upload.parallel = 65\n", 3, "must be from 1 to 64"),
        (ACCOUNT + "allow_other = 1\n", 3, "must be true or false"),
        (ACCOUNT + 'mountpoint = "here"\n', 3, "must be an absolute path"),
        (ACCOUNT + "upload = 3\n", 3, "must be a table: [accounts.work.upload]"),
        (ACCOUNT + "dracoon = 3\n", 3, "must be a table: [accounts.work.dracoon]"),
        ('[accounts."../x"]\nprovider = "dracoon"\n', 1, "cannot name an account"),
        ("accounts = 3\n", 1, "must be a table"),
    ],
)
def test_a_mistake_names_its_line_and_the_remedy(text: str, line: int, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse(text, Path("/c/config.toml"))
    assert str(caught.value).startswith(f"/c/config.toml, line {line}: ")
    assert words in str(caught.value)


def test_broken_toml_names_file_and_line() -> None:
    with pytest.raises(SettingsError, match=r"config\.toml: .*line 2"):
        parse("a = 1\nb =\n", Path("config.toml"))


def test_provider_options_are_left_to_the_provider() -> None:
    account = parse(ACCOUNT + "[accounts.work.dracoon]\nanything = [1]\n", Path("c")).account("work")
    assert dict(account.options) == {"anything": [1]}


def test_an_unknown_account_is_told_with_the_nearest() -> None:
    settings = parse(ACCOUNT, Path("/c/config.toml"))
    with pytest.raises(SettingsError, match="has no account 'wrok'; did you mean 'work'"):
        settings.account("wrok")
    with pytest.raises(SettingsError, match="mountcloud login wrok"):
        Settings({}, Path("/c")).account("wrok")


def test_a_missing_file_means_no_accounts(tmp_path: Path) -> None:
    assert load(tmp_path / "config.toml") == Settings({}, tmp_path / "config.toml")


def test_a_file_that_is_not_text_is_told(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="cannot be read"):
        load(path)


def test_values_are_frozen() -> None:
    with pytest.raises(AttributeError):
        CacheSettings().memory_mib = 1  # type: ignore[misc]
