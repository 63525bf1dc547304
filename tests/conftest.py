"""Fixtures for all folders."""

pytest_plugins = ["tests.interop.client", "tests.mount.fixture", "tests.sandbox.fixture"]
