"""The instruments: a log that is counted, a line that is long, a process that is weighed."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench.rig.command import has_word, rounds
from bench.rig.meter import Meter
from bench.rig.server import Traffic, free_port, parse_log
from bench.rig.table import MIB
from bench.writing import sizes

RTT_S = 0.2
DATA = os.urandom(3 * MIB)


def test_traffic_is_what_the_log_says() -> None:
    log = "GET 206 1000 10\nPUT 201 50 4096\nGET 200 7 3\nnot a request\n- 400 - -\n"
    assert parse_log(log) == Traffic(Counter(GET=2, PUT=1), 1057, 4109)
    assert parse_log(log).total == 3


@pytest.fixture
def echo() -> Iterator[int]:
    """A server that sends back what it gets, one connection after the other."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_echo, args=(listener,), daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def _echo(listener: socket.socket) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            while piece := connection.recv(MIB):
                connection.sendall(piece)


@contextmanager
def line(port: int) -> Iterator[int]:
    command = [sys.executable, "-m", "bench.rig.delay", "--port", str(port), "--rtt-ms", str(RTT_S * 1000)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]) as process:
        assert process.stdout
        yield int(process.stdout.readline())
        process.terminate()


def test_a_long_line_delays_and_changes_nothing(echo: int) -> None:
    with line(echo) as port, socket.create_connection(("127.0.0.1", port)) as client:
        took = []
        for _ in range(3):
            began = time.monotonic()
            client.sendall(b"x")
            assert client.recv(1) == b"x"
            took.append(time.monotonic() - began)
        # The first answer comes after the handshake's round trip and its own.
        assert took[0] >= 2 * RTT_S
        assert all(each >= RTT_S for each in took)
        threading.Thread(target=client.sendall, args=(DATA,)).start()
        assert _read(client, len(DATA)) == DATA
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1) == b""


def _read(client: socket.socket, size: int) -> bytes:
    found = bytearray()
    while len(found) < size:
        piece = client.recv(MIB)
        assert piece, "the line ended early"
        found += piece
    return bytes(found)


def test_a_line_to_nobody_breaks_off() -> None:
    with line(free_port()) as port, socket.create_connection(("127.0.0.1", port)) as client:
        assert client.recv(1) == b""


WORK = "import time\nx = b'x' * (64 << 20)\nend = time.process_time() + 0.2\nwhile time.process_time() < end: pass\n"


def test_a_process_is_weighed_with_its_children() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {WORK!r}])\ninput()"],
        stdin=subprocess.PIPE,
    ) as process:
        meter = Meter(process.pid)
        deadline = time.monotonic() + 60
        peak = 0
        while meter.read().cpu_s < 0.2 and time.monotonic() < deadline:
            peak = max(peak, meter.read().peak)
            time.sleep(0.01)
        assert meter.read().cpu_s >= 0.2
        assert peak > 64 * MIB
        process.communicate(b"\n")


def test_no_process_costs_nothing() -> None:
    assert (Meter(None).read().cpu_s, Meter(None).read().peak) == (0, 0)


def test_a_tree_is_names_and_sizes_without_what_the_server_keeps_for_itself(tmp_path: Path) -> None:
    (tmp_path / "a/.DAV").mkdir(parents=True)
    (tmp_path / "a/.DAV/b").write_bytes(b"1")
    (tmp_path / "a/b").write_bytes(b"12")
    assert sizes(tmp_path) == {"./a": -1, "a/b": 2}


@pytest.mark.parametrize(("most", "minutes", "taken"), [(3, 100, 3), (3, 20, 2), (3, 19, 1), (3, 0, 1), (1, 100, 1)])
def test_rounds_that_would_end_too_late_are_not_begun(most: int, minutes: int, taken: int) -> None:
    clock = [0.0]
    count = 0
    for _ in rounds(most, minutes, lambda: clock[0]):
        clock[0] += 10
        count += 1
    assert count == taken


def test_words_choose() -> None:
    assert [has_word("rclone mount", words) for words in ("", "mount,x", "x,y")] == [True, True, False]
