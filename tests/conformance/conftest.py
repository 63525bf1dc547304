from collections.abc import Iterator

import pytest

from tests.conformance.dracoon_factories import shared
from tests.conformance.factories import FACTORIES
from tests.conformance.nextcloud_factories import shared_nextcloud
from tests.conformance.webdav_factories import shared_servers


@pytest.fixture(scope="session", autouse=True)
def _end_shared_sandbox() -> Iterator[None]:
    yield
    shared.stop()
    shared_nextcloud.stop()
    shared_servers.stop()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "factory" in metafunc.fixturenames:
        metafunc.parametrize("factory", FACTORIES.values(), ids=FACTORIES.keys())
