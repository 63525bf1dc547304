"""The extension itself: Nautilus, Nemo and Caja load it, ask it for emblems and a menu, and show what it finds.

All of them have the same interface (nautilus-python, nemo-python, python-caja). What is decided and done is in
``files.py``; here are only GObject's words for it. ``mountcloud filemanager enable`` copies both, and writes the
manager's name in.
"""

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import ModuleType

import gi
from gi.repository import Gio, GLib, GObject, Nautilus

from mountcloud.filemanager import files

Act = Callable[[], None]

_LOOK_AGAIN_S = 2
_PATIENCE_S = 120
"""For services that take long; pinning a large directory lists all of it first."""
_LOOKS = 300
"""After so many looks nobody waits for a change any more, unless the state is one that passes by itself."""
_WATCHED = 500
_WIDTH = 520


class MountcloudExtension(GObject.GObject, Nautilus.InfoProvider, Nautilus.MenuProvider):  # type: ignore[misc]
    """Emblems for what is shown, and entries for what is selected (gi has no types, hence no known bases)."""

    def __init__(self) -> None:
        super().__init__()
        self._mounts = files.Mounts(os.environ)
        self._watched: dict[str, tuple[Nautilus.FileInfo, str, int]] = {}
        self._looking = False

    def update_file_info(self, file: Nautilus.FileInfo) -> None:
        """The manager shows this file and asks what we know of it."""
        path = _path(file)
        state = self._mounts.state(path) if path else ""
        if state in files.EMBLEMS:
            file.add_emblem(files.EMBLEMS[state])
        if state in files.PASSING:
            self._watch(path, file, state)

    def get_file_items(self, *arguments: Sequence[Nautilus.FileInfo]) -> list[Nautilus.MenuItem]:
        """The menu for the selected files, which are the last argument (the first may be a window)."""
        return self._menu(arguments[-1])

    def get_background_items(self, *arguments: Nautilus.FileInfo) -> list[Nautilus.MenuItem]:
        """The menu of the directory that is shown."""
        return self._menu([arguments[-1]])

    def _menu(self, selected: Sequence[Nautilus.FileInfo]) -> list[Nautilus.MenuItem]:
        items = [self._mounts.item(_path(file)) for file in selected]
        known = [item for item in items if item is not None]
        deeds = files.menu(known) if len(known) == len(items) else []
        if not deeds:
            return []
        top = Nautilus.MenuItem(name="Mountcloud::menu", label="Mountcloud", tip="What is kept where, and links")
        inside = Nautilus.Menu()
        top.set_submenu(inside)
        for deed in deeds:
            entry = Nautilus.MenuItem(name=f"Mountcloud::{deed.name}", label=deed.label, tip=deed.tip)
            entry.connect("activate", _activated(partial(self._start, deed, selected)))
            inside.append_item(entry)
        return [top]

    def _start(self, deed: files.Deed, selected: Sequence[Nautilus.FileInfo]) -> None:
        """One item after the other, and by the manager's own loop: it lets no thread of Python run."""
        waiting = list(deed.items)

        def go_on(result: files.Result) -> None:
            if waiting:
                self._ask(deed, waiting.pop(0), go_on, partial(_show, deed.label))
            else:
                self._done(deed, selected, result)

        go_on(None)

    def _ask(
        self,
        deed: files.Deed,
        item: files.Item,
        then: Callable[[files.Result], None],
        failed: Callable[[Sequence[str]], None],
    ) -> None:
        def answered(line: bytes) -> None:
            try:
                result = deed.result(item, line)
            except files.Failed as failure:
                failed([str(failure)])
            else:
                then(result)

        _converse(item.mount.socket, deed.line(item), answered)

    def _done(self, deed: files.Deed, selected: Sequence[Nautilus.FileInfo], result: files.Result) -> None:
        for file in selected:
            file.invalidate_extension_info()
            self._watch(_path(file), file, self._mounts.state(_path(file)))  # pinning takes until all of it is here
        match result:
            case files.Link():
                _copy(result.url)
                password = f"Its password, for another way than the link's: {result.password}"
                _show("The link is copied", [result.url, password] if result.password else [result.url])
            case list() as contents:
                self._offer(deed, selected, contents)

    def _offer(self, deed: files.Deed, selected: Sequence[Nautilus.FileInfo], contents: list[files.Content]) -> None:
        """Each older content with a button that brings it back."""
        lines = [f"{each.label} (present)" if each.present else each.label for each in contents]
        acts = [
            None if each.present else partial(self._start, files.restoring(deed.items[0], each), selected)
            for each in contents
        ]
        _show(deed.label, lines, "Restore", acts)

    def _watch(self, path: str, file: Nautilus.FileInfo, state: str) -> None:
        """Nobody tells a file manager of what a daemon does, so what is about to change is looked at again."""
        if not self._looking:
            self._looking = True
            GLib.timeout_add_seconds(_LOOK_AGAIN_S, self._look_again)
        if len(self._watched) < _WATCHED:
            self._watched[path] = (file, state, _LOOKS)

    def _look_again(self) -> bool:
        watched, self._watched = self._watched, {}
        for path, (file, state, left) in watched.items():
            if file.is_gone() or self._mounts.state(path) != state:
                file.invalidate_extension_info()
            elif left > 1 or state in files.PASSING:
                self._watched[path] = (file, state, left - 1)
        self._looking = bool(self._watched)
        return self._looking


def _activated(act: Act) -> Callable[[GObject.GObject], None]:
    return lambda _: act()


def _path(file: Nautilus.FileInfo) -> str:
    """Empty for what is on no disk, such as the trash."""
    return (file.get_location().get_path() or "") if file.get_uri_scheme() == "file" else ""


def _toolkit() -> tuple[ModuleType, ModuleType]:
    """Gtk and Gdk as the manager itself uses them: Nautilus since its interface 4.0 uses GTK 4, the others GTK 3."""
    version = "4.0" if Nautilus._version >= "4" else "3.0"
    gi.require_version("Gtk", version)
    gi.require_version("Gdk", version)
    from gi.repository import Gdk, Gtk

    return Gtk, Gdk


def _converse(path: Path, line: bytes, answered: Callable[[bytes], None]) -> None:
    """Send a line, and hand on the line that comes back; an empty one if none does. Returns at once."""
    client = Gio.SocketClient(timeout=_PATIENCE_S)
    try:
        directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        answered(b"")
        return
    # However long the path is, this fits into the 108 bytes of sun_path (unix(7)).
    address = Gio.UnixSocketAddress.new(f"/proc/self/fd/{directory}/{path.name}")

    def connected(_: Gio.SocketClient, task: Gio.AsyncResult) -> None:
        os.close(directory)
        try:
            connection = client.connect_finish(task)
            connection.get_output_stream().write_all(line, None)
        except GLib.Error:
            answered(b"")
            return
        lines = Gio.DataInputStream(base_stream=connection.get_input_stream())
        lines.read_line_async(GLib.PRIORITY_DEFAULT, None, read, connection)

    def read(lines: Gio.DataInputStream, task: Gio.AsyncResult, connection: Gio.SocketConnection) -> None:
        try:
            found, _ = lines.read_line_finish(task)
        except GLib.Error:
            found = None
        connection.close(None)
        answered(bytes(found or b""))

    client.connect_async(address, None, connected)


def _copy(text: str) -> None:
    try:
        gtk, gdk = _toolkit()
    except (ValueError, ImportError):
        return  # it is shown
    display = gdk.Display.get_default()
    if hasattr(display, "get_clipboard"):
        display.get_clipboard().set(text)
    else:
        gtk.Clipboard.get_default(display).set_text(text, -1)


def _show(title: str, lines: Sequence[str], word: str = "", acts: Sequence[Act | None] = ()) -> None:
    """A window with lines that can be selected, and perhaps a button beside each, which closes it.

    Where GTK cannot be used from Python (Debian's gir1.2-gtk-4.0 is missing), a notification with the lines.
    """
    try:
        gtk, _ = _toolkit()
    except (ValueError, ImportError):
        _notify(title, "\n".join(lines))
        return
    window = gtk.Window(title=title, default_width=_WIDTH)
    table = gtk.Grid(row_spacing=12, column_spacing=24, margin_top=18, margin_bottom=18, margin_start=18, margin_end=18)
    for row, line in enumerate(lines):
        table.attach(gtk.Label(label=line, selectable=True, wrap=True, xalign=0, hexpand=True), 0, row, 1, 1)
        act = acts[row] if row < len(acts) else None
        if act is not None:
            button = gtk.Button(label=word)
            button.connect("clicked", _closing(window, act))
            table.attach(button, 1, row, 1, 1)
    if hasattr(window, "set_child"):
        window.set_child(table)
    else:  # GTK 3
        window.add(table)
        window.show_all()
    window.present()


def _notify(title: str, text: str) -> None:
    """Desktop Notifications Specification 1.2."""
    bus = Gio.bus_get_sync(Gio.BusType.SESSION)
    arguments: tuple[object, ...] = ("mountcloud", 0, "folder-remote", title, GLib.markup_escape_text(text), [], {}, -1)
    bus.call(
        *("org.freedesktop.Notifications", "/org/freedesktop/Notifications", "org.freedesktop.Notifications", "Notify"),
        GLib.Variant("(susssasa{sv}i)", arguments),
        *(None, Gio.DBusCallFlags.NONE, -1),
    )


def _closing(window: GObject.GObject, act: Act) -> Callable[[GObject.GObject], None]:
    def clicked(_: GObject.GObject) -> None:
        window.close()
        act()

    return clicked
