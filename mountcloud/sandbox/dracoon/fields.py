"""Typed access to JSON bodies, and the service's dates (DRACOON facts, 2)."""

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from mountcloud.sandbox.dracoon.errors import BAD_ARGUMENT, MISSING_FIELD, NOT_POSITIVE, Refusal


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def date_text(milliseconds: int) -> str:
    """``2020-01-01T00:00:00.000Z``."""
    whole = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"


def date_ms(text: str) -> int:
    """Milliseconds of an ISO 8601 date; one without a zone is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refusal(BAD_ARGUMENT, words="A date is invalid") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000


@dataclass(frozen=True, slots=True)
class Fields:
    """A JSON object of a request. A null member counts as absent; a member of a wrong type is a bad argument."""

    values: dict[str, object]

    @classmethod
    def parse(cls, raw: bytes) -> "Fields":
        """From a body; an empty one is an empty object."""
        if not raw.strip():
            return cls({})
        try:
            values = json.loads(raw)
        except ValueError:
            raise Refusal(BAD_ARGUMENT, words="The body is not JSON") from None
        if not isinstance(values, dict):
            raise Refusal(BAD_ARGUMENT, words="The body is not a JSON object")
        return cls(values)

    def has(self, name: str) -> bool:
        """True if the member is there and not null."""
        return self.values.get(name) is not None

    def text(self, name: str) -> str | None:
        """A string."""
        value = self.values.get(name)
        if value is not None and not isinstance(value, str):
            raise Refusal(BAD_ARGUMENT, words=f"{name} must be a string")
        return value

    def number(self, name: str) -> int | None:
        """An integer."""
        value = self.values.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            raise Refusal(BAD_ARGUMENT, words=f"{name} must be an integer")
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        """A boolean."""
        value = self.values.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise Refusal(BAD_ARGUMENT, words=f"{name} must be a boolean")
        return value

    def date(self, name: str) -> int | None:
        """A date, in milliseconds."""
        text = self.text(name)
        return None if text is None else date_ms(text)

    def fields(self, name: str) -> "Fields | None":
        """A JSON object."""
        value = self.values.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise Refusal(BAD_ARGUMENT, words=f"{name} must be an object")
        return Fields(value)

    def array(self, name: str) -> list[object]:
        """A JSON array; empty if absent."""
        value = self.values.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise Refusal(BAD_ARGUMENT, words=f"{name} must be an array")
        return value

    def numbers(self, name: str) -> list[int]:
        """An array of integers."""
        found = self.array(name)
        numbers = [item for item in found if isinstance(item, int) and not isinstance(item, bool)]
        if len(numbers) != len(found):
            raise Refusal(BAD_ARGUMENT, words=f"{name} must hold integers")
        return numbers

    def objects(self, name: str) -> list["Fields"]:
        """An array of objects."""
        found = self.array(name)
        objects = [Fields(item) for item in found if isinstance(item, dict)]
        if len(objects) != len(found):
            raise Refusal(BAD_ARGUMENT, words=f"{name} must hold objects")
        return objects

    def need_text(self, name: str) -> str:
        """A string that must be there."""
        value = self.text(name)
        if value is None:
            raise Refusal(MISSING_FIELD, words=f"{name} is missing")
        return value

    def need_number(self, name: str) -> int:
        """A positive integer that must be there."""
        value = self.number(name)
        if value is None:
            raise Refusal(MISSING_FIELD, words=f"{name} is missing")
        if value <= 0:
            raise Refusal(NOT_POSITIVE, words=f"{name} must be positive")
        return value
