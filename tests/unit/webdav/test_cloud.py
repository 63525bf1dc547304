"""What a Nextcloud tells of itself, and addresses that users copy out of their browsers."""

import pytest

from mountcloud.model.errors import InvalidArgument, InvalidName, NameTooLong
from mountcloud.policy import names
from mountcloud.providers.memory_places import MemoryPlaces
from mountcloud.providers.registry import create
from mountcloud.providers.webdav.cloud import Cloud, cloud_of, top_of
from tests.conformance.dracoon_factories import MemorySecrets

WINDOWS = Cloud("id", ':"', (".htaccess",), ("con",), (".part", "."))


@pytest.mark.parametrize(
    "url",
    [
        "https://c.example/nc",
        "https://c.example/nc/",
        "https://c.example/nc/index.php/apps/files/?dir=/x",
        "https://c.example/nc/apps/dashboard",
        "https://c.example/nc/remote.php/dav/files/me/",
        "https://c.example/nc/login",
    ],
)
def test_any_address_of_an_instance_leads_to_its_top(url: str) -> None:
    assert top_of(url) == ("https://c.example", "/nc")


def test_the_top_may_be_the_origin() -> None:
    assert top_of("https://c.example:8443") == ("https://c.example:8443", "")


def test_what_was_told_is_kept_as_text() -> None:
    assert cloud_of(WINDOWS.text) == WINDOWS
    assert cloud_of(None) is None


@pytest.mark.parametrize("name", ["a:b", "a\\b", ".HTACCESS", "con.txt", "x.part", "dot.", "tab\t"])
def test_names_that_the_server_forbids(name: str) -> None:
    assert type(names.check(WINDOWS.rules, name)) is InvalidName


def test_names_count_bytes() -> None:
    assert names.check(Cloud("id").rules, "é" * 125) is None
    assert type(names.check(Cloud("id").rules, "é" * 126)) is NameTooLong
    assert names.check(Cloud("id").rules, "a:b") is None


def test_settings_need_a_user() -> None:
    with pytest.raises(InvalidArgument, match="username"):
        create("nextcloud", {"url": "https://c.example"}, MemorySecrets(), MemoryPlaces())
