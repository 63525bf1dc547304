from collections.abc import Iterator

import pytest

from tests.conformance.dracoon_factories import shared
from tests.conformance.factories import FACTORIES
from tests.conformance.nextcloud_factories import shared_nextcloud
from tests.conformance.webdav_factories import MORE_WEBDAV


@pytest.fixture(scope="session", autouse=True)
def _end_shared_sandbox() -> Iterator[None]:
    yield
    shared.stop()
    shared_nextcloud.stop()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "factory" in metafunc.fixturenames:
        short = [pytest.param(factory, id=name) for name, factory in FACTORIES.items()]
        long = [pytest.param(factory, id=name, marks=pytest.mark.slow) for name, factory in MORE_WEBDAV.items()]
        metafunc.parametrize("factory", short + long)
