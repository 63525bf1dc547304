"""Transfers over WebSockets, and farmers in trouble (Metadisk facts, 6)."""

import json

import pytest

from tests.metadisk.server import MetadiskServer
from tests.metadisk.service import Service, Told, follow
from tests.metadisk.test_sandbox_identity import refusal

DATA = bytes(range(250)) * 4


@pytest.fixture
def pointer(metadisk: MetadiskServer, service: Service) -> dict[str, str]:
    metadisk.control.set(piece=300)
    bucket = service.make_bucket()
    [pointer] = service.pointers(bucket, service.put(bucket, "f", DATA)["hash"])
    return pointer


def said(told: Told) -> tuple[int, str]:
    """Code and message of the only text."""
    [text] = told.texts
    assert told.data == b""
    found = json.loads(text)
    return found["code"], found["message"]


def test_a_pointer_is_good_for_one_transfer(metadisk: MetadiskServer, pointer: dict[str, str]) -> None:
    assert sorted(pointer) == ["channel", "hash", "operation", "token"]
    assert pointer["operation"] == "PULL"
    assert follow(pointer) == Told(DATA, [], 1000)
    assert said(follow(pointer)) == (400, "The supplied token is not accepted")
    assert metadisk.control.requests().count("WEBSOCKET", "/") == 2


def test_what_farmers_do_not_accept(pointer: dict[str, str]) -> None:
    wrong = {
        "no json": "Failed to parse message",
        "[]": "Failed to parse message",
        "{}": "You did not supply a token",
        '{"token": "x", "hash": "y"}': "The supplied token is not accepted",
        json.dumps({"token": pointer["token"]}): "You did not supply the data hash",
        json.dumps({"token": pointer["token"], "hash": "y"}): "Token not valid for hash",
    }
    for message, text in wrong.items():
        assert said(follow(pointer, message)) == (400, text)
    assert follow(pointer).data == DATA


def test_farmers_of_later_versions(metadisk: MetadiskServer, pointer: dict[str, str]) -> None:
    metadisk.control.set(late_farmers=True)
    told = follow(pointer)
    assert (told.data, told.code, json.loads(told.texts[0])["code"]) == (DATA, 1000, 200)
    refused = follow(pointer)
    assert refused == Told(b"", [], 401, "The supplied token is not accepted")


@pytest.mark.parametrize(
    ("trouble", "data"),
    [("short", DATA[:350]), ("wrong", DATA[:350] + b"e" + DATA[351:]), ("long", DATA + b"more than was stored")],
)
def test_farmers_that_give_other_bytes(
    metadisk: MetadiskServer, pointer: dict[str, str], trouble: str, data: bytes
) -> None:
    metadisk.control.set(farmer_trouble=trouble, farmer_after=350, farmer_troubles=1)
    assert follow(pointer) == Told(data, [], 1000)
    assert metadisk.control.switches()["farmer_troubles"] == 0


def test_farmers_that_fail_on_the_way(metadisk: MetadiskServer, pointer: dict[str, str]) -> None:
    metadisk.control.set(farmer_trouble="error", farmer_after=350, farmer_error="Disk on fire")
    told = follow(pointer)
    assert (told.data, told.code) == (DATA[:350], 1000)
    assert json.loads(told.texts[0]) == {"code": 500, "message": "Disk on fire"}


@pytest.mark.parametrize("kind", ["cut", "reset"])
def test_lines_that_break(metadisk: MetadiskServer, pointer: dict[str, str], kind: str) -> None:
    metadisk.control.fault("^/$", method="WEBSOCKET", kind=kind, after=350)
    told = follow(pointer)
    assert told.code is None
    assert told.data == (DATA[:350] if kind == "cut" else told.data)
    assert len(told.data) <= 350


def test_farmers_that_cannot_be_reached(metadisk: MetadiskServer, pointer: dict[str, str]) -> None:
    metadisk.control.fault("^/$", method="WEBSOCKET", kind="drop")
    metadisk.control.fault("^/$", method="WEBSOCKET", kind="status", status=503)
    metadisk.control.fault("^/$", method="WEBSOCKET", kind="slow", after=100, seconds=0.001)
    assert follow(pointer) == Told()
    assert follow(pointer) == Told(code=503)
    assert follow(pointer) == Told(DATA, [], 1000)
    assert [each["status"] for each in metadisk.control.requests().items][-3:] == [0, 503, 101]


def test_channels_that_nobody_opens_are_over(
    metadisk: MetadiskServer, service: Service, pointer: dict[str, str]
) -> None:
    assert metadisk.control.leftovers() == (0, 1)
    assert metadisk.control.forget_channels() == 1
    assert said(follow(pointer)) == (400, "The supplied token is not accepted")
    bucket = service.make_bucket("second")
    hash_ = service.put(bucket, "f", DATA)["hash"]
    metadisk.control.set(channel_lifetime=0.0)
    [late] = service.pointers(bucket, hash_)
    metadisk.control.set(channel_lifetime=60.0)
    assert said(follow(late)) == (400, "The supplied token is not accepted")


def test_a_silent_client_is_sent_away(metadisk: MetadiskServer, pointer: dict[str, str]) -> None:
    metadisk.control.set(channel_lifetime=0.01)
    assert follow(pointer, "") == Told(b"", [], 1000)


@pytest.mark.parametrize(
    ("trouble", "status", "text"),
    [
        ("contract", 404, "Failed to find the shard contract"),
        ("farmer", 404, "Could not find the farmer"),
        ("No room", 500, "No room"),
    ],
)
def test_shards_that_the_bridge_cannot_find(
    metadisk: MetadiskServer, service: Service, trouble: str, status: int, text: str
) -> None:
    bucket = service.make_bucket()
    hash_ = service.put(bucket, "f", DATA)["hash"]
    metadisk.control.set(pointer_trouble=trouble)
    headers = {"x-token": service.token(bucket, "PULL")}
    assert refusal(service.send("GET", f"/buckets/{bucket}/files/{hash_}", headers=headers)) == (status, text)


def test_tampered_shards(metadisk: MetadiskServer, service: Service) -> None:
    metadisk.control.set(shard_size=400, cut_exactly=True)
    bucket = service.make_bucket()
    hash_ = service.put(bucket, "f", DATA)["hash"]
    metadisk.control.tamper(bucket, hash_, position=1, offset=5)
    found = service.get(bucket, hash_)
    assert [index for index, (one, other) in enumerate(zip(found, DATA, strict=True)) if one != other] == [405]
