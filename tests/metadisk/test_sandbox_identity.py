"""Who may do what: passwords, signatures, nonces, keys (Metadisk facts, 3 and 4)."""

import hashlib

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from mountcloud.sandbox.metadisk import signing
from mountcloud.sandbox.metadisk.identity import stored_password
from tests.metadisk.server import MetadiskServer
from tests.metadisk.service import Service, sent_password
from tests.metadisk.signer import EXAMPLE, Signer

COMPRESSED = "024d94a66ffbddd1561d779fe159acfef760c647d5368a0c960f12afaa66e583c7"
UNCOMPRESSED = f"04{COMPRESSED[2:]}057374e51c9918b0dfe7ac12cfc9468c2ae62605371c2cbf21730b12b17aa832"
SIGNED = [
    (
        signing.message("POST", "/buckets", b'{"name":"holiday","storage":10,"transfer":30,"__nonce":1458500000000}'),
        "c5e75a86903d26ac6e8c98ec97e8c6ca8dbbbede7e79da040079fa6398c367ad",
        "3045022100f2d39634434ab45f23bd9128f320e839c7576a2ef2726b4c0426fcc14d22c3e00220775cc9d3de538e195349d45c3bd2ea9e3"
        "0c2167a12529deefa4cb133b8823c4c",
    ),
    (
        signing.message("GET", "/buckets", b"__nonce=1458500000001"),
        "0afeb961a44889422906625f29008422a89c9b0a545f4d0a4a28bc8a8ace4fcd",
        "3046022100ff3a31fd971c67a1b7445edd84090fa782a4e7ce63e8d6ba8b40e2c56f47379f022100945eadbd1d7f78e880a38bc90d6998e"
        "c2c887425be74974ee251aee2002bb2e2",
    ),
]
"""Message, its hash, a signature of it (Metadisk facts, 3.2)."""


def refusal(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    return answer.status_code, answer.json()["error"]


@pytest.fixture
def signer(metadisk: MetadiskServer, service: Service) -> Signer:
    """The account of ``service`` with a registered key."""
    signer = Signer(metadisk.base_url)
    service.ok("POST", "/keys", json={"key": signer.key})
    return signer


@pytest.mark.parametrize(("message", "digest", "signature"), SIGNED)
@pytest.mark.parametrize("key", [COMPRESSED, UNCOMPRESSED])
def test_signature_vectors(message: bytes, digest: str, signature: str, key: str) -> None:
    assert hashlib.sha256(message).hexdigest() == digest
    assert signing.is_signed(key, signature, message)
    assert not signing.is_signed(key, signature, message + b" ")
    assert not signing.is_signed(key, "00" + signature, message)


def test_the_example_key_is_that_of_the_vectors() -> None:
    private = ec.derive_private_key(EXAMPLE, ec.SECP256K1())
    assert (Signer("", private).key, Signer("", private, compressed=False).key) == (COMPRESSED, UNCOMPRESSED)


def test_what_is_kept_of_a_password() -> None:
    sent = sent_password("correct horse")
    assert sent == "4104d36f8da2c254349f85836793ebe029e0c957063a34c91c2e9203187b5631"
    assert stored_password(sent) == "c72fc6959b5eb2733b58cba72a5f6abc5df79e719c3f05a6aeb32290cb80c6bd"


def test_registering_and_activating(metadisk: MetadiskServer, anybody: httpx.Client) -> None:
    email, password = "ann@example.org", sent_password()
    made = anybody.post("/users", json={"email": email, "password": password})
    assert made.status_code == 200
    assert made.json() == {"id": email, "email": email, "created": made.json()["created"], "activated": False}
    again = anybody.post("/users", json={"email": email, "password": password})
    assert refusal(again) == (500, "Email is already registered")
    with Service(metadisk.base_url, email) as ann:
        assert refusal(ann.send("GET", "/buckets")) == (401, "User account has not been activated")
        assert refusal(anybody.get("/activations/nonsense")) == (400, "Invalid activation token")
        token = metadisk.control.activator(email)
        activated = anybody.get(f"/activations/{token}", params={"redirect": "http://127.0.0.1:9/welcome"})
        assert (activated.status_code, activated.headers["location"]) == (302, "http://127.0.0.1:9/welcome")
        assert ann.ok("GET", "/buckets") == []
        assert refusal(anybody.get(f"/activations/{token}")) == (400, "Invalid activation token")
    assert f"mail to {email}: " in metadisk.data_dir.with_suffix(".log").read_text()


def test_a_key_comes_with_the_registration(metadisk: MetadiskServer) -> None:
    signer = Signer(metadisk.base_url)
    body = {"email": "bob@example.org", "password": sent_password(), "pubkey": signer.key}
    made = httpx.post(f"{metadisk.base_url}/users", json=body, trust_env=False)
    assert made.json()["pubkey"] == signer.key
    assert refusal(signer.send("GET", "/buckets")) == (401, "User account has not been activated")
    metadisk.control.set(signers_must_be_active=False)
    assert signer.send("GET", "/buckets").json() == []
    used = httpx.post(f"{metadisk.base_url}/users", json={**body, "email": "c@example.org"}, trust_env=False)
    assert refusal(used) == (400, "Public key is already registered")


@pytest.mark.parametrize(
    ("email", "password", "text"),
    [
        ("d@example.org", "secret", "Password must be hex encoded SHA-256 hash"),
        ("d@example.org", "", "Password must be hex encoded SHA-256 hash"),
        ("nobody", sent_password(), "Validation failed"),
    ],
)
def test_odd_registrations(metadisk: MetadiskServer, email: str, password: str, text: str) -> None:
    answer = httpx.post(f"{metadisk.base_url}/users", json={"email": email, "password": password}, trust_env=False)
    assert refusal(answer) == (500, text)


def test_keys(service: Service, signer: Signer) -> None:
    assert service.ok("GET", "/keys") == [{"user": service.email, "key": signer.key, "id": signer.key}]
    other = Signer("", signer.private, compressed=False).key
    assert service.ok("POST", "/keys", json={"key": other})["id"] == other
    taken = service.send("POST", "/keys", json={"key": signer.key})
    assert refusal(taken) == (400, "Public key is already registered")
    for wrong in ("02:4d", "02ff", "no hex", "02" + "ff" * 32):
        status, text = refusal(service.send("POST", "/keys", json={"key": wrong}))
        assert (status, text.partition(":")[0]) == (400, "Invalid public key supplied")
    removed = service.send("DELETE", f"/keys/{other}")
    assert (removed.status_code, removed.content) == (200, b"")
    assert refusal(service.send("DELETE", f"/keys/{other}")) == (404, "Public key was not found")


def test_wrong_passwords_are_an_error_of_the_server(metadisk: MetadiskServer, service: Service) -> None:
    with Service(metadisk.base_url, service.email, "other") as wrong:
        assert refusal(wrong.send("GET", "/buckets")) == (500, "Invalid email or password")
    nobody = httpx.get(f"{metadisk.base_url}/buckets", trust_env=False)
    assert refusal(nobody) == (401, "No authentication strategy detected")
    empty = httpx.get(f"{metadisk.base_url}/buckets", auth=(service.email, ""), trust_env=False)
    assert refusal(empty) == (401, "No authentication strategy detected")


def test_signed_requests(service: Service, signer: Signer) -> None:
    made = signer.send("POST", "/buckets", name="holiday", storage=10, transfer=30)
    assert made.status_code == 200
    assert made.json()["pubkeys"] == [signer.key]
    assert [each["name"] for each in signer.send("GET", "/buckets").json()] == ["holiday"]
    assert signer.send("GET", "/buckets", odd="a b&ü").status_code == 200
    assert signer.send("DELETE", f"/buckets/{made.json()['id']}").status_code == 204
    assert service.buckets() == {}


def test_wrong_signatures(metadisk: MetadiskServer, service: Service, signer: Signer) -> None:
    headers = {"x-pubkey": signer.key, "x-signature": signer.sign(b"GET\n/buckets\n__nonce=2")}
    answer = httpx.get(f"{metadisk.base_url}/buckets?__nonce=3", headers=headers, trust_env=False)
    assert refusal(answer) == (401, "Invalid signature")
    stranger = Signer(metadisk.base_url)
    assert refusal(stranger.send("GET", "/buckets")) == (401, "Public key not registered")
    other_form = Signer(metadisk.base_url, signer.private, compressed=False)
    assert refusal(other_form.send("GET", "/buckets")) == (401, "Public key not registered")
    # A password is believed whatever else is said.
    assert service.send("GET", "/buckets", headers={"x-pubkey": "x", "x-signature": "y"}).is_success


def test_nonces(metadisk: MetadiskServer, service: Service, signer: Signer) -> None:
    bad = (401, "Invalid nonce supplied")
    assert refusal(signer.send("GET", "/buckets", __nonce=None)) == bad
    assert refusal(signer.send("POST", "/buckets", __nonce=0)) == bad
    for nothing in ("nonsense", "NaN", "Infinity"):
        assert refusal(signer.send("POST", "/buckets", __nonce=nothing)) == (500, "Validation failed")
    for nonce in (1000.5, 1000.5, 2000):
        assert signer.send("POST", "/keys", key="02ff", __nonce=nonce).status_code == 400
    assert refusal(signer.send("GET", "/buckets", __nonce=1999)) == bad
    # It counts for the account, not for the key.
    second = Signer(metadisk.base_url, nonce=1500)
    service.ok("POST", "/keys", json={"key": second.key})
    assert refusal(second.send("GET", "/buckets")) == bad
    metadisk.control.set_nonce(service.email, 5_000_000_000_000)
    assert refusal(signer.send("GET", "/buckets")) == bad


def test_a_token_for_whoever_has_a_key_of_the_bucket(metadisk: MetadiskServer, service: Service) -> None:
    friend, stranger = Signer(metadisk.base_url), Signer(metadisk.base_url)
    bucket = service.make_bucket(pubkeys=[friend.key])
    data = b"for a friend"
    hash_ = service.put(bucket, "f", data)["hash"]
    token = friend.send("POST", f"/buckets/{bucket}/tokens", operation="PULL").json()
    assert (token["bucket"], token["operation"], token["id"]) == (bucket, "PULL", token["token"])
    answer = httpx.get(
        f"{metadisk.base_url}/buckets/{bucket}/files/{hash_}", headers={"x-token": token["token"]}, trust_env=False
    )
    assert len(answer.json()) == 1
    assert refusal(stranger.send("POST", f"/buckets/{bucket}/tokens", operation="PULL")) == (404, "Bucket not found")
    assert refusal(friend.send("GET", f"/buckets/{bucket}")) == (401, "Public key not registered")


def test_a_key_that_made_a_bucket_gets_tokens_with_any_nonce(signer: Signer) -> None:
    bucket = signer.send("POST", "/buckets").json()["id"]
    assert signer.send("POST", f"/buckets/{bucket}/tokens", operation="PUSH", __nonce=1).is_success
