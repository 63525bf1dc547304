"""The private surface for tests, ``/_sandbox/…``: customers, switches, faults, and what was requested."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, fields
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mountcloud.sandbox.amazon import changes, oauth, seed, tree
from mountcloud.sandbox.amazon.errors import Refusal, reply
from mountcloud.sandbox.amazon.state import Sandbox, now_ms
from mountcloud.sandbox.amazon.switches import UnknownSwitch
from mountcloud.sandbox.faults import CONTROL, Fault, Trouble

Body = dict[str, Any]
Handler = Callable[[Body], object]


class Control:
    """Handlers that change the service from outside, without being counted."""

    def __init__(self, box: Sandbox, trouble: Trouble) -> None:
        self._box, self._trouble = box, trouble

    def routes(self) -> Sequence[Route]:
        """The addresses."""
        table: Sequence[tuple[str, str, Handler]] = (
            ("POST", "/customers", self.add_customer),
            ("POST", "/tokens/expire", self.expire_tokens),
            ("POST", "/changes/forget", self.forget_checkpoints),
            ("POST", "/purge", self.purge),
            ("PUT", "/status", self.set_status),
            ("POST", "/populate", self.populate),
            ("POST", "/tamper", self.tamper),
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

    def _node(self, body: Body) -> tree.Row:
        row = self._box.db.one("SELECT * FROM node WHERE id = ?", body["node"])
        if row is None:
            raise KeyError(body["node"])
        return row

    def add_customer(self, body: Body) -> object:
        """``name``, perhaps ``quota`` in bytes; also tokens of the client ``mountcloud``."""
        number = seed.add_customer(self._box, body["name"], body.get("quota", seed.DEMO_QUOTA))
        root = self._box.db.one("SELECT root FROM customer WHERE id = ?", number)
        return {"id": number, "root": root["root"] if root else "", **oauth.issue(self._box, number, "mountcloud")}

    def expire_tokens(self, _: Body) -> object:
        """All access tokens are over."""
        return {"count": self._box.db.run("UPDATE token SET expires_at = ? WHERE kind = 'access'", now_ms() - 1)}

    def forget_checkpoints(self, _: Body) -> object:
        """No checkpoint that was given out is of use any more."""
        self._box.set_fact(changes.EPOCH, self._box.fact(changes.EPOCH, 0) + 1)
        return {}

    def purge(self, body: Body) -> object:
        """Thirty days have passed for ``node``."""
        tree.purge(self._box, self._node(body))
        return {}

    def set_status(self, body: Body) -> object:
        """``node`` gets ``status``, such as PENDING."""
        tree.change(self._box, self._node(body), status=str(body["status"]))
        return {}

    def populate(self, body: Body) -> object:
        """``count`` empty folders or files below ``node``."""
        row, kind = self._node(body), body.get("kind", "FOLDER")
        for number in range(body["count"]):
            columns: dict[str, str | int | float | bytes | None] = {}
            if kind == "FILE":
                columns = {"blob": self._box.blobs.new(), "size": 0, "md5": _EMPTY, "content_version": 1}
                columns |= {"content_type": "application/octet-stream", "content_at": now_ms()}
            name = f"{body.get('prefix', 'node')}-{number:05d}"
            tree.add(self._box, row["customer"], kind, name, [row["id"]], **columns)
        return {}

    def tamper(self, body: Body) -> object:
        """Change one stored byte at ``offset``."""
        path = self._box.blobs.path(self._node(body)["blob"])
        data = bytearray(path.read_bytes())
        data[body.get("offset", 0)] ^= 1
        path.write_bytes(data)
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


_EMPTY = "d41d8cd98f00b204e9800998ecf8427e"
"""The MD5 of nothing."""
