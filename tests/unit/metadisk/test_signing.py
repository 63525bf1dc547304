"""Signed requests and their numbers (Metadisk facts, 3.2)."""

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from mountcloud.crypt.secp256k1 import SigningKey, new_private_key, signed_text, signs_body
from mountcloud.daemon.secrets import MemorySecrets
from mountcloud.model.errors import AuthenticationRequired
from mountcloud.providers.memory_places import MemoryPlaces
from mountcloud.providers.metadisk.nonces import Nonces
from mountcloud.providers.metadisk.signed import key_of

PRIVATE = "1195a1d037768e82a264922b2bbcff642eda1a85fba48b574726652c2bb4b756"
PUBLIC = "024d94a66ffbddd1561d779fe159acfef760c647d5368a0c960f12afaa66e583c7"
POSTED = b'POST\n/buckets\n{"name":"holiday","storage":10,"transfer":30,"__nonce":1458500000000}'
POST_SIGNATURE = (
    "3045022100f2d39634434ab45f23bd9128f320e839c7576a2ef2726b4c0426fcc14d22c3e0"
    "0220775cc9d3de538e195349d45c3bd2ea9e30c2167a12529deefa4cb133b8823c4c"
)
GOT = b"GET\n/buckets\n__nonce=1458500000001"
GET_SIGNATURE = (
    "3046022100ff3a31fd971c67a1b7445edd84090fa782a4e7ce63e8d6ba8b40e2c56f47379f"
    "022100945eadbd1d7f78e880a38bc90d6998ec2c887425be74974ee251aee2002bb2e2"
)


def check(signature: str, text: bytes) -> None:
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256K1(), bytes.fromhex(PUBLIC))
    key.verify(bytes.fromhex(signature), text, ec.ECDSA(SHA256()))


def test_the_vectors_of_the_service() -> None:
    assert SigningKey(PRIVATE).public == PUBLIC
    body = b'{"name":"holiday","storage":10,"transfer":30,"__nonce":1458500000000}'
    assert signed_text("POST", "/buckets", body) == POSTED
    assert signed_text("GET", "/buckets", b"__nonce=1458500000001") == GOT
    check(POST_SIGNATURE, POSTED)
    check(GET_SIGNATURE, GOT)
    check(SigningKey(PRIVATE).sign(POSTED), POSTED)
    with pytest.raises(InvalidSignature):
        check(SigningKey(PRIVATE).sign(GOT), POSTED)


def test_what_is_signed_of_each_method() -> None:
    assert [method for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS") if signs_body(method)] == [
        *("POST", "PUT", "PATCH")
    ]


def test_new_keys_are_keys_and_differ() -> None:
    keys = {new_private_key() for _ in range(5)}
    assert len(keys) == 5
    assert {len(key) for key in keys} == {64}
    assert all(SigningKey(key).public[:2] in {"02", "03"} for key in keys)


@pytest.mark.parametrize("text", [None, "", "no key", "0", "f" * 64, "-1"])
def test_a_stored_key_that_is_none_needs_a_log_in(text: str | None) -> None:
    secrets = MemorySecrets({} if text is None else {"private_key": text})
    with pytest.raises(AuthenticationRequired) as refusal:
        key_of(secrets)
    assert refusal.value.__cause__ is None
    assert str(text) not in str(refusal.value) or not text


def test_numbers_never_fall_and_survive() -> None:
    places, now = MemoryPlaces(), [5_000]
    numbers = Nonces(places, lambda: now[0])
    assert numbers.next() == 5_000
    now[0] = 4_000
    assert numbers.next() == 5_000
    now[0] = 8_000
    assert numbers.next() == 8_000
    now[0] = 1
    assert Nonces(places, lambda: now[0]).next() == 8_000


def test_numbers_reach_ahead_and_stay_there_until_the_clock_comes() -> None:
    now = [10_000]
    numbers = Nonces(MemoryPlaces(), lambda: now[0])
    assert numbers.next(60_000) == 70_000
    now[0] = 20_000
    assert (numbers.next(), numbers.next()) == (70_000, 70_000)
    now[0] = 80_000
    assert numbers.next() == 80_000
