"""The sandbox as a process: two listeners and one service's data."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from starlette.routing import BaseRoute

from mountcloud.sandbox.amazon import seed
from mountcloud.sandbox.amazon.app import app, storage_app
from mountcloud.sandbox.amazon.control import Control
from mountcloud.sandbox.amazon.state import Sandbox
from mountcloud.sandbox.database import only_server_of
from mountcloud.sandbox.faults import Trouble, TroubleMaker
from mountcloud.sandbox.serving import ByPort, Connections, listen, serve


@dataclass(frozen=True, slots=True)
class Options:
    """How to run it. ``token_file`` gets a refresh token of the customer ``demo``, readable by its owner alone."""

    host: str
    port: int
    data: Path
    control: bool = False
    token_file: Path | None = None


def run(options: Options, say: Callable[[str], None]) -> None:
    """Serve until a signal comes; says ``listening on http://…`` once requests are answered.

    Raises ``UnusableData`` for a directory in use or of another version, ``OSError`` for an address in use.
    """
    with only_server_of(options.data):
        box = Sandbox(options.data)
        try:
            seed.first_customer(box)
            if options.token_file is not None:
                _write_token(box, options.token_file)
            _serve(box, options, say)
        finally:
            box.close()


def _write_token(box: Sandbox, file: Path) -> None:
    row = box.db.one("SELECT id FROM customer WHERE name = ?", seed.DEMO_CUSTOMER)
    with box.transaction():
        token = seed.refresh_token(box, row["id"] if row else 0)
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    file.write_text(token + "\n", encoding="utf-8")


def _serve(box: Sandbox, options: Options, say: Callable[[str], None]) -> None:
    trouble, connections = Trouble(), Connections()
    with listen(options.host, options.port) as listener, listen(options.host, 0) as storage:
        box.signed_port = storage.getsockname()[1]
        extra: Sequence[BaseRoute] = Control(box, trouble).routes() if options.control else ()
        both = ByPort(app(box, extra), storage_app(box), box.signed_port)
        served = TroubleMaker(both, trouble, lambda: box.switches.latency, connections)
        address = f"http://{options.host}:{listener.getsockname()[1]}"
        serve(served, connections, [listener, storage], lambda: say(f"listening on {address}"))
