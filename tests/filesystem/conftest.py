"""The trees on which the list of tests runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.filesystem.tree import NativeBacking, Tree

ALWAYS = {
    "mount-amazon": {"test_links"},
    "mount-metadisk": set[str](),
    "mount-smartfile": {"test_saving"},
    "mount-plain": {"test_contents"},
    "mount-webdav": {"test_renaming", "test_saving"},
}
"""What another service, or a room without a cipher, could break; all else runs there in long runs only. The whole list
always runs on the disk, which proves it right, and in an encrypted room, where most can go wrong. Where nothing of it
runs the provider's own tests on a mount save, rename and remove (``tests/metadisk/test_mount.py``)."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
        kind = parameters.get("tree", "")
        if kind in ALWAYS and item.path.stem not in ALWAYS[kind]:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(
    params=[
        "native",
        pytest.param("mount-plain", marks=pytest.mark.mount),
        pytest.param("mount-encrypted", marks=pytest.mark.mount),
        pytest.param("mount-webdav", marks=pytest.mark.mount),
        pytest.param("mount-amazon", marks=pytest.mark.mount),
        pytest.param("mount-smartfile", marks=pytest.mark.mount),
        pytest.param("mount-metadisk", marks=pytest.mark.mount),
        pytest.param("mount-nextcloud", marks=[pytest.mark.mount, pytest.mark.slow]),
    ]
)
def tree(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Tree]:
    """An empty directory: on the disk, in a room of a mount (plain, encrypted), on a WebDAV mount, and so on."""
    tree = _native(tmp_path) if request.param == "native" else request.getfixturevalue("mounted_trees")(request.param)
    yield tree
    tree.close()


def _native(directory: Path) -> Tree:
    path, scratch = directory / "tree", directory / "scratch"
    path.mkdir()
    scratch.mkdir()
    return Tree("native", path, scratch, NativeBacking())
