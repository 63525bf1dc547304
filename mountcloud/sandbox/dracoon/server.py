"""The sandbox as a process: two listeners and one tenant."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from starlette.routing import BaseRoute

from mountcloud.sandbox.database import only_server_of
from mountcloud.sandbox.dracoon import seed
from mountcloud.sandbox.dracoon.app import api_app, static_app
from mountcloud.sandbox.dracoon.control import Control
from mountcloud.sandbox.dracoon.state import Sandbox
from mountcloud.sandbox.faults import Trouble, TroubleMaker
from mountcloud.sandbox.serving import ByPort, Connections, listen, serve


@dataclass(frozen=True, slots=True)
class Options:
    """How to run it. ``password`` is for the accounts that a new sandbox begins with."""

    host: str
    port: int
    data: Path
    static_port: int = 0
    control: bool = False
    demonstration: bool = False
    password: str = field(default=seed.DEMO_PASSWORD, repr=False)


def with_password(options: Options, password: str) -> Options:
    """The same with another password for first accounts."""
    return replace(options, password=password)


def run(options: Options, say: Callable[[str], None]) -> None:
    """Serve until a signal comes; says ``listening on http://…`` once requests are answered.

    Raises ``UnusableData`` for a directory in use or of another version, ``OSError`` for an address in use.
    """
    with only_server_of(options.data):
        _run(options, say)


def _run(options: Options, say: Callable[[str], None]) -> None:
    box = Sandbox(options.data)
    try:
        seed.first_accounts(box, options.password)
        if options.demonstration:
            seed.demonstration(box, options.password)
        _serve(box, options, say)
    finally:
        box.close()


def _serve(box: Sandbox, options: Options, say: Callable[[str], None]) -> None:
    trouble, connections = Trouble(), Connections()
    with listen(options.host, options.port) as api, listen(options.host, options.static_port) as static:
        box.static_port = static.getsockname()[1]
        extra: Sequence[BaseRoute] = Control(box, trouble).routes() if options.control else ()
        both = ByPort(api_app(box, extra), static_app(box), box.static_port)
        app = TroubleMaker(both, trouble, lambda: box.switches.latency, connections)
        address = f"http://{options.host}:{api.getsockname()[1]}"
        serve(app, connections, [api, static], lambda: say(f"listening on {address}"))
