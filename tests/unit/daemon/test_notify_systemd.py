import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from mountcloud.daemon.notify_systemd import Notifier


@pytest.fixture(params=["path", "abstract"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    address = str(tmp_path / "notify") if request.param == "path" else f"@mountcloud-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.settimeout(60)
        receiver.bind(address.replace("@", "\0", 1) if address.startswith("@") else address)
        yield address, receiver


def test_states_reach_systemd(systemd: tuple[str, socket.socket]) -> None:
    address, receiver = systemd
    notifier = Notifier.from_environment({"NOTIFY_SOCKET": address})
    notifier.ready("mounted at /x")
    notifier.status("3 uploads\nleft")
    notifier.watchdog()
    notifier.extend_timeout(1.5)
    notifier.stopping()
    assert [receiver.recv(1000) for _ in range(5)] == [
        b"READY=1\nSTATUS=mounted at /x",
        b"STATUS=3 uploads left",
        b"WATCHDOG=1",
        b"EXTEND_TIMEOUT_USEC=1500000",
        b"STOPPING=1",
    ]


def test_without_systemd_nothing_happens() -> None:
    Notifier.from_environment({}).ready()


def test_a_vanished_systemd_does_not_stop_the_mount(tmp_path: Path) -> None:
    Notifier(str(tmp_path / "gone")).ready()


def test_a_systemd_that_does_not_read_does_not_stop_the_mount(systemd: tuple[str, socket.socket]) -> None:
    notifier = Notifier(systemd[0])
    for _ in range(1000):
        notifier.watchdog()


@pytest.mark.parametrize(
    ("environment", "interval_s"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "often"}, None),
        ({}, None),
    ],
)
def test_watchdog_interval(environment: dict[str, str], interval_s: float | None) -> None:
    assert Notifier.from_environment(environment).watchdog_interval_s == interval_s


def test_nobody_listens_without_an_address() -> None:
    assert Notifier("@x").listens
    assert not Notifier.from_environment({}).listens
