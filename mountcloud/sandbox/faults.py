"""Trouble on demand, around any ASGI application: for requests that match, and so many times."""

import asyncio
import json
import re
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Protocol

from starlette.types import ASGIApp, Message, Receive, Scope, Send

KINDS = ("status", "drop", "lost_reply", "cut", "reset", "slow", "delay")
BODIES = ("json", "empty", "html", "garbage")
CONTROL = "/_sandbox"
_HTML = b"<!doctype html><html><body><h1>Trouble</h1><p>A proxy says so.</p></body></html>"


@dataclass(slots=True)
class Fault:
    """What happens to requests whose method, path and User-Agent match the expressions (anywhere in the text).

    ``status``: answer at once with ``status``, ``headers`` and a ``body`` of that kind, whose JSON names ``error_code``
    and, as the services say it that know only this, ``error``.
    ``drop``: close the connection at once. ``lost_reply``: let the request take effect, then close the connection.
    ``cut``: the connection ends after exactly ``after`` bytes of the body; ``reset``: it breaks after at most so many.
    ``slow``: ``after`` bytes, ``seconds``, and so on.
    ``delay``: wait ``seconds`` first. The first ``skip`` matches pass; ``count`` -1 means every match after that.
    A WebSocket counts as one request of the method ``WEBSOCKET``, whose body is all that the server says on it.
    """

    path: str
    method: str = ""
    kind: str = "status"
    count: int = 1
    skip: int = 0
    status: int = 500
    error_code: int | None = None
    error: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: str = "json"
    after: int = 0
    seconds: float = 0
    agent: str = ""
    hits: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS or self.body not in BODIES:
            raise ValueError(f"a fault is one of {KINDS}, its body one of {BODIES}")
        try:
            re.compile(self.path)
            re.compile(self.method)
            re.compile(self.agent)
        except re.error as problem:
            raise ValueError(f"not a regular expression: {problem}") from None

    def takes(self, method: str, path: str, agent: str) -> bool:
        """True if it strikes this request; counts."""
        matches = re.search(self.path, path) and re.search(self.method, method) and re.search(self.agent, agent)
        if self.count == 0 or not matches:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.count -= self.count > 0
        self.hits += 1
        return True


@dataclass(slots=True)
class Record:
    """One request as it was seen. ``status`` 0: no answer was begun."""

    method: str
    path: str
    template: str
    status: int


@dataclass(slots=True)
class Trouble:
    """The faults in force, and what was requested so far."""

    faults: list[Fault] = field(default_factory=list)
    records: deque[Record] = field(default_factory=lambda: deque(maxlen=10_000))
    counts: Counter[str] = field(default_factory=Counter)
    most_at_once: int = 0
    at_once: int = 0

    def forget(self) -> None:
        """Begin the counts anew."""
        self.records.clear()
        self.counts.clear()
        self.most_at_once = self.at_once


class Breakable(Protocol):
    """Ends the connection of a request."""

    def close(self, scope: Scope) -> None:
        """After what was sent so far."""

    def abort(self, scope: Scope) -> None:
        """With a reset."""


class TroubleMaker:
    """The application with faults before it. Requests to the control surface never fail and are not counted."""

    def __init__(self, app: ASGIApp, trouble: Trouble, latency: Callable[[], float], connections: Breakable) -> None:
        self._app, self._trouble, self._latency, self._connections = app, trouble, latency, connections

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] not in {"http", "websocket"} or scope["path"].startswith(CONTROL):
            await self._app(scope, receive, send)
            return
        record = Record(_method(scope), scope["path"], "", 0)
        self._trouble.at_once += 1
        self._trouble.most_at_once = max(self._trouble.most_at_once, self._trouble.at_once)
        try:
            await asyncio.sleep(self._latency())
            await self._serve(scope, receive, _noting(send, record))
        finally:
            self._trouble.at_once -= 1
            self._note(record, scope)

    def _note(self, record: Record, scope: Scope) -> None:
        record.template = template_of(record.path, scope.get("path_params", {}))
        self._trouble.records.append(record)
        self._trouble.counts[f"{record.method} {record.template}"] += 1

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = (_method(scope), scope["path"], _agent(scope))
        fault = next((fault for fault in self._trouble.faults if fault.takes(*request)), None)
        if fault is None:
            await self._app(scope, receive, send)
        elif fault.kind == "status":
            await _drain(receive)
            await _answer(fault, _refusing(send) if scope["type"] == "websocket" else send)
        elif fault.kind == "delay":
            await asyncio.sleep(fault.seconds)
            await self._app(scope, receive, send)
        elif fault.kind == "slow":
            await self._app(scope, receive, _slowly(send, fault))
        else:
            await self._break_off(fault, scope, receive, send)

    async def _break_off(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        if fault.kind == "lost_reply" and scope["type"] == "http":
            await self._app(scope, receive, _nowhere)
        elif fault.kind in {"cut", "reset"}:
            await self._app(scope, receive, _cut(send, fault.after))
        if fault.kind == "cut":
            self._connections.close(scope)
        else:
            self._connections.abort(scope)
        await _disconnected(receive)


def template_of(path: str, params: dict[str, object]) -> str:
    """The path with its variable parts as ``{name}``."""
    for name, value in params.items():
        path = re.sub(rf"/{re.escape(str(value))}(?=/|$)", f"/{{{name}}}", path)
    return path


def _method(scope: Scope) -> str:
    return str(scope.get("method", "WEBSOCKET"))


def _agent(scope: Scope) -> str:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == b"user-agent"), "")


def _noting(send: Send, record: Record) -> Send:
    async def noting(message: Message) -> None:
        if message["type"].endswith("http.response.start"):
            record.status = message["status"]
        elif message["type"] == "websocket.accept":
            record.status = 101
        await send(message)

    return noting


async def _nowhere(message: Message) -> None:
    """Swallow an answer."""


async def _drain(receive: Receive) -> None:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] not in {"http.disconnect", "websocket.disconnect"}:
        pass


def _refusing(send: Send) -> Send:
    """An answer instead of a WebSocket (ASGI, "WebSocket Denial Response")."""

    async def refusing(message: Message) -> None:
        await send({**message, "type": f"websocket.{message['type']}"})

    return refusing


async def _answer(fault: Fault, send: Send) -> None:
    body, kind = _body(fault)
    headers = {"content-type": kind, "content-length": str(len(body))} | {
        k.lower(): v for k, v in fault.headers.items()
    }
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": fault.status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


def _body(fault: Fault) -> tuple[bytes, str]:
    if fault.body == "html":
        return _HTML, "text/html"
    if fault.body == "garbage":
        return b'{"code": ', "application/json"
    if fault.body == "empty":
        return b"", "application/json"
    answer: dict[str, object] = {
        "code": fault.status,
        "message": HTTPStatus(fault.status).phrase,
        "debugInfo": "injected",
    }
    if fault.error_code is not None:
        answer["errorCode"] = fault.error_code
    if fault.error:
        answer["error"] = fault.error
    return json.dumps(answer).encode(), "application/json;charset=UTF-8"


def _cut(send: Send, after: int) -> Send:
    left = after

    async def cutting(message: Message) -> None:
        nonlocal left
        said = _SAID.get(message["type"])
        if message["type"] in _BEGINNINGS:
            await send(message)
        elif said is not None:
            piece = (message.get(said) or b"")[:left]
            left -= len(piece)
            if piece:
                await send({**message, said: piece, "more_body": True})

    return cutting


_BEGINNINGS = frozenset({"http.response.start", "websocket.accept"})
_SAID = {"http.response.body": "body", "websocket.send": "bytes"}
"""Where a message has what counts."""


def _slowly(send: Send, fault: Fault) -> Send:
    async def slow(message: Message) -> None:
        said = _SAID.get(message["type"], "body")
        body = message.get(said) or b""
        step = max(1, fault.after)
        for start in range(0, len(body), step):
            await asyncio.sleep(fault.seconds)
            await send({**message, said: body[start : start + step], "more_body": True})
        if not body or said == "body":
            await send({**message, said: b""} if body else message)

    return slow
