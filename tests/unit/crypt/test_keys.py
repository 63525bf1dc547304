import secrets
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from mountcloud.crypt import der, keys, pbes2, pem
from mountcloud.crypt.keys import FileKey, KeyPairVersion, PrivateKeyContainer, PublicKeyContainer, WrappedFileKey
from mountcloud.model.errors import AuthenticationRequired, Corrupt, NoKey, Unsupported
from tests.unit.crypt.vectors import VECTORS, case, plain_key, private_container, public_container, unlocked

NFC, NFD = "Ä", "A\u0308"
LOCKS = VECTORS / "pbes2"


def small_pair(password: str = "secret") -> tuple[PrivateKeyContainer, PublicKeyContainer]:
    return keys.make_key_pair(KeyPairVersion.A, password, secrets.token_bytes, rounds=1000)


@pytest.mark.parametrize("version", KeyPairVersion)
def test_a_new_pair_unlocks_and_unwraps(version: KeyPairVersion) -> None:
    private, public = keys.make_key_pair(version, "pässword🐛", secrets.token_bytes, rounds=1000)
    file_key = FileKey(*(secrets.token_bytes(size) for size in (32, 12, 16)))
    key = keys.unlock(private, "pässword🐛")
    assert key.public() == public
    assert key.unwrap(keys.wrap(file_key, public)) == file_key


def test_another_implementation_opens_a_new_pair() -> None:
    private, public = small_pair()
    key = load_pem_private_key(private.private_key.encode(), b"secret")
    assert key.public_key() == load_pem_public_key(public.public_key.encode())


def test_a_new_lock_is_the_one_of_current_sdks() -> None:
    asked: list[int] = []

    def random_bytes(size: int) -> bytes:
        asked.append(size)
        return bytes(range(size))

    private, _ = keys.make_key_pair(KeyPairVersion.A, "secret", random_bytes)
    lock = pbes2.parse(pem.read(private.private_key, "ENCRYPTED PRIVATE KEY")).lock
    assert asked == [20, 16]
    assert (lock.salt, lock.iv) == (bytes(range(20)), bytes(range(16)))
    assert (lock.rounds, lock.key_size, lock.prf.name) == (1_300_000, 32, "sha1")
    sha1 = bytes.fromhex("2a864886f70d0207")
    assert sha1 not in pem.read(private.private_key, "ENCRYPTED PRIVATE KEY")


def test_a_new_pair_needs_a_password() -> None:
    with pytest.raises(AuthenticationRequired, match="empty"):
        small_pair("")


@pytest.mark.parametrize("aes", ["128", "192", "256"])
@pytest.mark.parametrize("prf", ["SHA1", "SHA256", "SHA384", "SHA512"])
def test_the_locks_of_older_clients_open(aes: str, prf: str) -> None:
    container = PrivateKeyContainer("A", (LOCKS / f"aes{aes}-{prf}.pem").read_text())
    assert keys.unlock(container, "secret").public().public_key == (LOCKS / "public.pem").read_text()
    with pytest.raises(AuthenticationRequired, match="wrong"):
        keys.unlock(container, "Secret")


@pytest.mark.parametrize("name", ["des3-SHA1", "scrypt", "pbes1"])
def test_unknown_locks_are_refused(name: str) -> None:
    with pytest.raises(Unsupported):
        keys.unlock(PrivateKeyContainer("A", (LOCKS / f"{name}.pem").read_text()), "secret")


def test_a_hostile_number_of_rounds_is_refused_without_work() -> None:
    parameters = der.encode_sequence(
        der.encode(der.OBJECT_ID, bytes.fromhex("2a864886f70d01050c")),
        der.encode_sequence(der.encode(der.OCTETS, bytes(20)), der.encode_integer(10_000_001)),
    )
    cipher = der.encode_sequence(
        der.encode(der.OBJECT_ID, bytes.fromhex("60864801650304012a")), der.encode(der.OCTETS, bytes(16))
    )
    pbes = der.encode(der.OBJECT_ID, bytes.fromhex("2a864886f70d01050d"))
    algorithm = der.encode_sequence(pbes, der.encode_sequence(parameters, cipher))
    with pytest.raises(Unsupported, match="10000001 rounds"):
        pbes2.parse(der.encode_sequence(algorithm, der.encode(der.OCTETS, bytes(16))))


@pytest.mark.parametrize("change", ["lf", "crlf", "no end", "space"])
def test_line_ends_of_every_kind_are_accepted(change: str) -> None:
    private, public = small_pair()
    changed = {
        "lf": private.private_key,
        "crlf": private.private_key.replace("\n", "\r\n"),
        "no end": private.private_key.rstrip(),
        "space": f"\n{private.private_key}\n",
    }[change]
    assert keys.unlock(replace(private, private_key=changed), "secret").public() == public


def test_a_password_typed_in_nfd_opens_a_pair_made_in_nfc() -> None:
    private, public = small_pair(NFC)
    assert keys.unlock(private, NFD).public() == public


def test_a_password_that_is_no_text_is_merely_wrong() -> None:
    private, _ = small_pair()
    with pytest.raises(AuthenticationRequired) as caught:
        keys.unlock(private, "se\udcffcret")
    assert "cret" not in repr(caught.value)


def test_noise_with_good_padding_is_a_wrong_password() -> None:
    sealed = pbes2.seal(bytes(100), b"other", bytes(20), 1000, bytes(16))
    with pytest.raises(AuthenticationRequired, match="wrong"):
        keys.unlock(PrivateKeyContainer("A", pem.write(sealed, "ENCRYPTED PRIVATE KEY")), "other")


def test_an_unknown_version_is_refused_before_anything_else() -> None:
    with pytest.raises(Unsupported, match="'RSA-8192'"):
        keys.unlock(PrivateKeyContainer("RSA-8192", "no PEM at all"), "")
    with pytest.raises(Unsupported, match="'RSA-8192'"):
        keys.wrap(FileKey(bytes(32), bytes(12), bytes(16)), PublicKeyContainer("RSA-8192", "no PEM at all"))


def test_a_key_of_the_wrong_length_for_its_version_is_refused() -> None:
    pair = case("keypairs", "java_rsa4096")
    private, public = private_container(pair["private"]), public_container(pair["public"])
    with pytest.raises(Corrupt, match="not one of version A"):
        keys.unlock(replace(private, version="A"), pair["password"])
    with pytest.raises(Corrupt):
        keys.wrap(FileKey(bytes(32), bytes(12), bytes(16)), replace(public, version="A"))


def test_a_file_key_for_the_other_pair_is_no_key() -> None:
    file_key = plain_key("filekeys/java_rsa2048/plain_file_key.json")
    wrapped = keys.wrap(file_key, public_container("keypairs/java_rsa4096/public_key.json"))
    with pytest.raises(NoKey):
        unlocked("java_rsa2048").unwrap(wrapped)


def test_a_file_key_for_somebody_else_is_corrupt() -> None:
    _, stranger = small_pair()
    wrapped = keys.wrap(plain_key("filekeys/java_rsa2048/plain_file_key.json"), stranger)
    with pytest.raises(Corrupt):
        unlocked("java_rsa2048").unwrap(wrapped)


@pytest.mark.parametrize("sizes", [(31, 12, 16), (32, 16, 16), (32, 12, 12)])
def test_parts_of_a_wrong_length_are_corrupt(sizes: tuple[int, int, int]) -> None:
    with pytest.raises(Corrupt):
        FileKey(*(bytes(size) for size in sizes))


def test_nothing_secret_shows_in_a_repr() -> None:
    private, _ = small_pair()
    secret = b"0123456789abcdefghijklmnopqrstuv"
    shown = repr([FileKey(secret, bytes(12), bytes(16)), WrappedFileKey(secret, b"", b"", "A"), private])
    shown += repr(keys.unlock(private, "secret"))
    assert "0123" not in shown
    assert private.private_key[60:80] not in shown


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x30",
        b"\x30\x05\x02\x01",
        b"\x30\x03\x02\x01\x05\x00",
        b"\x30\x81\x03\x02\x01\x05",
        b"\x30\x80\x02\x01\x05\x00\x00",
        b"\x30\x04\x02\x02\x00\x05",
        b"\x30\x03\x02\x01\xff",
        b"\x30\x02\x02\x00",
    ],
)
def test_der_is_read_strictly(data: bytes) -> None:
    with pytest.raises(Corrupt):
        [element.as_integer() for element in der.decode(data).as_sequence()]


@pytest.mark.parametrize("value", [0, 1, 127, 128, 255, 256, 1_300_000])
def test_der_numbers_and_long_lengths_round_trip(value: int) -> None:
    encoded = der.encode_sequence(der.encode_integer(value), der.encode(der.OCTETS, bytes(value % 70000)))
    number, octets = der.decode(encoded).as_sequence()
    assert (number.as_integer(), len(octets.as_octets())) == (value, value % 70000)
