"""Fixtures for all folders."""

import os
import signal

import pytest
from hypothesis import HealthCheck, settings

# How long examples take, or making them, says how busy the machine is.
settings.register_profile("mountcloud", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("mountcloud")

os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"  # nothing of ours belongs into a developer's own

pytest_plugins = ["tests.interop.client", "tests.sandbox.fixture", "tests.webdav.servers", "tests.mount.fixture"]


@pytest.fixture(scope="session", autouse=True)
def _interruptible() -> None:
    """A shell without job control starts what it puts into the background with SIGINT ignored, and so its children."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files on real mounts take the longest, so the processes that share the tests begin with them."""
    items.sort(key=lambda item: item.get_closest_marker("mount") is None)
