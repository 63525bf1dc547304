"""``filemanager``: what it puts where, and takes away again."""

import ast
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mountcloud.cli.main import main
from mountcloud.filemanager.files import EMBLEMS


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ("filemanager", *words))


def written(home: Path) -> set[str]:
    return {str(each.relative_to(home / ".local/share")) for each in home.rglob("*") if each.is_file()}


EXTENSIONS = {
    name: {f"{name}-python/extensions/mountcloud_{part}.py" for part in ("files", "extension")}
    for name in ("nautilus", "nemo", "caja")
}
ICONS = {f"icons/hicolor/scalable/emblems/{emblem}.svg" for emblem in EMBLEMS.values()}


@pytest.fixture
def programs(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with no file manager."""
    directory = home.parent / f"{home.name}-bin"
    directory.mkdir()
    monkeypatch.setenv("PATH", str(directory))
    return directory


def test_those_that_are_there_are_given_it(home: Path, programs: Path) -> None:
    (programs / "nemo").write_text("#!/bin/sh\n")
    (programs / "nemo").chmod(0o755)
    result = run("enable")
    assert (result.exit_code, "nemo-python" in result.stdout, "nautilus" in result.stdout) == (0, True, False)
    assert written(home) == EXTENSIONS["nemo"] | ICONS


def test_a_machine_without_one(home: Path, programs: Path) -> None:
    result = run("enable")
    assert (result.exit_code, "none of the file managers" in result.stderr) == (1, True)
    assert run("enable", "dolphin").exit_code == 2


def test_it_is_taken_back(home: Path, programs: Path) -> None:
    assert run("enable", "nautilus", "caja").exit_code == 0
    assert written(home) == EXTENSIONS["nautilus"] | EXTENSIONS["caja"] | ICONS
    assert run("disable", "nautilus").exit_code == 0
    assert written(home) == EXTENSIONS["caja"] | ICONS
    assert run("disable").exit_code == 0
    assert written(home) == set()


@pytest.mark.parametrize(("name", "module"), [("nautilus", "Nautilus"), ("nemo", "Nemo"), ("caja", "Caja")])
def test_what_is_installed_needs_nothing_of_mountcloud(home: Path, programs: Path, name: str, module: str) -> None:
    """It runs under the system's Python, which knows neither mountcloud nor its libraries."""
    run("enable", name)
    imported: set[str] = set()
    for each in (home / f".local/share/{name}-python/extensions").iterdir():
        for node in ast.walk(ast.parse(each.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            if isinstance(node, ast.ImportFrom):
                imported |= {f"{node.module}:{alias.name}" for alias in node.names}
    assert f"gi.repository:{module}" in imported
    assert "mountcloud_files" in imported
    assert not {each for each in imported if each.startswith("mountcloud.")}
    others = {"gi.repository:Nautilus", "gi.repository:Nemo", "gi.repository:Caja"} - {f"gi.repository:{module}"}
    assert not imported & others


def test_a_directory_that_cannot_be_written_is_told(home: Path, programs: Path) -> None:
    (home / ".local").write_text("a file")
    result = run("enable", "nemo")
    assert (result.exit_code, "cannot be written" in result.stderr) == (1, True)
