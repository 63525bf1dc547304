"""Which names a service can hold, as data."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NameRules:
    """What a service accepts as a name.

    ``max_length`` counts characters, ``max_bytes`` UTF-8 bytes (0 = no limit beyond Linux' own 255 bytes).
    ``forbidden`` are single characters, ``reserved`` are stems compared without case and extension.
    ``forbidden_names`` are whole names and ``forbidden_endings`` ends of names, both compared without case.
    """

    max_length: int = 0
    max_bytes: int = 0
    forbidden: str = "/\0"
    forbid_control: bool = False
    forbidden_first: str = ""
    forbidden_last: str = ""
    reserved: frozenset[str] = frozenset()
    forbidden_names: frozenset[str] = frozenset()
    forbidden_endings: tuple[str, ...] = ()
    case_sensitive: bool = True
    normalises: bool = False
    """True if the service turns names into Unicode NFC."""
    holds_bytes: bool = False
    """True if a name may hold bytes that are no UTF-8, which stand as the surrogates U+DC80 to U+DCFF."""
