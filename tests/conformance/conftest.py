import pytest

from tests.conformance.factories import FACTORIES


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "factory" in metafunc.fixturenames:
        metafunc.parametrize("factory", FACTORIES.values(), ids=FACTORIES.keys())
