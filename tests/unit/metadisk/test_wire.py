"""What the service sends, and what is none of it."""

import pytest

from mountcloud.model.errors import InvalidArgument, Unavailable
from mountcloud.providers.metadisk import wire
from mountcloud.providers.metadisk.settings import MetadiskSettings, settings_from
from mountcloud.providers.metadisk.wire import Bucket, Entry, Pointer

HASH = "d72d91d8ec94f89f5b6b84be2a03ba661a34c1e2"
ENTRY = {"bucket": "56f8", "mimetype": "text/plain", "filename": "hi.txt", "size": 19, "hash": HASH}
BUCKET = {"id": "56f8f0a4c1d2e3f405162738", "name": "holiday", "created": "2016-03-28T09:01:00.250Z"}
POINTER = {"hash": HASH, "token": "77aa", "operation": "PULL", "channel": "ws://127.0.0.1:9000"}


def test_what_is_sent() -> None:
    assert wire.entry_of(ENTRY) == Entry("hi.txt", HASH, 19, "text/plain")
    assert wire.bucket_of(BUCKET) == Bucket(BUCKET["id"], "holiday", 1_459_155_660_250_000_000)
    assert wire.bucket_of({**BUCKET, "created": "yesterday"}).created_ns == 0
    assert wire.pointer_of(POINTER) == Pointer(HASH, "77aa", "ws://127.0.0.1:9000")
    assert "77aa" not in repr(wire.pointer_of(POINTER))
    assert wire.token_of({"token": "a1"}) == "a1"
    assert wire.keys_of([{"key": "02ab"}]) == ("02ab",)
    told = wire.service_of({"info": {"version": "0.6.0"}}, "Mon, 28 Mar 2016 09:00:00 GMT")
    assert (told.version, told.time) == ("0.6.0", 1_459_155_600.0)
    assert wire.service_of({}, "now").time is None


@pytest.mark.parametrize(
    "said",
    [
        [{**ENTRY, "hash": "../../users"}],
        [{**ENTRY, "hash": HASH.upper()}],
        [{**ENTRY, "size": -1}],
        [{**ENTRY, "size": True}],
        [{**ENTRY, "size": "19"}],
        [{**ENTRY, "filename": None}],
        [ENTRY, None],
        {"error": "no list"},
        "html",
    ],
)
def test_half_a_list_is_none(said: object) -> None:
    with pytest.raises(Unavailable):
        wire.list_of(said, wire.entry_of)


def test_a_bucket_id_goes_into_addresses() -> None:
    for wrong in ("../users", "", "a b", "ä", 7):
        with pytest.raises(Unavailable):
            wire.bucket_of({**BUCKET, "id": wrong})


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "url is missing"),
        ({"url": "https://x.example", "urk": 1}, "did you mean 'url'"),
        ({"url": "https://x.example", "storage": "10"}, "must be of type int"),
        ({"url": "https://x.example", "storage": 0}, "at least 1"),
        ({"url": "https://x.example", "max_concurrency": 0}, "at least 1"),
        ({"url": "https://x.example/api"}, "must be an origin"),
        ({"url": "https://u:p@x.example"}, "must not hold credentials"),
        ({"url": "ftp://x.example"}, "must look like"),
        ({"url": "http://x.example"}, "must begin with https"),
        ({"url": "https://x.example", "proxy": "x"}, "proxy must look like"),
    ],
)
def test_wrong_settings_are_named(settings: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        settings_from(settings)
    assert words in str(refusal.value)


def test_right_settings() -> None:
    assert settings_from({"url": "https://x.example/"}) == MetadiskSettings("https://x.example")
    assert settings_from({"url": "http://x.example", "allow_http": True}).url == "http://x.example"
