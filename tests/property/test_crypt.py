"""Any range decrypts; any split in any order gives the verdict of one pass, and one wrong bit turns it."""

from itertools import pairwise
from random import Random

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from mountcloud.crypt import gf128
from mountcloud.crypt.gcm_stream import GcmStreamCipher, GcmStreamEncryptor
from mountcloud.crypt.gcm_verify import TagCheck
from mountcloud.crypt.keys import FileKey
from mountcloud.model.span import PlainSpan, StoredSpan

elements = st.integers(0, 2**128 - 1)


@st.composite
def encrypted_files(draw: st.DrawFn, min_size: int = 0) -> tuple[FileKey, bytes, bytes]:
    key, iv = draw(st.binary(min_size=32, max_size=32)), draw(st.binary(min_size=12, max_size=12))
    plain = Random(draw(st.integers())).randbytes(draw(st.integers(min_size, 400)))  # binary() rarely grows so long
    sealed = AESGCM(key).encrypt(iv, plain, None)
    return FileKey(key, iv, sealed[-16:]), plain, sealed[:-16]


@st.composite
def spans_in_any_order(draw: st.DrawFn, size: int) -> list[StoredSpan]:
    """Spans of whole blocks that cover the file, some twice or overlapping, shuffled."""
    blocks = -(-size // 16)
    cuts = sorted(draw(st.sets(st.integers(0, blocks), max_size=8)) | {0, blocks})
    pieces = list(pairwise(cuts))
    pieces += draw(st.lists(st.tuples(st.integers(0, blocks), st.integers(0, blocks)), max_size=4))
    shuffled = draw(st.permutations(pieces))
    return [StoredSpan(min(a, b) * 16, min(max(a, b) * 16, size)) for a, b in shuffled if min(a, b) * 16 <= size]


def check_in_pieces(file_key: FileKey, stored: bytes, spans: list[StoredSpan], resume_every: int) -> bool | None:
    check = TagCheck(file_key, len(stored))
    for number, span in enumerate(spans):
        check.add(span, stored[span.start : span.end])
        if number % resume_every == 0:
            check = TagCheck.resume(file_key, len(stored), check.state())
    return check.verdict()


@given(encrypted_files(), st.data())
def test_any_split_in_any_order_verifies(file: tuple[FileKey, bytes, bytes], data: st.DataObject) -> None:
    file_key, _, stored = file
    spans = data.draw(spans_in_any_order(len(stored)))
    assert check_in_pieces(file_key, stored, spans, data.draw(st.integers(1, 4))) is True


@given(encrypted_files(min_size=1), st.data())
def test_one_flipped_bit_fails(file: tuple[FileKey, bytes, bytes], data: st.DataObject) -> None:
    file_key, _, stored = file
    bit = data.draw(st.integers(0, len(stored) * 8 - 1))
    altered = bytearray(stored)
    altered[bit // 8] ^= 1 << bit % 8
    spans = data.draw(spans_in_any_order(len(stored)))
    assert check_in_pieces(file_key, bytes(altered), spans, data.draw(st.integers(1, 4))) is False


@given(encrypted_files(min_size=1), st.data())
def test_there_is_no_verdict_before_the_last_byte(file: tuple[FileKey, bytes, bytes], data: st.DataObject) -> None:
    file_key, _, stored = file
    missing = data.draw(st.integers(0, (len(stored) - 1) // 16))
    check = TagCheck(file_key, len(stored))
    for block in range(-(-len(stored) // 16)):
        if block != missing:
            span = StoredSpan(block * 16, min(block * 16 + 16, len(stored)))
            check.add(span, stored[span.start : span.end])
    assert check.verdict() is None


@given(encrypted_files(min_size=1), st.data())
def test_any_range_decrypts_from_its_cover(file: tuple[FileKey, bytes, bytes], data: st.DataObject) -> None:
    file_key, plain, stored = file
    start = data.draw(st.integers(0, len(plain)))
    want = PlainSpan(start, data.draw(st.integers(start, len(plain))))
    cipher = GcmStreamCipher(file_key, len(stored))
    covered = cipher.cover(want)
    assert covered.start % 16 == 0
    assert covered.start <= want.start
    assert want.end <= covered.end <= len(stored)
    assert cipher.decrypt(want, covered, stored[covered.start : covered.end]) == plain[want.start : want.end]


@given(encrypted_files(), st.lists(st.integers(1, 50), max_size=8))
def test_encrypting_in_any_pieces_gives_the_same(file: tuple[FileKey, bytes, bytes], sizes: list[int]) -> None:
    file_key, plain, stored = file
    encryptor = GcmStreamEncryptor(file_key.key, file_key.iv)
    done, out = 0, b""
    for size in [*sizes, len(plain)]:
        out += encryptor.update(plain[done : done + size])
        done += size
    assert out + encryptor.finish() == stored
    assert encryptor.tag == file_key.tag


@given(elements, elements, elements)
def test_the_field_is_one(a: int, b: int, c: int) -> None:
    one = 1
    assert gf128.multiply(a, b) == gf128.multiply(b, a) < 2**128
    assert gf128.multiply(a, gf128.multiply(b, c)) == gf128.multiply(gf128.multiply(a, b), c)
    assert gf128.multiply(a, b ^ c) == gf128.multiply(a, b) ^ gf128.multiply(a, c)
    assert gf128.multiply(a, one) == a
    assert gf128.from_block(gf128.to_block(a)) == a


@given(elements, st.integers(0, 40), st.integers(0, 40))
def test_powers_add_up(base: int, first: int, second: int) -> None:
    powers = gf128.Powers(base)
    assert powers.times(powers.times(1, first), second) == powers.times(1, first + second)
