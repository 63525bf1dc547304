"""The private surface for tests, ``/_sandbox/…``: accounts, rights, switches, faults, and what was requested."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, fields
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mountcloud.sandbox.faults import CONTROL, Fault, Trouble
from mountcloud.sandbox.smartfile import accounts, oauth, tree
from mountcloud.sandbox.smartfile.errors import Refusal, reply
from mountcloud.sandbox.smartfile.state import Sandbox
from mountcloud.sandbox.smartfile.switches import UnknownSwitch
from mountcloud.sandbox.smartfile.tree import Spot, split

Body = dict[str, Any]
Handler = Callable[[Body], object]


class Control:
    """Handlers that change the server from outside, without rights and without being counted."""

    def __init__(self, box: Sandbox, trouble: Trouble) -> None:
        self._box, self._trouble = box, trouble

    def routes(self) -> Sequence[Route]:
        """The addresses."""
        table: Sequence[tuple[str, str, Handler]] = (
            ("POST", "/accounts", self.add_account),
            ("PUT", "/accounts", self.change_account),
            ("POST", "/oauth/grant", self.grant),
            ("PUT", "/rights", self.deny),
            ("POST", "/populate", self.populate),
            ("PUT", "/times", self.set_time),
            ("GET", "/switches", self.get_switches),
            ("PUT", "/switches", self.set_switches),
            ("POST", "/faults", self.add_fault),
            ("GET", "/faults", self.get_faults),
            ("DELETE", "/faults", self.clear_faults),
            ("GET", "/requests", self.get_requests),
            ("DELETE", "/requests", self.forget_requests),
        )
        return [Route(CONTROL + path, self._endpoint(handler), methods=[method]) for method, path, handler in table]

    def _endpoint(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            body = json.loads(await request.body() or b"{}")
            try:
                with self._box.transaction():
                    return reply(handler(body))
            except (Refusal, UnknownSwitch, KeyError, TypeError, ValueError) as problem:
                return reply({"message": f"{type(problem).__name__}: {problem}"}, 400)

        return endpoint

    def _spot(self, body: Body) -> Spot:
        account = self._box.db.one("SELECT * FROM account WHERE key = ?", body["account"])
        if account is None:
            raise KeyError(body["account"])
        return tree.need(self._box, account, split(body["path"]))

    def add_account(self, body: Body) -> object:
        """``username``; its key and password come back."""
        key, password = accounts.create(self._box, body["username"])
        return {"key": key, "password": password}

    def change_account(self, body: Body) -> object:
        """``account`` gets another ``password``."""
        self._box.db.run("UPDATE account SET password = ? WHERE key = ?", body["password"], body["account"])
        return {}

    def grant(self, body: Body) -> object:
        """The user of ``account`` grants access to every program that waits: the codes by request token."""
        return {"codes": oauth.grant(self._box, body["account"])}

    def deny(self, body: Body) -> object:
        """``path`` of ``account`` and all below it: ``denied`` has letters of list, read, write, d (remove)."""
        self._box.db.update("node", self._spot(body).node["id"], {"denied": body["denied"]})
        return {}

    def populate(self, body: Body) -> object:
        """``count`` empty files in ``path``."""
        spot = self._spot(body)
        for number in range(body["count"]):
            place = {"parent": spot.node["id"], "name": f"file-{number:05d}", "is_directory": 0}
            self._box.db.insert("node", {**place, "time": int(self._box.now()), "blob": self._box.blobs.new()})
        return {}

    def set_time(self, body: Body) -> object:
        """``time`` of a node in seconds since the epoch."""
        self._box.db.update("node", self._spot(body).node["id"], {"time": int(body["time"])})
        return {}

    def get_switches(self, _: Body) -> object:
        """All switches."""
        return self._box.switches.values()

    def set_switches(self, body: Body) -> object:
        """Set some."""
        self._box.change_switches(body)
        return {}

    def add_fault(self, body: Body) -> object:
        """Trouble (``mountcloud/sandbox/faults.py``)."""
        unknown = set(body) - {field.name for field in fields(Fault)}
        if unknown:
            raise ValueError(f"a fault has no {', '.join(sorted(unknown))}")
        self._trouble.faults.append(Fault(**body))
        return {}

    def get_faults(self, _: Body) -> object:
        """The faults in force, with their hits."""
        return {"items": [asdict(each) for each in self._trouble.faults]}

    def clear_faults(self, _: Body) -> object:
        """No more trouble."""
        self._trouble.faults.clear()
        return {}

    def get_requests(self, _: Body) -> object:
        """What was requested since the last time that it was forgotten."""
        trouble = self._trouble
        items = [asdict(each) for each in trouble.records]
        return {"counts": dict(trouble.counts), "items": items, "mostAtOnce": trouble.most_at_once}

    def forget_requests(self, _: Body) -> object:
        """Begin the counts anew."""
        self._trouble.forget()
        return {}
