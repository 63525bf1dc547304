"""A check that is slower than the line: what stands on the disk waits there for it, and nobody waits for the check."""

import math
from pathlib import Path

import pytest
import trio
import trio.testing

from mountcloud.engine.verifying import Verifier
from tests.unit.reading.library import place

MIB = 1 << 20
PIECE = 128 * 1024


@pytest.mark.parametrize("check", ["tag", "md5"])
def test_a_late_check_keeps_nothing_in_memory(tmp_path: Path, check: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight times the budget comes while one check is being made; afterwards the verdict is had all the same."""
    here = place(tmp_path, 16 * MIB, encrypted=check == "tag", md5=check == "md5")
    first, go_on = trio.Event(), trio.Event()
    present = Verifier._follow_up

    async def late(self: Verifier, *args: object) -> None:
        first.set()
        await go_on.wait()
        await present(self, *args)  # type: ignore[arg-type] # whatever it is given

    monkeypatch.setattr(Verifier, "_follow_up", late)

    async def main() -> None:
        async with here.library(budget=2 * MIB) as library:
            reader = library.reader(here.node)
            parts = [await reader.read(0, PIECE)]
            await first.wait()
            parts += [await reader.read(start, PIECE) for start in range(PIECE, 15 * MIB, PIECE)]
            go_on.set()
            parts += [await reader.read(start, PIECE) for start in range(15 * MIB, 16 * MIB, PIECE)]
            assert b"".join(parts) == here.content
            await reader.aclose()
        cached = here.store().version(here.node.ref, here.node.size)
        assert cached.verdict

    trio.run(main, clock=trio.testing.MockClock(rate=0, autojump_threshold=math.inf))
