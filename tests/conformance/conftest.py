from collections.abc import Iterator

import pytest

from tests.conformance.amazon_factories import shared_amazon
from tests.conformance.dracoon_factories import shared
from tests.conformance.factories import FACTORIES
from tests.conformance.metadisk_factories import shared_metadisk
from tests.conformance.nextcloud_factories import SYNCING, shared_nextcloud
from tests.conformance.smartfile_factories import shared_smartfile
from tests.conformance.webdav_factories import MORE_WEBDAV

CROSSED = {"dracoon-plain-s3", "dracoon-encrypted-classic"}
"""How content travels and whether it is encrypted are two questions: what is not about content asks each once."""
ABOUT_CONTENT = {"test_upload", "test_reading"}


def _slow(name: str) -> tuple[pytest.MarkDecorator, ...]:
    return (pytest.mark.slow,) if name in CROSSED else ()


@pytest.fixture(scope="session", autouse=True)
def _end_shared_sandbox() -> Iterator[None]:
    yield
    shared.stop()
    shared_amazon.stop()
    shared_metadisk.stop()
    shared_nextcloud.stop()
    shared_smartfile.stop()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "factory" in metafunc.fixturenames:
        short = [pytest.param(factory, id=name) for name, factory in FACTORIES.items()]
        if metafunc.module.__name__.rpartition(".")[2] not in ABOUT_CONTENT:
            short = [pytest.param(*each.values, id=each.id, marks=_slow(str(each.id))) for each in short]
        long = [pytest.param(factory, id=name, marks=pytest.mark.slow) for name, factory in MORE_WEBDAV.items()]
        if metafunc.module.__name__.endswith(".test_changes"):
            short += [pytest.param(factory, id=name) for name, factory in SYNCING.items()]
        metafunc.parametrize("factory", short + long)
