"""The sandbox as a process: the bridge, a listener for all farmers, and one service's data."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from starlette.routing import BaseRoute

from mountcloud.sandbox.database import only_server_of
from mountcloud.sandbox.faults import Trouble, TroubleMaker
from mountcloud.sandbox.metadisk import seed
from mountcloud.sandbox.metadisk.app import app, farmers
from mountcloud.sandbox.metadisk.control import Control
from mountcloud.sandbox.metadisk.state import Sandbox
from mountcloud.sandbox.serving import ByPort, Connections, listen, serve


@dataclass(frozen=True, slots=True)
class Options:
    """How to run it. ``password`` is for the account that a new sandbox begins with."""

    host: str
    port: int
    data: Path
    control: bool = False
    password: str = field(default=seed.DEMO_PASSWORD, repr=False)


def run(options: Options, say: Callable[[str], None], mail: Callable[[str], None]) -> None:
    """Serve until a signal comes; says ``listening on http://…`` once requests are answered.

    ``mail`` gets what the service would send by mail. Raises ``UnusableData`` for a directory in use or of another
    version, ``OSError`` for an address in use.
    """
    with only_server_of(options.data):
        box = Sandbox(options.data)
        box.mail = mail
        try:
            seed.first_user(box, options.password)
            _serve(box, options, say)
        finally:
            box.close()


def _serve(box: Sandbox, options: Options, say: Callable[[str], None]) -> None:
    trouble, connections = Trouble(), Connections()
    with listen(options.host, options.port) as listener, listen(options.host, 0) as farm:
        box.farmer_port = farm.getsockname()[1]
        extra: Sequence[BaseRoute] = Control(box, trouble).routes() if options.control else ()
        both = ByPort(app(box, extra), farmers(box), box.farmer_port)
        served = TroubleMaker(both, trouble, lambda: box.switches.latency, connections)
        address = f"http://{options.host}:{listener.getsockname()[1]}"
        sockets = [listener, farm]
        serve(served, connections, sockets, lambda: say(f"listening on {address}"), websockets=True)
