"""Just enough DER to read and write the lock of a private key; strict: one encoding a value, no trailing bytes."""

from dataclasses import dataclass

from mountcloud.model.errors import Corrupt

INTEGER = 0x02
OCTETS = 0x04
NULL = 0x05
OBJECT_ID = 0x06
SEQUENCE = 0x30


@dataclass(frozen=True, slots=True)
class Element:
    """One value: its tag and its content octets."""

    tag: int
    content: bytes

    def as_octets(self) -> bytes:
        """The content of an OCTET STRING; raises ``Corrupt`` for anything else."""
        return self._expect(OCTETS)

    def as_integer(self) -> int:
        """The value of an INTEGER; raises ``Corrupt`` for anything else, and if it is negative or padded."""
        content = self._expect(INTEGER)
        value = int.from_bytes(content, "big")
        if encode_integer(value) != encode(INTEGER, content):
            raise Corrupt("a number in the key is malformed")
        return value

    def as_object_id(self) -> bytes:
        """The encoded arcs of an OBJECT IDENTIFIER; raises ``Corrupt`` for anything else."""
        return self._expect(OBJECT_ID)

    def as_sequence(self) -> list["Element"]:
        """The elements of a SEQUENCE; raises ``Corrupt`` for anything else."""
        rest = self._expect(SEQUENCE)
        elements = []
        while rest:
            element, rest = _take(rest)
            elements.append(element)
        return elements

    def _expect(self, tag: int) -> bytes:
        if self.tag != tag:
            raise Corrupt(f"the key has a value of type {self.tag:#x} where type {tag:#x} belongs")
        return self.content


def decode(data: bytes) -> Element:
    """The one element that ``data`` is; raises ``Corrupt``."""
    element, rest = _take(data)
    if rest:
        raise Corrupt("the key is followed by other bytes")
    return element


def encode(tag: int, content: bytes) -> bytes:
    """One element."""
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def encode_integer(value: int) -> bytes:
    """A number that is not negative."""
    return encode(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def encode_sequence(*elements: bytes) -> bytes:
    """A SEQUENCE of encoded elements."""
    return encode(SEQUENCE, b"".join(elements))


def _take(data: bytes) -> tuple[Element, bytes]:
    if len(data) < 2:
        raise Corrupt("the key ends in the middle")
    start, length = 2, data[1]
    if length >= 0x80:
        start += length & 0x7F
        length = int.from_bytes(data[2:start], "big")
    element, rest = Element(data[0], data[start : start + length]), data[start + length :]
    if encode(element.tag, element.content) + rest != data:
        raise Corrupt("the key is cut off, or a length in it is malformed")
    return element, rest
