"""Paging, filters and sorting of lists (DRACOON facts, 2, 8)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mountcloud.sandbox.database import Value
from mountcloud.sandbox.dracoon.calls import Call
from mountcloud.sandbox.dracoon.errors import BAD_FILTER, BAD_PAGE, Refusal
from mountcloud.sandbox.dracoon.fields import date_ms

MAX_LIMIT = 500


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list."""

    offset: int
    limit: int

    def range(self, total: int) -> dict[str, object]:
        """The list without its items."""
        return {"range": {"offset": self.offset, "limit": self.limit, "total": total}}


def page_of(call: Call, maximum: int = MAX_LIMIT) -> Page:
    """Offset and limit; out of range is 400 -80024. Without a limit the maximum counts."""
    page = Page(call.number("offset", 0), call.number("limit", maximum))
    if page.offset < 0 or not 1 <= page.limit <= MAX_LIMIT:
        raise Refusal(BAD_PAGE)
    return Page(page.offset, min(page.limit, maximum))


def slice_of(call: Call, items: Sequence[object]) -> dict[str, object]:
    """A page of a list that is all in memory."""
    page = page_of(call)
    return page.range(len(items)) | {"items": list(items[page.offset : page.offset + page.limit])}


@dataclass(frozen=True, slots=True)
class Clause:
    """A piece of SQL with its arguments. The text never holds anything from the request."""

    sql: str
    arguments: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Field:
    """What a filter field compares: an SQL expression, the operators, and how its values read."""

    sql: str
    operators: tuple[str, ...]
    kind: str = "text"


Fieldset = Mapping[str, Field]


def filters_of(call: Call, known: Fieldset) -> list[tuple[str, str, list[str]]]:
    """(field, operator, values) of the ``filter`` parameter, all known."""
    found = []
    for part in filter(None, call.query.get("filter", "").split("|")):
        pieces = part.split(":")
        # A date has colons of its own: only the values after the operator may hold it.
        if len(pieces) < 3 or pieces[0] not in known or pieces[1] not in known[pieces[0]].operators:
            raise Refusal(BAD_FILTER, words=f"filter {part.partition(':')[0]} is invalid")
        values = [":".join(pieces[2:])] if known[pieces[0]].kind == "date" else pieces[2:]
        found.append((pieces[0], pieces[1], values))
    return found


def clause_of(field: Field, operator: str, values: Sequence[str]) -> Clause:
    """The condition of one filter; several values are alternatives."""
    comparison = {"eq": "=", "ge": ">=", "le": "<="}.get(operator)
    sql = f"{field.sql} {comparison} ?" if comparison else f"instr({field.sql}, ?) > 0"
    arguments = tuple(_value(field.kind, value) for value in values)
    return Clause("(" + " OR ".join([sql] * len(values)) + ")", arguments)


def _value(kind: str, text: str) -> Value:
    if kind == "date":
        return date_ms(text)
    if kind == "flag":
        return int(text.lower() == "true")
    if kind == "key":
        return text.casefold()
    if kind == "number":
        try:
            return int(text)
        except ValueError:
            raise Refusal(BAD_FILTER, words="a filter value must be an integer") from None
    return text


def order_of(call: Call, known: Mapping[str, str], first: str, default: str) -> str:
    """ORDER BY text: ``first``, then the ``sort`` parameter, then the id."""
    terms = [first] if first else []
    for part in filter(None, (call.query.get("sort") or default).split("|")):
        name, _, direction = part.partition(":")
        if name not in known or direction not in {"", "asc", "desc"}:
            raise Refusal(BAD_FILTER, words=f"sort {name} is invalid")
        terms.append(f"{known[name]} {'DESC' if direction == 'desc' else 'ASC'}")
    return "ORDER BY " + ", ".join([*terms, "id"])
