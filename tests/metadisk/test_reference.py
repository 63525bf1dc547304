"""The three actors of ``tests/reference`` on Metadisk: a program, a second client, and a network that fails."""

import random

import pytest

from tests.filesystem.caller import Caller
from tests.metadisk.account import account_of
from tests.metadisk.outsider import Outsider
from tests.metadisk.server import MetadiskServer
from tests.metadisk.service import Service
from tests.mount.shared import mounted
from tests.reference.actors import Network, Program
from tests.reference.test_reference import is_a_real_test
from tests.reference.walk import Walk

pytestmark = pytest.mark.mount

SHORT, LONG = 50, 150
PATHS = ("/buckets", "/files$", "/files/", "/tokens", "/", "/")
METHODS = ("GET", "PUT", "POST", "DELETE", "", "")


def walk(server: MetadiskServer, service: Service, seed: int, steps: int) -> Walk:
    chance = random.Random(seed)
    network = Network(server.control, chance, honest=True, paths=PATHS, methods=METHODS)
    bucket = service.make_bucket("bucket")
    with mounted(account_of(service)) as mount, Caller(limit_s=90) as caller:
        place = mount.mountpoint / "bucket" / "walk"
        caller(place.mkdir)
        mount.settle()
        walk = Walk(mount, caller, Program(place), Outsider(service, bucket), network, chance)
        walk.run(steps)
        return walk


def test_nothing_is_lost(fuse: None, metadisk: MetadiskServer, service: Service) -> None:
    is_a_real_test(walk(metadisk, service, 5, SHORT))


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(100, 110))
def test_nothing_is_lost_on_long_walks(fuse: None, metadisk: MetadiskServer, service: Service, seed: int) -> None:
    is_a_real_test(walk(metadisk, service, seed, LONG))
