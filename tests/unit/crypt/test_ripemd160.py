import pytest

from mountcloud.crypt.ripemd160 import ContentHash

VECTORS = {
    b"": "ba084d3f143f2896809d3f1d7dffed472b39d8de",
    b"abc": "261dbda81f380af4b7a3c0c27ab8d8a02fd8e95c",
    b"Hello MetaDisk API!": "d72d91d8ec94f89f5b6b84be2a03ba661a34c1e2",
}
"""Metadisk facts, 2."""


@pytest.mark.parametrize(("content", "expected"), VECTORS.items())
def test_vectors(content: bytes, expected: str) -> None:
    assert ContentHash(content).hexdigest() == expected


def test_pieces_make_the_same_hash_and_may_go_on_after_it_was_told() -> None:
    digest = ContentHash()
    assert digest.hexdigest() == VECTORS[b""]
    digest.update(b"a")
    digest.hexdigest()
    digest.update(memoryview(b"bc"))
    assert digest.hexdigest() == VECTORS[b"abc"]
