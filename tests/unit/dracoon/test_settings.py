import pytest

from mountcloud.model.errors import InvalidArgument
from mountcloud.providers import registry
from mountcloud.providers.dracoon.settings import Channel, DracoonSettings, settings_from
from tests.conformance.dracoon_factories import MemorySecrets

URL = "https://dracoon.example"


def test_few_settings_are_enough() -> None:
    settings = settings_from({"url": f"{URL}/", "username": "me"})
    assert settings == DracoonSettings(url=URL, username="me")
    assert settings.client_id == "dracoon_legacy_scripting"
    assert settings.callback == f"{URL}/oauth/callback"


def test_all_settings_are_read() -> None:
    settings = settings_from(
        {"url": URL, "upload_channel": "s3", "part_size": 6 << 20, "root": "a/b", "redirect_uri": "http://x/"}
    )
    assert (settings.upload_channel, settings.part_size, settings.root) == (Channel.S3, 6 << 20, "a/b")
    assert settings.callback == "http://x/"


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"url": URL, "usrname": "x"}, "did you mean 'username'"),
        ({}, "url must look like"),
        ({"url": "dracoon.example"}, "url must look like"),
        ({"url": "ftp://x"}, "url must look like"),
        ({"url": "http://dracoon.example"}, "https"),
        ({"url": "https://me:pw@dracoon.example"}, "credentials"),
        ({"url": "https://dracoon.example?x=1"}, "query"),
        ({"url": 5}, "type str"),
        ({"url": URL, "part_size": 1000}, "at least 5242880"),
        ({"url": URL, "part_size": True}, "type int"),
        ({"url": URL, "upload_channel": "fax"}, "auto, classic, s3"),
        ({"url": URL, "max_concurrency": 0}, "at least 1"),
    ],
)
def test_wrong_settings_are_named(values: dict[str, object], text: str) -> None:
    with pytest.raises(InvalidArgument, match=text):
        settings_from(values)


def test_this_machine_may_be_unencrypted() -> None:
    assert settings_from({"url": "http://127.0.0.1:8000"}).url == "http://127.0.0.1:8000"


def test_the_registry_knows_its_services_and_says_which() -> None:
    assert registry.create("dracoon", {"url": URL}, MemorySecrets()).capabilities.names.max_length == 150
    assert registry.create("memory", {}, MemorySecrets()).capabilities.names.case_sensitive
    with pytest.raises(InvalidArgument, match="'dracoon'"):
        registry.create("dragoon", {}, MemorySecrets())
    with pytest.raises(InvalidArgument, match="memory"):
        registry.create("xyz", {}, MemorySecrets())
    with pytest.raises(InvalidArgument, match="size"):
        registry.create("memory", {"size": 1}, MemorySecrets())
