"""The private surface for tests, ``/_sandbox/…``, as far as all servers have it: switches, faults, requests."""

import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, fields
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mountcloud.sandbox.faults import CONTROL, Fault, Trouble
from mountcloud.sandbox.switchboard import Switchboard

Body = dict[str, Any]
Handler = Callable[[Body], object]
Table = Sequence[tuple[str, str, Handler]]
"""Method, path below the surface, and what it does."""


class Controlled(Protocol):
    """What the surface needs of a server."""

    @property
    def switches(self) -> Switchboard:
        """How it behaves."""

    def change_switches(self, values: dict[str, object]) -> None:
        """Set switches and keep them."""

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing."""


B = TypeVar("B", bound=Controlled)


class Surface(Generic[B]):
    """Handlers that change a server from outside, without rights and without being counted.

    A subclass adds its own, and names how its service refuses.
    """

    refusals: ClassVar[tuple[type[Exception], ...]] = ()

    def __init__(self, box: B, trouble: Trouble) -> None:
        self._box, self._trouble = box, trouble

    def own(self) -> Table:
        """What this server has besides."""
        return ()

    def routes(self) -> Sequence[Route]:
        """The addresses."""
        shared: Table = (
            ("GET", "/switches", self.get_switches),
            ("PUT", "/switches", self.set_switches),
            ("POST", "/faults", self.add_fault),
            ("GET", "/faults", self.get_faults),
            ("DELETE", "/faults", self.clear_faults),
            ("GET", "/requests", self.get_requests),
            ("DELETE", "/requests", self.forget_requests),
        )
        table = (*self.own(), *shared)
        return [Route(CONTROL + path, self._endpoint(handler), methods=[method]) for method, path, handler in table]

    def _endpoint(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        refused: tuple[type[Exception], ...] = (*self.refusals, KeyError, TypeError, ValueError)

        async def endpoint(request: Request) -> Response:
            body = json.loads(await request.body() or b"{}")
            try:
                with self._box.transaction():
                    return JSONResponse(handler(body))
            except refused as problem:
                return JSONResponse({"message": f"{type(problem).__name__}: {problem}"}, 400)

        return endpoint

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
