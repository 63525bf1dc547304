"""Notifications and the lock on shutting down, on a private bus with a stand-in for desktop and logind."""

import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import trio
from jeepney import HeaderFields, MessageType, message_bus, new_error, new_method_return
from jeepney.io.trio import open_dbus_connection

from mountcloud.daemon import desktop
from mountcloud.daemon.desktop import Desktop
from mountcloud.daemon.settings import DesktopSettings
from mountcloud.model.notice import Notice, NoticeKind

CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><listen>unix:path={path}</listen><auth>EXTERNAL</auth>
<policy context="default">
<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
</policy></busconfig>
"""


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a bus of our own, which is both session's and system's."""
    if shutil.which("dbus-daemon") is None:
        required = "MOUNTCLOUD_REQUIRE_ALL" in os.environ
        pytest.fail("dbus-daemon is missing") if required else pytest.skip(
            "dbus-daemon is missing; ./run setup installs it"
        )
    (tmp_path / "bus.conf").write_text(CONFIG.format(path=tmp_path / "bus"))
    command = ["dbus-daemon", f"--config-file={tmp_path}/bus.conf", "--nofork", "--print-address=1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout
        address = process.stdout.readline().strip().partition(",")[0]
        for name in ("DBUS_SESSION_BUS_ADDRESS", "DBUS_SYSTEM_BUS_ADDRESS"):
            monkeypatch.setenv(name, address)
        yield address
        process.terminate()


@dataclass
class Listeners:
    """What desktop and logind were asked; ``locks`` are our ends of the pipes that they gave away."""

    shown: list[tuple[str, str]] = field(default_factory=list)
    inhibited: list[tuple[str, ...]] = field(default_factory=list)
    locks: list[int] = field(default_factory=list)
    refuse: bool = False
    news: trio.Event = field(default_factory=trio.Event)

    def is_held(self) -> bool:
        """True while the other end of the last pipe is open."""
        os.set_blocking(self.locks[-1], False)
        try:
            return os.read(self.locks[-1], 1) != b""
        except BlockingIOError:
            return True

    async def answer(self, connection: Any) -> None:
        while True:
            call = await connection.receive()
            if call.header.message_type is not MessageType.method_call:
                continue
            if self.refuse:
                await connection.send(new_error(call, "org.example.No", "s", ("not now",)))
            elif call.header.fields[HeaderFields.member] == "Notify":
                self.shown.append((call.body[3], call.body[4]))
                await connection.send(new_method_return(call, "u", (1,)))
            else:
                self.inhibited.append(call.body)
                ours, theirs = os.pipe()
                self.locks.append(ours)
                await connection.send(new_method_return(call, "h", (theirs,)))
                os.close(theirs)
            self.news.set()

    async def wait(self) -> None:
        with trio.fail_after(100):
            await self.news.wait()
        self.news = trio.Event()


@asynccontextmanager
async def listening() -> AsyncIterator[Listeners]:
    found = Listeners()
    async with await open_dbus_connection("SESSION", enable_fds=True) as connection:
        for name in ("org.freedesktop.Notifications", "org.freedesktop.login1"):
            await connection.send(message_bus.RequestName(name))
            await connection.receive()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(found.answer, connection)
            yield found
            nursery.cancel_scope.cancel()
    for lock in found.locks:
        os.close(lock)


def on_bus(test: Callable[[Desktop, Listeners, dict[str, bool]], Awaitable[None]], settings: DesktopSettings) -> None:
    async def main() -> None:
        owed = {"owed": False}
        there = Desktop("work", settings, lambda: owed["owed"])
        async with listening() as listeners, trio.open_nursery() as nursery:
            nursery.start_soon(there.run)
            await test(there, listeners, owed)
            nursery.cancel_scope.cancel()

    trio.run(main)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desktop, "_GATHERING_S", 0.05)
    monkeypatch.setattr(desktop, "_LOOK_EVERY_S", 0.05)
    monkeypatch.setattr(desktop, "_TRY_AGAIN_S", 0.05)


def test_a_notice_is_shown_and_many_are_one(bus: str) -> None:
    async def test(there: Desktop, listeners: Listeners, owed: dict[str, bool]) -> None:
        there.told(Notice(NoticeKind.CONFLICT, "a <b> & c"))
        await listeners.wait()
        for number in range(5):
            there.told(Notice(NoticeKind.QUOTA, f"file {number}"))
        await listeners.wait()
        assert listeners.shown == [
            ("work: Two versions are kept", "a &lt;b&gt; &amp; c"),
            ("work: No room on the service", "file 0\nand 4 more: mountcloud status"),
        ]

    on_bus(test, DesktopSettings())


def test_each_kind_can_be_switched_off(bus: str) -> None:
    async def test(there: Desktop, listeners: Listeners, owed: dict[str, bool]) -> None:
        for kind in NoticeKind:
            there.told(Notice(kind, kind.value))
        await listeners.wait()
        assert [body for _, body in listeners.shown] == ["guard"]

    on_bus(test, DesktopSettings(notify=("guard",)))


async def taken(there: Desktop) -> None:
    with trio.fail_after(100):
        while there._lock is None:
            await trio.sleep(0.01)


def test_a_lock_is_held_exactly_while_something_is_owed(bus: str) -> None:
    async def test(there: Desktop, listeners: Listeners, owed: dict[str, bool]) -> None:
        owed["owed"] = True
        await listeners.wait()
        assert listeners.inhibited == [
            ("shutdown", "mountcloud", "work has changes that are on this machine only", "block")
        ]
        await taken(there)
        with trio.fail_after(100):
            assert listeners.is_held()
            owed["owed"] = False
            while listeners.is_held():
                await trio.sleep(0.01)
        owed["owed"] = True
        await taken(there)
        assert len(listeners.inhibited) == 2

    on_bus(test, DesktopSettings(inhibit_shutdown="block"))


def test_a_refusal_is_no_trouble_and_is_tried_again(bus: str) -> None:
    async def test(there: Desktop, listeners: Listeners, owed: dict[str, bool]) -> None:
        listeners.refuse, owed["owed"] = True, True
        there.told(Notice(NoticeKind.LOGIN, "unheard"))
        await listeners.wait()
        await listeners.wait()
        listeners.refuse = False
        await taken(there)

    on_bus(test, DesktopSettings())


def test_without_a_bus_nothing_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/none")
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)

    async def main() -> None:
        there = Desktop("work", DesktopSettings(), lambda: True)
        there.told(Notice(NoticeKind.LOGIN, "unheard"))
        with trio.move_on_after(0.5):
            await there.run()

    trio.run(main)
