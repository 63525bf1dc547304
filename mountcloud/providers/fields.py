"""Fields that a user spells out for a service's own interface, as a query holds them."""

from collections.abc import Mapping


def query_of(fields: Mapping[str, object]) -> dict[str, str | int]:
    """Truth values as services write them; numbers stay, everything else becomes text."""
    return {name: _word(value) for name, value in fields.items()}


def _word(value: object) -> str | int:
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, int) else str(value)
