"""WebDAV servers that other people wrote, started on this machine for trying out and for tests."""

import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from mountcloud.sandbox.webdav.configuration import SERVERS, Plan, Site

_START_WITHIN_S = 30.0
_STOP_WITHIN_S = 10.0
_NOBODY = "www-data"
"""As whom a server runs that would not as root; Debian's servers bring this user."""


class CannotStartError(Exception):
    """The server did not start; the text holds its last words."""


def missing(name: str) -> str:
    """What this server needs and this machine lacks, empty if it can be started."""
    for each in SERVERS[name](Site(Path("/nowhere"), 0)).needs:
        if isinstance(each, Path):
            found = each.exists()
        else:
            found = _program(each) is not None or importlib.util.find_spec(each) is not None
        if not found:
            return str(each)
    return ""


def installed() -> list[str]:
    """The servers that can be started here."""
    return [name for name in SERVERS if not missing(name)]


@contextmanager
def serving(name: str, home: Path | None = None, *, site: Site | None = None) -> Iterator[Site]:
    """A server for the length of the block, on a port of its own; its files stay if ``home`` is given.

    ``site`` names user, password and variations; its home and port are set here. Raises ``CannotStartError``.
    """
    with _home(home) as place:
        wanted = replace(site or Site(place, 0), home=place, port=_free_port())
        wanted.data.mkdir(exist_ok=True)
        plan = SERVERS[name](wanted)
        for path, text in plan.files.items():
            path.write_text(text, encoding="utf-8")
        (place / "server.log").touch()
        nobody = _given_away(plan, wanted)
        with (place / "server.log").open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - a known program with our own arguments
                _command(plan, nobody=nobody),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C in a terminal is not for the server, which is still needed
            )
        try:
            _wait_until_ready(name, process, wanted)
            yield wanted
        finally:
            _stop(process)


@contextmanager
def _home(given: Path | None) -> Iterator[Path]:
    if given is not None:
        given.mkdir(parents=True, exist_ok=True)
        yield given
        return
    home = Path(tempfile.mkdtemp(prefix="mountcloud-webdav-"))
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def _given_away(plan: Plan, site: Site) -> bool:
    """True if the server must not run as root; what it needs to write is then its own."""
    if not plan.not_as_root or os.geteuid() != 0:
        return False
    owner = pwd.getpwnam(_NOBODY)
    for each in (site.home, *site.home.rglob("*")):
        os.chown(each, owner.pw_uid, owner.pw_gid)
    return True


def _command(plan: Plan, *, nobody: bool) -> list[str]:
    program, *arguments = plan.command
    found = sys.executable if program == "python" else _program(program)
    setpriv = _program("setpriv")
    before = [setpriv, "--pdeathsig", "TERM"] if setpriv else []
    if nobody:
        before += ["--reuid", _NOBODY, "--regid", _NOBODY, "--clear-groups"]
    return [*before, *(["--"] if before else []), found or program, *arguments]


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def _wait_until_ready(name: str, process: subprocess.Popen[bytes], site: Site) -> None:
    deadline = time.monotonic() + _START_WITHIN_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", site.port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    words = (site.home / "server.log").read_text(encoding="utf-8", errors="replace")[-2000:]
    raise CannotStartError(f"{name} did not start: {words}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
