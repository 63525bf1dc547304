"""Logging to stderr, in the form that the reader of stderr understands, with secrets struck out.

Striking out is the second line of defence: nothing should log a secret in the first place.
"""

import logging
import os
import re
import sys
from collections.abc import Mapping
from typing import TextIO

from mountcloud.policy.printable import printable

STRUCK_OUT = "[redacted]"

_KEY = (
    r"[\w-]*(?:password|passwd|secret|token|authorization|signature|credential|cookie|api[_-]?key|private_?key"
    r"|file_?key)[\w-]*"
)
_VALUE = (
    r"(?:\\[\"'].*?\\[\"']"  # quoted inside a quoted text
    r'|b?"(?:[^"\\]|\\.)*"'
    r"|b?'(?:[^'\\]|\\.)*'"
    r"|(?:(?:bearer|basic)\s+)?[^\s&,;)}\]'\"]+)"
)
_PATTERNS = (
    re.compile(rf"({_KEY}\\*[\"']?\]?\s*[:=]\s*){_VALUE}", re.IGNORECASE),
    re.compile(r"(\b(?:bearer|basic)\s+)(?!\[)[\w.~+/=-]{6,}", re.IGNORECASE),
    re.compile(r"(://[^/\s:@]+:)[^/\s@]+(?=@)"),
    # Whoever has the last part of these addresses may fetch or replace the bytes (DRACOON facts, sections 11 and 12).
    re.compile(r"(/(?:downloads|uploads)/(?:zip/)?)[\w.~-]{16,}"),
    re.compile(r"(-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(?:(?=-----END)|\Z)", re.DOTALL),
)
_PRIORITIES = ((logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (logging.NOTSET, 7))
"""sd-daemon(3): the number in angle brackets with which a line says how urgent it is."""


def set_up(*, verbose: bool, stream: TextIO | None = None, environment: Mapping[str, str] = os.environ) -> None:
    """Send the log of the whole process to ``stream`` (stderr), from INFO on, or from DEBUG on with ``verbose``."""
    stream = stream or sys.stderr
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JournalFormatter() if _is_journal(stream, environment) else TerminalFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.DEBUG if verbose else logging.INFO)
    logging.getLogger("pyfuse3").addFilter(_somebody_waited)


def _somebody_waited(record: logging.LogRecord) -> bool:
    """False for an answer that nobody wanted any more, since the program was killed or had closed the file."""
    return "fuse_reply_* failed with No such file or directory" not in record.getMessage()


def redacted(text: str) -> str:
    """The text without what looks like a secret."""
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\g<1>{STRUCK_OUT}", text)
    return text


class _Formatter(logging.Formatter):
    """Redacts the whole, so that tracebacks and arguments are covered too. No name in it begins a line of its own."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        """One line."""
        return printable(super().formatMessage(record), keep="\t")

    def format(self, record: logging.LogRecord) -> str:
        """The redacted lines."""
        return printable(redacted(super().format(record)), keep="\t\n")


class TerminalFormatter(_Formatter):
    """Time, level and text, for people."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%H:%M:%S")


class JournalFormatter(_Formatter):
    """The journal knows time and unit; each line begins with its priority (sd-daemon(3))."""

    def __init__(self) -> None:
        super().__init__("%(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """The redacted lines, each with its priority."""
        priority = next(number for level, number in _PRIORITIES if record.levelno >= level)
        return "\n".join(f"<{priority}>{line}" for line in super().format(record).splitlines())


def _is_journal(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """systemd.exec(5): JOURNAL_STREAM holds device and inode of the stream that leads to the journal."""
    try:
        status = os.fstat(stream.fileno())
    except OSError:
        return False
    return environment.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"
