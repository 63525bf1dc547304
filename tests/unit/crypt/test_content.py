import secrets

import pytest

from mountcloud.crypt.gcm_stream import MAX_PLAIN_SIZE, GcmStreamCipher, GcmStreamEncryptor
from mountcloud.crypt.gcm_verify import TagCheck
from mountcloud.crypt.keys import FileKey
from mountcloud.crypt.plain import PlainCipher
from mountcloud.model.errors import Corrupt, TooLarge
from mountcloud.model.provider import ContentCipher, Integrity
from mountcloud.model.span import PlainSpan, StoredSpan

KEY = FileKey(bytes(range(32)), bytes(range(12)), bytes(16))


def encrypted(plain: bytes) -> tuple[FileKey, bytes]:
    encryptor = GcmStreamEncryptor(KEY.key, KEY.iv)
    stored = encryptor.update(plain) + encryptor.finish()
    return FileKey(KEY.key, KEY.iv, encryptor.tag), stored


def test_both_ciphers_are_what_the_port_asks_for() -> None:
    ciphers: list[ContentCipher] = [PlainCipher(3), GcmStreamCipher(KEY, 3)]
    assert [(cipher.plain_size, cipher.stored_size) for cipher in ciphers] == [(3, 3), (3, 3)]
    assert [cipher.integrity for cipher in ciphers] == [Integrity.NONE, Integrity.WHOLE_FILE]


def test_the_plain_cipher_changes_nothing() -> None:
    cipher = PlainCipher(10)
    assert cipher.cover(PlainSpan(2, 5)) == StoredSpan(2, 5)
    assert cipher.decrypt(PlainSpan(2, 5), StoredSpan(1, 6), b"bcdef") == b"cde"


@pytest.mark.parametrize(
    ("want", "stored"),
    [((0, 0), (0, 0)), ((0, 1), (0, 16)), ((15, 17), (0, 32)), ((16, 32), (16, 32)), ((33, 40), (32, 40))],
)
def test_cover_is_whole_blocks_or_ends_with_the_file(want: tuple[int, int], stored: tuple[int, int]) -> None:
    assert GcmStreamCipher(KEY, 40).cover(PlainSpan(*want)) == StoredSpan(*stored)


@pytest.mark.parametrize("cipher", [PlainCipher(40), GcmStreamCipher(KEY, 40)], ids=["plain", "gcm"])
def test_a_short_answer_is_corrupt_and_a_wrong_span_a_bug(cipher: ContentCipher) -> None:
    with pytest.raises(Corrupt, match="16 stored bytes were asked for, 15 came"):
        cipher.decrypt(PlainSpan(0, 8), StoredSpan(0, 16), bytes(15))
    with pytest.raises(ValueError, match="does not cover"):
        cipher.decrypt(PlainSpan(8, 17), StoredSpan(0, 16), bytes(16))


def test_a_memoryview_decrypts_from_any_offset() -> None:
    plain = secrets.token_bytes(1000)
    file_key, stored = encrypted(plain)
    cipher = GcmStreamCipher(file_key, len(plain))
    view = memoryview(stored)
    for start in (0, 1, 15, 16, 17, 500):
        want, covered = PlainSpan(start, 777), StoredSpan(start, 900)
        assert cipher.decrypt(want, covered, view[start:900]) == plain[start:777]


def test_the_last_bytes_of_the_largest_file_decrypt() -> None:
    cipher = GcmStreamCipher(KEY, MAX_PLAIN_SIZE)
    end, span = PlainSpan(MAX_PLAIN_SIZE, MAX_PLAIN_SIZE), StoredSpan(MAX_PLAIN_SIZE - 16, MAX_PLAIN_SIZE)
    assert len(cipher.decrypt(PlainSpan(span.start, span.end), span, bytes(16))) == 16
    assert cipher.decrypt(end, StoredSpan(end.start, end.end), b"") == b""


def test_larger_than_the_counter_is_refused() -> None:
    with pytest.raises(TooLarge):
        GcmStreamCipher(KEY, MAX_PLAIN_SIZE + 1)
    start = MAX_PLAIN_SIZE - 1
    with pytest.raises(TooLarge):
        GcmStreamCipher(KEY, 16).decrypt(PlainSpan(start, start + 2), StoredSpan(start, start + 2), b"ab")


def test_an_encryptor_stops_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mountcloud.crypt.gcm_stream.MAX_PLAIN_SIZE", 20)
    encryptor = GcmStreamEncryptor(KEY.key, KEY.iv)
    encryptor.update(bytes(20))
    with pytest.raises(TooLarge):
        encryptor.update(b"x")


def test_an_empty_file_has_a_tag_too() -> None:
    file_key, stored = encrypted(b"")
    assert stored == b""
    assert TagCheck(file_key, 0).verdict() is True
    assert TagCheck(KEY, 0).verdict() is False


def test_a_check_takes_whole_blocks_inside_the_file() -> None:
    check = TagCheck(KEY, 40)
    for span in (StoredSpan(8, 16), StoredSpan(0, 8), StoredSpan(32, 48)):
        with pytest.raises(ValueError, match="whole blocks"):
            check.add(span, bytes(span.length))
    with pytest.raises(ValueError, match="15 bytes"):
        check.add(StoredSpan(0, 16), bytes(15))


def test_spans_that_touch_become_one() -> None:
    check = TagCheck(KEY, 96)
    for start, end in [(0, 16), (64, 96), (32, 48)]:
        check.add(StoredSpan(start, end), bytes(end - start))
    assert list(check.seen) == [StoredSpan(0, 16), StoredSpan(32, 48), StoredSpan(64, 96)]
    check.add(StoredSpan(16, 32), bytes(16))
    assert list(check.seen) == [StoredSpan(0, 48), StoredSpan(64, 96)]
    check.add(StoredSpan(0, 80), bytes(80))
    assert list(check.seen) == [StoredSpan(0, 96)]


def test_a_state_is_sealed_and_of_one_file() -> None:
    file_key, stored = encrypted(secrets.token_bytes(64))
    check = TagCheck(file_key, 64)
    check.add(StoredSpan(0, 32), stored[:32])
    state = check.state()
    resumed = TagCheck.resume(file_key, 64, state)
    assert resumed.seen == (StoredSpan(0, 32),)
    assert (resumed.verdict(), resumed.state()) == (None, state)
    damaged = bytes([state[0] ^ 1]) + state[1:]
    other = FileKey(file_key.key, bytes(12), file_key.tag)
    for key, size, text in [(file_key, 64, damaged), (file_key, 65, state), (other, 64, state), (file_key, 64, b"")]:
        with pytest.raises(Corrupt):
            TagCheck.resume(key, size, text)


@pytest.mark.parametrize(
    ("algorithm", "digest"),
    [("md5", "5d41402abc4b2a76b9719d911017c592"), ("sha1", "AAF4C61DDCC5E8A2DABEDE0F3B482CD9AEA9434D")],
)
def test_a_plain_file_is_checked_by_the_hash_that_the_service_tells(algorithm: str, digest: str) -> None:
    for data, verdict in ((b"hello", True), (b"hellO", False)):
        check = PlainCipher(5, digest, algorithm).check(b"")
        assert check is not None
        check.add(StoredSpan(0, 2), data[:2])
        assert check.verdict() is None
        check.add(StoredSpan(2, 5), data[2:])
        assert check.verdict() is verdict
    assert PlainCipher(5).check(b"") is None
