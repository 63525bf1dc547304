"""Switches of a sandbox: a dataclass of them, told by name and changed by name."""

from dataclasses import asdict, dataclass, fields


class UnknownSwitch(ValueError):
    """No such switch, or a value of another type."""


@dataclass(slots=True)
class Switchboard:
    """A subclass has the switches as fields, each of type bool, int, float or str."""

    def values(self) -> dict[str, object]:
        """All of them by name."""
        return asdict(self)

    def change(self, values: dict[str, object]) -> None:
        """Set some; raises ``UnknownSwitch``, changing nothing."""
        kinds = {field.name: field.type for field in fields(self)}
        for name, value in values.items():
            if not _fits(value, kinds.get(name)):
                raise UnknownSwitch(f"no switch {name} with the value {value!r}")
        for name, value in values.items():
            setattr(self, name, value)


def _fits(value: object, kind: object) -> bool:
    """A whole number is a float as well, a bool is nothing else."""
    if not isinstance(kind, type) or isinstance(value, bool) != (kind is bool):
        return False
    return isinstance(value, (int, float) if kind is float else kind)
