"""Three actors at once on a real mount: a program, a second client, and a network that fails in every way."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.filesystem.caller import Caller
from tests.mount.fixture import PLAIN_ROOM, new_account
from tests.mount.service import Service
from tests.mount.session import Account, Mount
from tests.mount.shared import mounted
from tests.reference.actors import DracoonClient, Network, Program
from tests.reference.walk import Walk
from tests.sandbox.fixture import RunningSandbox, start_sandbox

pytestmark = pytest.mark.mount

SHORT, LONG = 60, 150


@pytest.fixture(scope="module")
def troubled_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    """A service of its own: nobody else should share this network."""
    running = start_sandbox(tmp_path_factory.mktemp("troubled") / "data")
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="module")
def troubled_account(troubled_server: RunningSandbox) -> Account:
    """Its only user."""
    return new_account(troubled_server, "RSA-4096")


@pytest.fixture
def mount(fuse: None, troubled_account: Account) -> Iterator[Mount]:
    """A mount that is killed often."""
    with mounted(troubled_account) as mount:
        yield mount


def walk(mount: Mount, server: RunningSandbox, account: Account, seed: int, steps: int, *, honest: bool) -> Walk:
    chance = random.Random(seed)
    place = f"walk-{mount.pid}"
    with Caller(limit_s=90) as caller, Service(account.url, account.username, account.password) as service:
        root: Path = mount.mountpoint / PLAIN_ROOM / place
        caller(root.mkdir)
        mount.settle()
        second = DracoonClient(service, PLAIN_ROOM, place)
        walk = Walk(mount, caller, Program(root), second, Network(server.control, chance, honest), chance)
        walk.run(steps)
        return walk


def is_a_real_test(walk: Walk) -> None:
    """Most steps did something, the network really failed, and contents came and went."""
    done = sum(count for verb, count in walk.outcomes.items() if ":" not in verb)
    assert done > 0.6 * walk.outcomes.total(), walk.outcomes
    assert walk.network.met >= 3, walk.outcomes
    assert walk.facts.last > 10, walk.outcomes


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nothing_is_lost_while_the_network_fails(
    mount: Mount, troubled_server: RunningSandbox, troubled_account: Account, seed: int
) -> None:
    is_a_real_test(walk(mount, troubled_server, troubled_account, seed, SHORT, honest=True))


def test_nothing_is_lost_while_the_service_lies(
    mount: Mount, troubled_server: RunningSandbox, troubled_account: Account
) -> None:
    is_a_real_test(walk(mount, troubled_server, troubled_account, 4, SHORT, honest=False))


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(100, 140))
def test_nothing_is_lost_on_long_walks(
    mount: Mount, troubled_server: RunningSandbox, troubled_account: Account, seed: int
) -> None:
    is_a_real_test(walk(mount, troubled_server, troubled_account, seed, LONG, honest=seed % 4 != 3))
