"""Every positive and negative case of the vendors' vectors."""

import base64
import hashlib
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from mountcloud.crypt import keys
from mountcloud.crypt.gcm_stream import GcmStreamCipher, GcmStreamEncryptor
from mountcloud.crypt.gcm_verify import TagCheck
from mountcloud.crypt.keys import FileKey, PublicKeyContainer
from mountcloud.model.errors import AuthenticationRequired, Corrupt, Failure, Unsupported
from mountcloud.model.span import PlainSpan, StoredSpan
from tests.unit.crypt.vectors import (
    CASES,
    case,
    load,
    load_bytes,
    plain_key,
    private_container,
    public_container,
    unlocked,
    wrapped_key,
)

PAIRS = [pytest.param(pair, id=pair["name"]) for pair in CASES["keypairs"]]


def negative(kind: str) -> list[Any]:
    found = [pytest.param(case, id=case["file"].rsplit("/")[-1]) for case in CASES["negative"] if case["kind"] == kind]
    assert found
    return found


def modulus_hash(container: PublicKeyContainer) -> str:
    key = load_pem_public_key(container.public_key.encode("ascii"))
    assert isinstance(key, rsa.RSAPublicKey)
    modulus = key.public_numbers().n
    return hashlib.sha256(modulus.to_bytes((modulus.bit_length() + 7) // 8, "big")).hexdigest()


def tag_is_right(file_key: FileKey, data: bytes) -> bool | None:
    check = TagCheck(file_key, len(data))
    check.add(StoredSpan(0, len(data)), data)
    return check.verdict()


def test_every_kind_of_negative_case_has_a_test() -> None:
    tested = {"ciphertext", "plaintext", "encrypted_file_key", "plain_file_key", "private_key_container"}
    assert {case["kind"] for case in CASES["negative"]} == tested | {"public_key_container"}


@pytest.mark.parametrize("pair", PAIRS)
def test_a_pair_unlocks_and_is_the_published_one(pair: dict[str, Any]) -> None:
    key = keys.unlock(private_container(pair["private"]), pair["password"])
    assert key.version.value == pair["version"]
    assert modulus_hash(key.public()) == pair["modulus_sha256"]
    assert modulus_hash(public_container(pair["public"])) == pair["modulus_sha256"]


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("password", ["wrong", ""], ids=["wrong", "empty"])
def test_a_pair_stays_locked_to_other_passwords(pair: dict[str, Any], password: str) -> None:
    with pytest.raises(AuthenticationRequired, match=password or "empty"):
        keys.unlock(private_container(pair["private"]), password)


@pytest.mark.parametrize("vector", CASES["filekeys"], ids=lambda vector: vector["name"])
def test_a_file_key_unwraps(vector: dict[str, Any]) -> None:
    file_key = unlocked(vector["keypair"]).unwrap(wrapped_key(vector["encrypted"]))
    assert file_key == plain_key(vector["plain"])
    assert file_key.key == base64.b64decode(vector["expect_key_b64"])


@pytest.mark.parametrize("vector", CASES["filekeys"], ids=lambda vector: vector["name"])
def test_a_file_key_wrapped_again_unwraps(vector: dict[str, Any]) -> None:
    pair = case("keypairs", vector["keypair"])
    file_key = plain_key(vector["plain"])
    wrapped = keys.wrap(file_key, public_container(pair["public"]))
    assert wrapped.version == vector["version"]
    assert unlocked(vector["keypair"]).unwrap(wrapped) == file_key


@pytest.mark.parametrize("vector", CASES["files"], ids=lambda vector: vector["name"])
def test_a_file_encrypts_decrypts_and_verifies(vector: dict[str, Any]) -> None:
    plain, stored = load_bytes(vector["plain"]), load_bytes(vector["encrypted"])
    file_key = plain_key(case("filekeys", vector["filekey"])["plain"])
    encryptor = GcmStreamEncryptor(file_key.key, file_key.iv)
    assert encryptor.update(plain) + encryptor.finish() == stored
    assert encryptor.tag == file_key.tag
    assert plain.decode("utf-8") == vector["plaintext_utf8"]
    want = PlainSpan(17, len(plain))
    cipher = GcmStreamCipher(file_key, len(stored))
    assert cipher.decrypt(want, StoredSpan(0, len(stored)), stored) == plain[17:]
    assert tag_is_right(file_key, stored) is True


@pytest.mark.parametrize("vector", negative("ciphertext"))
def test_altered_ciphertext_fails_the_tag(vector: dict[str, Any]) -> None:
    stored, good = load_bytes(vector["file"]), load_bytes(case("files", vector["base_file"])["encrypted"])
    file_key = plain_key(case("filekeys", vector["base_keypair"])["plain"])
    assert len(stored) == len(good)
    assert tag_is_right(file_key, good) is True
    assert tag_is_right(file_key, stored) is False


@pytest.mark.parametrize("vector", negative("plaintext"))
def test_altered_plaintext_gives_another_tag(vector: dict[str, Any]) -> None:
    file_key = plain_key(case("filekeys", vector["base_keypair"])["plain"])
    encryptor = GcmStreamEncryptor(file_key.key, file_key.iv)
    stored = encryptor.update(load_bytes(vector["file"])) + encryptor.finish()
    assert stored != load_bytes(case("files", vector["base_file"])["encrypted"])
    assert encryptor.tag != file_key.tag


@pytest.mark.parametrize("vector", negative("encrypted_file_key"))
def test_an_altered_wrapped_key_is_noticed(vector: dict[str, Any]) -> None:
    key, stored = unlocked(vector["base_keypair"]), load_bytes(case("files", vector["base_file"])["encrypted"])
    wrapped = wrapped_key(vector["file"])
    if "version" in vector["file"]:
        with pytest.raises(Unsupported, match="'X'"):
            key.unwrap(wrapped)
    elif "bad_key" in vector["file"]:
        with pytest.raises(Corrupt):
            key.unwrap(wrapped)
    else:
        assert tag_is_right(key.unwrap(wrapped), stored) is False


@pytest.mark.parametrize("vector", negative("plain_file_key"))
def test_an_altered_plain_key_is_noticed(vector: dict[str, Any]) -> None:
    stored = load_bytes(case("files", vector["base_file"])["encrypted"])
    if "version" in vector["file"]:
        # Plain keys are never read from anywhere and carry no version; as a wire value the text is refused.
        with pytest.raises(Unsupported, match="'X'"):
            keys.file_key_version(load(vector["file"])["version"])
    else:
        assert tag_is_right(plain_key(vector["file"]), stored) is False


@pytest.mark.parametrize("vector", negative("private_key_container"))
def test_an_altered_private_key_is_refused(vector: dict[str, Any]) -> None:
    expected: type[Failure] = Unsupported if "version" in vector["file"] else Corrupt
    with pytest.raises(expected):
        keys.unlock(private_container(vector["file"]), vector["password"])


@pytest.mark.parametrize("vector", negative("public_key_container"))
def test_an_altered_public_key_is_refused(vector: dict[str, Any]) -> None:
    file_key = plain_key(case("filekeys", vector["base_keypair"])["plain"])
    expected: type[Failure] = Unsupported if "version" in vector["file"] else Corrupt
    with pytest.raises(expected):
        keys.wrap(file_key, public_container(vector["file"]))
