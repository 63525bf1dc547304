import os

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from mountcloud.crypt.draft_cipher import BLOCK, UNIT, DraftCipher
from mountcloud.model.errors import Corrupt, NoKey
from tests.unit.store.sealing import sealer

KEY = bytes(range(64))


def encrypted(cipher: DraftCipher, data: bytes, offset: int) -> bytes:
    return bytes(cipher.encrypt(memoryview(data), offset, bytearray(len(data) + BLOCK)))


def test_it_is_xts_with_the_number_of_the_unit_as_tweak() -> None:
    data = os.urandom(2 * UNIT)
    expected = b"".join(
        Cipher(algorithms.AES(KEY), modes.XTS(number.to_bytes(16, "little")))
        .encryptor()
        .update(data[number * UNIT : (number + 1) * UNIT])
        for number in range(2)
    )
    assert encrypted(DraftCipher(KEY), data, 0) == expected


def test_any_aligned_part_is_written_and_read_alone() -> None:
    cipher, data = DraftCipher(KEY), os.urandom(3 * UNIT)
    whole = encrypted(cipher, data, 0)
    for begin, end in [(0, BLOCK), (BLOCK, UNIT), (UNIT - BLOCK, UNIT + BLOCK), (UNIT + 32, 3 * UNIT), (16, 3 * UNIT)]:
        assert encrypted(cipher, data[begin:end], begin) == whole[begin:end]
        assert cipher.decrypt(whole[begin:end], begin) == data[begin:end]


def test_equal_blocks_look_different() -> None:
    stored = encrypted(DraftCipher(KEY), bytes(2 * UNIT), 0)
    blocks = {stored[place : place + BLOCK] for place in range(0, len(stored), BLOCK)}
    assert len(blocks) == 2 * UNIT // BLOCK


def test_what_was_never_written_reads_as_zeros() -> None:
    cipher = DraftCipher(KEY)
    one = encrypted(cipher, b"x" * BLOCK, 5 * BLOCK)
    stored = bytes(5 * BLOCK) + one + bytes(2 * UNIT)
    content = cipher.decrypt(stored, 0)
    assert content == bytes(5 * BLOCK) + b"x" * BLOCK + bytes(2 * UNIT)


def test_each_draft_has_a_key_of_its_own() -> None:
    (first, one), (second, two) = sealer().new(), sealer().new()
    assert first != second
    assert encrypted(one, bytes(BLOCK), 0) != encrypted(two, bytes(BLOCK), 0)
    again = sealer().open(first + bytes(100))
    assert again.decrypt(encrypted(one, b"0123456789abcdef", 32), 32) == b"0123456789abcdef"


def test_another_key_damage_and_other_bytes_are_told_apart() -> None:
    sealed, _ = sealer("aaaaaaaa").new()
    with pytest.raises(NoKey):
        sealer("bbbbbbbb").open(sealed)
    sealer("bbbbbbbb", "aaaaaaaa").open(sealed)
    for damaged in (sealed[:-1] + b"x", sealed[:-20], b"", bytes(200), b"something else"):
        with pytest.raises(Corrupt):
            sealer("aaaaaaaa").open(damaged)
