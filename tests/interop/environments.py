"""The environments in which published clients live, each with the old libraries that it pins."""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


def python_or_skip(environment: str) -> Path:
    """The Python that has the client; skips without it, but fails where everything must be tested."""
    python = REPOSITORY / environment / "bin" / "python"
    if not python.exists():
        reason = f"no published client: {python} is missing; ./run setup brings it"
        if os.environ.get("CI") or os.environ.get("MOUNTCLOUD_REQUIRE_ALL"):
            pytest.fail(reason)
        pytest.skip(reason)
    return python
