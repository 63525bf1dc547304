"""Fixtures for all folders."""

pytest_plugins = ["tests.sandbox.fixture", "tests.mount.fixture"]
