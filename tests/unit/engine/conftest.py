"""What every test of the engine starts from."""

import pytest

from mountcloud.providers.memory_service import MemoryService
from tests.unit.engine.harness import Remote, new_service


@pytest.fixture
def service() -> MemoryService:
    return new_service()


@pytest.fixture
def remote(service: MemoryService) -> Remote:
    return Remote(service)
