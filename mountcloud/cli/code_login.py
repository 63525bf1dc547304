"""Log in where the user grants access in a browser and it comes back with a code (RFC 6749, 4.1, and RFC 8252)."""

import html
import os
import secrets
import sys
import threading
import time
import webbrowser
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import click
import trio

from mountcloud.cli.config_file import OptionValue
from mountcloud.model.errors import AuthenticationRequired, InvalidArgument
from mountcloud.model.offers import GrantedByCode
from mountcloud.model.provider import Provider

_PATIENCE_S = 600.0
_LOOPBACK = {"localhost", "127.0.0.1"}


@dataclass(slots=True)
class Listener:
    """Waits on this machine alone for the browser to come back. ``address`` is where it is to go."""

    address: str
    _server: ThreadingHTTPServer
    _found: dict[str, str] = field(default_factory=dict)

    @classmethod
    def open(cls, wanted: str) -> "Listener":
        """At the redirect address of the settings, else at a free port. Raises ``InvalidArgument`` if it is taken."""
        parts = urlsplit(wanted or "http://localhost/")
        found: dict[str, str] = {}
        try:
            server = ThreadingHTTPServer(("127.0.0.1", parts.port or 0), _handler(found))
        except OSError as error:
            raise InvalidArgument(
                f"nothing can listen at {wanted}: {error.strerror}", hint="--paste does without"
            ) from error
        return cls(wanted or f"http://localhost:{server.server_port}/", server, found)

    def wait(self, state: str, patience_s: float = _PATIENCE_S) -> str:
        """The code. Raises ``AuthenticationRequired`` if the user refused, or did nothing for so long."""
        self._server.timeout = 0.2
        deadline = time.monotonic() + patience_s
        try:
            while "code" not in self._found and "error" not in self._found and time.monotonic() < deadline:
                self._server.handle_request()
                if self._found.get("state", state) != state:  # a page of somebody else's making
                    self._found.clear()
        finally:
            self._server.server_close()
        if "code" not in self._found:
            reason = self._found.get("error", "nobody granted access in the browser")
            raise AuthenticationRequired(f"no access was granted: {reason}", hint="start the login again")
        return self._found["code"]


def _handler(found: dict[str, str]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Takes what the browser brings, and says so in words; browsers open connections that they do not use."""

        timeout = 10.0

        def do_GET(self) -> None:
            query = {key: values[0] for key, values in parse_qs(urlsplit(self.path).query).items()}
            granted = "code" in query and "state" in query
            if granted or "error" in query:
                found.update(query)
            self.send_response(200 if granted else 400)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            words = "Access is granted; you can close this page." if granted else "No access was granted."
            self.wfile.write(f"<!doctype html><title>mountcloud</title><p>{html.escape(words)}</p>".encode())

        def log_message(self, format: str, *args: object) -> None:
            """The address holds the code."""

    return Handler


def redirect_options(options: Mapping[str, object], *, paste: bool) -> tuple[dict[str, OptionValue], Listener | None]:
    """What the settings lack for this log-in, and who waits for the browser (nobody, if the code is pasted).

    A browser that runs elsewhere cannot come back to this machine: over ssh and without a display the code is pasted.
    """
    wanted = options.get("redirect_uri", "")
    here = isinstance(wanted, str) and (not wanted or urlsplit(wanted).hostname in _LOOPBACK)
    if paste or not here or not _has_browser():
        return {}, None
    listener = Listener.open(str(wanted))
    return {"redirect_uri": listener.address}, listener


async def grant(provider: Provider, listener: Listener | None) -> None:
    """Show the address, open it where there is a browser, and redeem the code."""
    if not isinstance(provider, GrantedByCode):
        raise InvalidArgument("this service does not log in by a code", hint="leave out --browser and --paste")
    state = secrets.token_urlsafe(24)
    address = provider.authorize_url(state)
    click.echo(f"Grant access in a browser at\n\n  {address}\n", err=True)
    if listener is None:
        code = _pasted(click.prompt("The code that you are shown (or the address that you are sent to)"), state)
    else:
        # Beside us, since some browsers return only when they are closed.
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
        code = await trio.to_thread.run_sync(listener.wait, state, abandon_on_cancel=True)
    await provider.redeem(code)


def _pasted(text: str, state: str) -> str:
    """A bare code, or a whole address that must be the answer to this very log-in."""
    text = text.strip()
    if "code=" not in text:
        return text
    query = parse_qs(urlsplit(text).query)
    if query.get("state", [state])[0] != state or "code" not in query:
        raise AuthenticationRequired("that address belongs to another log-in", hint="start the login again")
    return query["code"][0]


def _has_browser() -> bool:
    if "SSH_CONNECTION" in os.environ or not sys.stdin.isatty():
        return "BROWSER" in os.environ
    return any(name in os.environ for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))
