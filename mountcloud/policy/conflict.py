"""The name under which a local draft is kept when the service has another version."""

import re
from collections.abc import Callable
from itertools import count

from mountcloud.model.names import NameRules
from mountcloud.policy.names import MAX_FILE_NAME_BYTES, split_extension, with_suffix

_ANY = NameRules()
_EARLIER = re.compile(r" \(conflict [^()]+ \d{4}-\d\d-\d\d( \d+)?\)$")


def conflict_name(name: str, host: str, date: str, taken: Callable[[str], bool], rules: NameRules = _ANY) -> str:
    """``name (conflict HOST DATE).ext``, with a number from 2 on after the date while that is taken.

    A copy that meets a conflict of its own is named after the file, not after the copy. The stem is cut to keep the
    service's limits and Linux' 255 bytes; the extension stays, so that it opens as before.
    """
    stem, extension = split_extension(name)
    name = (_EARLIER.sub("", stem) or stem) + extension
    max_bytes = min(rules.max_bytes or MAX_FILE_NAME_BYTES, MAX_FILE_NAME_BYTES)
    for number in count(1):
        words = f" (conflict {host} {date})" if number == 1 else f" (conflict {host} {date} {number})"
        candidate = with_suffix(name, words, max_length=rules.max_length, max_bytes=max_bytes)
        if not taken(candidate):
            return candidate
    raise AssertionError("numbers do not end")


def is_conflict_name(name: str) -> bool:
    """True for a name that ``conflict_name`` gave."""
    return _EARLIER.search(split_extension(name)[0]) is not None
