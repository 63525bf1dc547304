"""Any walk of a program and a second client through trouble and death ends with both sides equal and nothing lost."""

import logging
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import trio
import trio.testing
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from mountcloud.model.provider import ChangeFeed
from tests.property.walk import Step, Walk
from tests.unit.engine.harness import new_service

VERBS = (
    *("create", "open", "write", "write", "flush", "close", "close", "save", "rename", "rename", "unlink", "mkdir"),
    *("rmdir", "set_times", "truncate", "look", "look"),
    *("there_writes", "there_creates", "there_mkdir", "there_renames", "there_removes"),
    *("wait", "wait", "wait", "poll", "fail", "hold", "release", "restart"),
)
NUMBER = st.integers(0, 7)
STEP = st.builds(Step, st.sampled_from(VERBS), NUMBER, NUMBER, st.integers(0, 3))


def walk(steps: Sequence[Step], feed: ChangeFeed) -> None:
    async def main() -> None:
        with tempfile.TemporaryDirectory() as home:
            async with trio.open_nursery() as nursery:
                walker = Walk(Path(home), new_service(feed), nursery)
                await walker.boot()
                for step in steps:
                    await walker.take(step)
                await walker.finish()
                await walker.judge()
                await walker.here.kill()
                nursery.cancel_scope.cancel()

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


@pytest.fixture(autouse=True, scope="module")
def _quiet() -> Iterator[None]:
    logger = logging.getLogger("mountcloud")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(before)


CALM = settings(deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)


@settings(CALM, max_examples=60)
@given(st.lists(STEP, max_size=25), st.sampled_from(ChangeFeed))
def test_nothing_is_lost(steps: list[Step], feed: ChangeFeed) -> None:
    walk(steps, feed)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@settings(CALM, max_examples=3000, phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink))
@given(st.lists(STEP, min_size=20, max_size=80), st.sampled_from(ChangeFeed))
def test_nothing_is_lost_on_long_walks(steps: list[Step], feed: ChangeFeed) -> None:
    walk(steps, feed)


def test_a_save_over_an_edit_that_is_owed_keeps_what_was_written_there_meanwhile() -> None:
    """Found by a long walk: the edit's own base counts, not the version that the service told since."""
    verbs = (*["open"] * 6, "there_creates", *["create"] * 9, "truncate", "there_writes", "restart", "save")
    walk([Step(verb, 0, 0, 0) for verb in verbs], ChangeFeed.CURSOR)
