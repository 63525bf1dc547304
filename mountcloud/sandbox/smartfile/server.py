"""The sandbox as a process: one listener and one server's data."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from starlette.routing import BaseRoute

from mountcloud.sandbox.database import only_server_of
from mountcloud.sandbox.faults import Trouble, TroubleMaker
from mountcloud.sandbox.serving import Connections, listen, serve
from mountcloud.sandbox.smartfile import seed
from mountcloud.sandbox.smartfile.app import app
from mountcloud.sandbox.smartfile.control import Control
from mountcloud.sandbox.smartfile.state import Sandbox


@dataclass(frozen=True, slots=True)
class Options:
    """How to run it. ``password`` is for the account that a new sandbox begins with."""

    host: str
    port: int
    data: Path
    control: bool = False
    password: str = field(default=seed.DEMO_PASSWORD, repr=False)


def run(options: Options, say: Callable[[str], None]) -> None:
    """Serve until a signal comes; says ``listening on http://…`` once requests are answered.

    Raises ``UnusableData`` for a directory in use or of another version, ``OSError`` for an address in use.
    """
    with only_server_of(options.data):
        box = Sandbox(options.data)
        try:
            seed.first_account(box, options.password)
            _serve(box, options, say)
        finally:
            box.close()


def _serve(box: Sandbox, options: Options, say: Callable[[str], None]) -> None:
    trouble, connections = Trouble(), Connections()
    with listen(options.host, options.port) as listener:
        extra: Sequence[BaseRoute] = Control(box, trouble).routes() if options.control else ()
        served = TroubleMaker(app(box, extra), trouble, lambda: box.switches.latency, connections)
        address = f"http://{options.host}:{listener.getsockname()[1]}"
        serve(served, connections, [listener], lambda: say(f"listening on {address}"))
