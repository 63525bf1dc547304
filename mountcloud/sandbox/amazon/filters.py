"""Filters and sort orders of listings (Amazon facts, 6)."""

import json
import re
from collections.abc import Callable, Sequence

from mountcloud.sandbox.amazon.errors import bad

Shown = dict[str, object]
Test = Callable[[Shown], bool]
_TERM = re.compile(r"\s*([\w.]+):((?:\\.|\[[^\]]*\]|[^\s\\])*)")
_RANGE = re.compile(r"\[(.*) TO (.*)\]")
_SORT = re.compile(r"([\w.]+)\s+(ASC|DESC)")


def parse(text: str) -> tuple[Test, dict[str, str]]:
    """A test of node objects, and the values of the fields that it looks at; 400 for what is no filter."""
    tests: list[Test] = []
    named: dict[str, str] = {}
    position = 0
    while position < len(text.rstrip()):
        match = _TERM.match(text, position)
        if match is None:
            raise bad("Invalid filter")
        tests.append(_test(match.group(1), match.group(2)))
        named[match.group(1)] = _plain(match.group(2))
        position = match.end()
        joint = re.compile(r"\s+AND\s+").match(text, position)
        if joint is None and text[position:].strip():
            raise bad("Invalid filter")
        position = joint.end() if joint else position
    return lambda shown: all(test(shown) for test in tests), named


def _test(field: str, raw: str) -> Test:
    between = _RANGE.fullmatch(raw)
    if between is not None:
        low, high = between.groups()
        return lambda shown: any(low <= each <= high for each in _values(shown, field))
    wanted = _plain(raw)
    if field == "name":
        wanted = wanted.casefold()
        return lambda shown: wanted in {each.casefold() for each in _values(shown, field)}
    return lambda shown: wanted in _values(shown, field)


def _plain(raw: str) -> str:
    return re.sub(r"\\(.)", r"\1", raw)


def _values(shown: Shown, field: str) -> list[str]:
    found: object = shown
    for part in field.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    if isinstance(found, bool):
        return ["true" if found else "false"]
    if isinstance(found, list):
        return [str(each) for each in found]
    return [] if found is None else [str(found)]


def sort(nodes: Sequence[Shown], text: str) -> list[Shown]:
    """In the order of ``["field ASC", ...]``; 400 for something else."""
    try:
        wanted = json.loads(text)
    except ValueError:
        raise bad("Invalid sort") from None
    ordered = list(nodes)
    for each in reversed(wanted if isinstance(wanted, list) else [""]):
        match = _SORT.fullmatch(str(each).strip())
        if match is None:
            raise bad("Invalid sort")
        field, direction = match.groups()
        ordered.sort(key=lambda shown: _values(shown, field), reverse=direction == "DESC")
    return ordered
