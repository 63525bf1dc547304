"""A stand-in for file managers and for GObject's Python: it loads the installed extension and asks as they ask.

It runs in a ``Caller``'s process, which a mount that hangs may take with it. Conversations with the daemon are real,
but end before they return.
"""

import importlib
import os
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from mountcloud.daemon.control import call

shown: list[tuple[str, list[str], list[Callable[[], None]]]] = []
"""Windows: title, lines, and what their buttons do."""
copied: list[str] = []
later: list[Callable[[], bool]] = []
_loaded: list[Any] = []


@dataclass
class File:
    """``FileInfo``."""

    path: str
    emblems: list[str] = field(default_factory=list)
    asked_again: int = 0

    def get_uri_scheme(self) -> str:
        return "file" if self.path.startswith("/") else "trash"

    def get_location(self) -> Any:
        return SimpleNamespace(get_path=lambda: self.path)

    def add_emblem(self, name: str) -> None:
        self.emblems.append(name)

    def is_gone(self) -> bool:
        return False

    def invalidate_extension_info(self) -> None:
        self.asked_again += 1


class _Entry:
    def __init__(self, name: str, label: str, tip: str) -> None:
        self.label, self.inside = label, Menu()
        self.act: Callable[[object], None] = lambda _: None

    def set_submenu(self, menu: "Menu") -> None:
        self.inside = menu

    def connect(self, _: str, act: Callable[[object], None]) -> None:
        self.act = act


class Menu:
    def __init__(self) -> None:
        self.entries: list[_Entry] = []

    def append_item(self, entry: _Entry) -> None:
        self.entries.append(entry)


class _Client:
    """``Gio.SocketClient`` and its connection."""

    def __init__(self, timeout: int) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(timeout)

    def connect_async(self, address: str, _: None, connected: Callable[..., None]) -> None:
        self._refused: OSError | None = None
        try:
            self._socket.connect(address)
        except OSError as error:
            self._refused = error
        connected(self, None)

    def connect_finish(self, _: None) -> "_Client":
        if self._refused:
            raise _GError from self._refused
        return self

    def get_output_stream(self) -> "_Client":
        return self

    def get_input_stream(self) -> socket.socket:
        return self._socket

    def write_all(self, line: bytes, _: None) -> None:
        self._socket.sendall(line)

    def close(self, _: None) -> None:
        self._socket.close()


class _Lines:
    def __init__(self, base_stream: socket.socket) -> None:
        self._file = base_stream.makefile("rb")

    def read_line_async(self, _: int, __: None, read: Callable[..., None], *arguments: object) -> None:
        read(self, None, *arguments)

    def read_line_finish(self, _: None) -> tuple[bytes, int]:
        line = self._file.readline().removesuffix(b"\n")
        return line, len(line)


class _GError(Exception):
    pass


class _Window:
    def __init__(self, title: str, default_width: int) -> None:
        shown.append((title, [], []))

    def set_child(self, child: object) -> None: ...

    def present(self) -> None: ...

    def close(self) -> None: ...


class _Grid:
    def __init__(self, **_: int) -> None: ...

    def attach(self, child: Any, *_: int) -> None:
        if isinstance(child, _Button):
            shown[-1][2].append(lambda: child.act(None))
        else:
            shown[-1][1].append(child.label)


class _Button:
    def __init__(self, label: str) -> None:
        self.act: Callable[[object], None] = lambda _: None

    def connect(self, _: str, act: Callable[[object], None]) -> None:
        self.act = act


def _display() -> Any:
    clipboard = SimpleNamespace(set=copied.append)
    return SimpleNamespace(get_clipboard=lambda: clipboard)


def _label(label: str, **_: object) -> Any:
    return SimpleNamespace(label=label)


def load(directory: Path, environment: dict[str, str]) -> list[str]:
    """As nautilus-python does; tells which classes it found."""
    bases = {name: type(name, (), {}) for name in ("InfoProvider", "MenuProvider")}
    nautilus = SimpleNamespace(**bases, FileInfo=File, Menu=Menu, MenuItem=_Entry, _version="4.0")
    unix = SimpleNamespace(new=lambda address: address)
    gio = SimpleNamespace(
        SocketClient=_Client,
        UnixSocketAddress=unix,
        DataInputStream=_Lines,
        AsyncResult=object,
        SocketConnection=object,
    )
    glib = SimpleNamespace(
        Error=_GError, PRIORITY_DEFAULT=0, timeout_add_seconds=lambda _, look: later.append(look), SOURCE_REMOVE=False
    )
    gtk = SimpleNamespace(Window=_Window, Grid=_Grid, Label=_label, Button=_Button)
    gdk = SimpleNamespace(Display=SimpleNamespace(get_default=_display))
    repository = ModuleType("gi.repository")
    repository.__dict__.update(
        Nautilus=nautilus,
        Gio=gio,
        GLib=glib,
        Gtk=gtk,
        Gdk=gdk,
        GObject=SimpleNamespace(GObject=type("GObject", (), {})),
    )
    gi = ModuleType("gi")
    gi.__dict__.update(repository=repository, require_version=lambda name, version: None)
    sys.modules |= {"gi": gi, "gi.repository": repository}
    os.environ.update(environment)
    sys.path.insert(0, str(directory))
    found = [importlib.import_module(each.stem) for each in sorted(directory.glob("*.py"))]
    classes = [
        each
        for module in found
        for each in vars(module).values()
        if isinstance(each, type) and each.__module__ in {module.__name__} and issubclass(each, bases["InfoProvider"])
    ]
    _loaded.extend(each() for each in classes)
    return [each.__name__ for each in classes]


def emblems(path: Path) -> list[str]:
    """What is drawn on it."""
    file = File(str(path))
    _loaded[0].update_file_info(file)
    return file.emblems


def labels(*paths: Path) -> list[str]:
    """What the menu offers for these."""
    return [entry.label for entry in _entries([File(str(path)) for path in paths])]


def choose(label: str, *paths: Path) -> tuple[list[tuple[str, list[str], int]], list[str], int]:
    """Choose it from the menu: the windows that open, what was copied, and how many files are looked at again."""
    shown.clear()
    copied.clear()
    files = [File(str(path)) for path in paths]
    (entry,) = [each for each in _entries(files) if each.label == label]
    entry.act(None)
    windows = [(title, lines, len(buttons)) for title, lines, buttons in shown]
    return windows, list(copied), sum(file.asked_again for file in files)


def look_again(path: Path, daemon: Path) -> tuple[int, int]:
    """How often a paused file is asked for before and after it was sent, as the manager's clock goes on."""
    file = File(str(path))
    _loaded[0].update_file_info(file)
    look = later[-1]
    look()
    before = file.asked_again
    call(daemon, "queue", action="resume")
    call(daemon, "sync")
    look()
    return before, file.asked_again


def press(number: int) -> list[str]:
    """The button of that number in the last window; the titles of windows that open then."""
    act = shown[-1][2][number]
    before = len(shown)
    act()
    return [title for title, _, _ in shown[before:]]


def _entries(files: Sequence[File]) -> list[_Entry]:
    found = _loaded[0].get_file_items(files)
    return found[0].inside.entries if found else []
