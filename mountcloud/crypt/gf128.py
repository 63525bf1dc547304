"""Arithmetic in the field of GHASH: polynomials over GF(2) modulo x^128 + x^7 + x^2 + x + 1 (NIST SP 800-38D, 6.3).

An element is an int whose bit i is the coefficient of x^i; addition is XOR.
"""

BLOCK = 16
"""Bytes of an element."""

_MASK = (1 << 128) - 1
_MIRROR = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def from_block(block: bytes) -> int:
    """The element that 16 bytes stand for: the first bit of a byte is the lowest coefficient."""
    return int.from_bytes(block.translate(_MIRROR), "little")


def to_block(element: int) -> bytes:
    """The 16 bytes of an element."""
    return element.to_bytes(16, "little").translate(_MIRROR)


def multiply(one: int, other: int) -> int:
    """The product."""
    product = 0
    while other:
        low = other & -other
        product ^= one * low
        other ^= low
    return _reduce(_reduce(product))


class Powers:
    """Powers of one element; its 2^k-th powers are kept."""

    def __init__(self, base: int) -> None:
        self._doublings = [base]

    def times(self, element: int, exponent: int) -> int:
        """``element`` times the base to the ``exponent``: one multiplication for each bit that is set."""
        for bit in range(exponent.bit_length()):
            if exponent >> bit & 1:
                element = multiply(element, self._doubling(bit))
        return element

    def _doubling(self, bit: int) -> int:
        while len(self._doublings) <= bit:
            last = self._doublings[-1]
            self._doublings.append(multiply(last, last))
        return self._doublings[bit]


def _reduce(product: int) -> int:
    high = product >> 128
    return (product & _MASK) ^ high ^ high << 1 ^ high << 2 ^ high << 7
