"""Fixtures for all folders."""

pytest_plugins = ["tests.interop.client", "tests.sandbox.fixture", "tests.webdav.servers", "tests.mount.fixture"]
