"""What a provider learnt from its service, kept so that it can do without asking again."""

from typing import Protocol


class Keepsakes(Protocol):
    """A cache of texts that never change or are looked up anew while the service can be asked; any may be forgotten.

    It lies on this machine's disk, so a key in it must be wrapped.
    """

    def get(self, name: str) -> str | None:
        """What was kept under this name, None if nothing is."""

    def put(self, name: str, text: str) -> None:
        """Keep it, as far as there is room."""


class NoKeepsakes:
    """Keeps nothing; implements ``Keepsakes`` for whoever uses a provider without a mount."""

    def get(self, name: str) -> str | None:
        """Nothing."""

    def put(self, name: str, text: str) -> None:
        """It will be asked for again."""
