"""The manual page, made of the commands themselves: ``python -m mountcloud.cli.manual >docs/mountcloud.1``."""

import inspect
import re
import sys
from collections.abc import Iterator

import click

from mountcloud.cli.main import main

_EXIT_CODES = (
    ("0", "done; or ended by Ctrl-C or SIGTERM"),
    ("1", "failed, for the reason shown"),
    ("2", "wrong usage of the command line"),
    ("3", "no daemon runs for this account"),
    ("69", "the service gave no usable answer; later it may"),
    ("75", "not now, for example because another daemon serves the account"),
    ("77", "the service refused the credentials or the action"),
    ("78", "settings or arguments are wrong"),
)
_FILES = (
    ("~/.config/mountcloud/config.toml", "the settings"),
    ("~/.local/state/mountcloud/NAME", "what the service does not have yet, and secrets: precious"),
    ("~/.cache/mountcloud/NAME", "the index and cached content; may be deleted while not mounted"),
    ("$XDG_RUNTIME_DIR/mountcloud/NAME/control.sock", "where the daemon takes commands"),
)


def page() -> str:
    """The page in the language of man(7)."""
    context = click.Context(main, info_name="mountcloud")
    lines = ['.TH MOUNTCLOUD 1 "" "mountcloud" "User Commands"', ".SH NAME"]
    lines += [_roff("mountcloud - any cloud account as an ordinary directory"), ".SH SYNOPSIS"]
    lines += [".B mountcloud", _roff("[OPTIONS] COMMAND [ARGUMENTS]"), ".SH DESCRIPTION", *_words(main)]
    lines += [".SH OPTIONS", *_options(main, context), ".SH COMMANDS"]
    for command, inner in _commands(main, context):
        lines += _section(command, inner)
    lines += [".SH EXIT STATUS", *(line for code, words in _EXIT_CODES for line in (".TP", f".B {code}", _roff(words)))]
    lines += [".SH FILES", *(line for path, words in _FILES for line in (".TP", f".I {_roff(path)}", _roff(words)))]
    lines += [".SH SEE ALSO", ".BR fusermount3 (1),", ".BR systemctl (1),", ".BR getfattr (1)"]
    return "\n".join(lines) + "\n"


def _commands(group: click.Group, context: click.Context) -> Iterator[tuple[click.Command, click.Context]]:
    """All commands in the order of their names, those of groups after the group."""
    for name in sorted(group.commands):
        command = group.commands[name]
        inner = click.Context(command, info_name=name, parent=context)
        yield command, inner
        if isinstance(command, click.Group):
            yield from _commands(command, inner)


def _section(command: click.Command, context: click.Context) -> list[str]:
    usage = " ".join(command.collect_usage_pieces(context))
    return [f".SS {_roff(f'{context.command_path} {usage}')}", *_words(command), *_options(command, context)]


def _words(command: click.Command) -> list[str]:
    """Paragraphs; one that click is told not to wrap is shown as it is."""
    lines: list[str] = []
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        if paragraph.startswith("\b"):
            lines += [".PP", ".nf", *map(_roff, paragraph.split("\n")[1:]), ".fi"]
        else:
            lines += [".PP", _roff(re.sub(r"\s+", " ", paragraph))]
    return lines


def _options(command: click.Command, context: click.Context) -> list[str]:
    records = [parameter.get_help_record(context) for parameter in command.get_params(context)]
    told = [record for record in records if record and record[1] and not record[0].endswith("--help")]
    return [line for words, meaning in told for line in (".TP", f".B {_roff(words)}", _roff(meaning))]


def _roff(text: str) -> str:
    """Backslashes and hyphens mean themselves, and no line is a request."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


if __name__ == "__main__":
    sys.stdout.write(page())
