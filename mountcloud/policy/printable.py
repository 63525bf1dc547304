"""Texts that others have chosen, such as names, made safe to show: a terminal obeys control characters."""

import re

_UNSEEN = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, ends of lines, changes of direction, and halves of characters that no stream takes."""


def printable(text: str, keep: str = "") -> str:
    """The text with what would not be seen, or be obeyed, written out as in Python; but for the characters to keep."""
    return _UNSEEN.sub(lambda found: found[0] if found[0] in keep else found[0].encode("unicode_escape").decode(), text)
