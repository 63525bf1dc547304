"""What the manual page and TROUBLESHOOTING say is what the program does."""

import ast
import errno
import inspect
import itertools
import re
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from mountcloud.cli import manual, outcome
from mountcloud.cli.main import main
from mountcloud.daemon import control, desktop, paths, settings
from mountcloud.fuse.errno import ERRNO
from mountcloud.model import errors
from mountcloud.model.notice import NoticeKind

ROOT = Path(__file__).parents[3]
MANUAL = ROOT / "docs/mountcloud.1"
TROUBLE = (ROOT / "docs/TROUBLESHOOTING.md").read_text(encoding="utf-8")
ROWS = [row for row in TROUBLE.splitlines() if row.startswith("| `E")]


def test_the_manual_page_is_that_of_these_commands() -> None:
    again = "python -m mountcloud.cli.manual >docs/mountcloud.1"
    assert MANUAL.read_text(encoding="utf-8") == manual.page(), again


@pytest.mark.skipif(shutil.which("man") is None, reason="no man on this machine")
def test_man_shows_the_page_without_a_complaint() -> None:
    command = ["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", str(MANUAL)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("kind", ERRNO, ids=lambda kind: kind.__name__)
def test_every_failure_is_explained_beside_its_number(kind: type[errors.Failure]) -> None:
    numbers = [{getattr(errno, name) for name in re.findall(r"`(E\w+)`", row.split("|")[1])} for row in ROWS]
    rows = [row for row, found in zip(ROWS, numbers, strict=True) if ERRNO[kind] in found]
    assert len(rows) == 1
    assert f"`{kind.__name__}`" in rows[0]


def messages() -> list[str]:
    """The quoted messages, each a line of its own before its explanation."""
    lines = TROUBLE.partition("## Messages of commands")[2].splitlines()
    quoted = [line for line, following in itertools.pairwise(lines) if following.startswith(": ")]
    return [message for line in quoted for message in re.findall(r"`(.+?)`", line)]


def source() -> str:
    """All code, with the texts that are written in several parts made whole, and placeholders as in the document."""
    files = [*(ROOT / "mountcloud").rglob("*.py")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files if "sandbox" not in path.parts)
    whole = re.sub(r'["\']\s*\n\s*f?["\']', "", text)
    return re.sub(r"\{[^{}\n]*\}", "...", whole)


def test_every_explained_message_is_one_of_the_programs() -> None:
    code = source()
    parts = {message: [part.strip(" .,:") for part in message.split("...")] for message in messages()}
    assert len(parts) > 40
    unknown = [message for message, pieces in parts.items() if not all(piece in code for piece in pieces)]
    assert unknown == []


SAYS_ITSELF = re.compile(r"mountcloud [a-z]|; |--[a-z]|KEY=VALUE|journalctl|pip install")
"""A message that names what helps needs no second explanation."""


def complaint(call: ast.Call) -> str:
    """The message of a failure that is made here without a hint, with placeholders as in the document."""
    made = call.func.id if isinstance(call.func, ast.Name) else ""
    place = {"Finding": 1, **dict.fromkeys(FAILURES, 0)}.get(made)
    if place is None or len(call.args) <= place or any(each.arg == "hint" for each in call.keywords):
        return ""
    if made == "Finding" and (ast.unparse(call.args[0]) == "'ok'" or len(call.args) > 2):
        return ""
    parts = call.args[place].values if isinstance(call.args[place], ast.JoinedStr) else [call.args[place]]  # type: ignore[attr-defined]
    return "".join(str(each.value) if isinstance(each, ast.Constant) else "..." for each in parts)


def unexplained(code: str, explained: list[list[str]]) -> list[str]:
    found = [complaint(each) for each in ast.walk(ast.parse(code)) if isinstance(each, ast.Call)]
    wanting = [each for each in found if each.strip(" .:") and not SAYS_ITSELF.search(each)]
    return [each for each in wanting if not any(all(piece in each for piece in pieces) for pieces in explained)]


FAILURES = {
    name
    for module in (errors, outcome, settings, paths, control)
    for name, kind in inspect.getmembers(module, inspect.isclass)
    if issubclass(kind, Exception) and kind.__module__.startswith("mountcloud")
}


def test_every_message_of_commands_is_explained_or_says_what_helps() -> None:
    pieces = [[piece for each in message.split("...") if (piece := each.strip(" .,:"))] for message in messages()]
    files = [path for room in ("cli", "daemon") for path in (ROOT / "mountcloud" / room).glob("*.py")]
    wanting = {path.name: unexplained(path.read_text(encoding="utf-8"), pieces) for path in files}
    assert {name: found for name, found in wanting.items() if found} == {}


def test_a_message_without_a_word_of_help_would_be_found() -> None:
    code = 'raise CommandFailed(f"{x} is odd")\nraise Busy("no", hint="yes")\nraise NotFound("no; do this")\nf("other")'
    assert unexplained(code, []) == ["... is odd"]
    assert unexplained(code, [["is odd"]]) == []


@pytest.mark.parametrize("kind", NoticeKind)
def test_every_notification_is_explained(kind: NoticeKind) -> None:
    assert desktop._TITLES[kind] in messages()


def test_every_exit_code_is_documented_twice() -> None:
    table = (ROOT / "docs/CONFIGURATION.md").read_text(encoding="utf-8").partition("## Exit codes")[2]
    documented = set(re.findall(r"^\| (\d+) \|", table, re.MULTILINE))
    assert documented == {code for code, _ in manual._EXIT_CODES}
    classes = [
        each for _, each in inspect.getmembers(outcome, inspect.isclass) if issubclass(each, outcome.CommandFailed)
    ]
    assert {str(each.exit_code) for each in classes} <= documented


def test_no_help_shows_marks_that_are_for_click() -> None:
    for command, context in manual._commands(main, click.Context(main, info_name="mountcloud")):
        assert "\\b" not in command.get_help(context), context.command_path
    assert "mountcloud mount work ~/Work\n" in main.get_help(click.Context(main))
