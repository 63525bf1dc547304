"""The text form of a key: base64 between a BEGIN and an END line."""

import base64
import binascii
import re

from mountcloud.model.errors import Corrupt


def read(text: str, label: str) -> bytes:
    """The bytes between the lines of ``label``; raises ``Corrupt``.

    Line ends may be LF or CRLF, the last one may be missing (DRACOON facts, 22.1).
    """
    frame = rf"\s*-----BEGIN {label}-----\r?\n([A-Za-z0-9+/=\r\n]+?)\r?\n?-----END {label}-----\s*"
    match = re.fullmatch(frame, text, re.ASCII)
    if match is None:
        raise Corrupt(f"not a PEM text of a {label.lower()}")
    try:
        return base64.b64decode(re.sub(r"[\r\n]", "", match[1]), validate=True)
    except binascii.Error:
        raise Corrupt(f"the base64 text of the {label.lower()} is malformed") from None


def write(data: bytes, label: str) -> str:
    """The text form: 64 columns, LF, with a trailing one."""
    text = base64.b64encode(data).decode("ascii")
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""])
