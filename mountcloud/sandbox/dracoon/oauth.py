"""OAuth 2.0: password, authorization code and refresh grants, revocation (DRACOON facts, 3)."""

import base64
import binascii
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from mountcloud.sandbox.database import Value
from mountcloud.sandbox.dracoon.accounts import user_of_login
from mountcloud.sandbox.dracoon.calls import origin, reply, sandbox_of
from mountcloud.sandbox.dracoon.fields import now_ms
from mountcloud.sandbox.dracoon.state import Sandbox
from mountcloud.sandbox.dracoon.tree import Row

CODE_LIFETIME_MS = 60_000
CLIENTS: Mapping[str, str] = {"dracoon_legacy_scripting": "", "mountcloud-test": "mountcloud-test-secret"}
"""Registered apps and their secrets; the second is a confidential one for tests."""


class Denied(Exception):
    """An OAuth error: ``{"error": ...}``."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(error)
        self.answer = reply({"error": error, "error_description": description}, status)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token is for."""

    user: int
    client: str


async def token(request: Request) -> Response:
    """``POST /oauth/token``."""
    box, form = sandbox_of(request), await _form(request)
    try:
        with box.transaction():
            client = _client(request, form)
            return reply(_issue(box, _grant(box, client, form)))
    except Denied as denied:
        return denied.answer


async def revoke(request: Request) -> Response:
    """``POST /oauth/revoke``: 200 also for an unknown token."""
    box, form = sandbox_of(request), await _form(request)
    try:
        with box.transaction():
            client = _client(request, form)
            box.db.run("DELETE FROM token WHERE token = ? AND client_id = ?", form.get("token", ""), client)
    except Denied as denied:
        return denied.answer
    return Response(status_code=200)


async def authorize(request: Request) -> Response:
    """``GET /oauth/authorize``: sends the browser on with a code, as if its user were logged in and agreed.

    The user is ``login_hint``, else the switch ``authorize_as``.
    """
    box, query = sandbox_of(request), request.query_params
    target = query.get("redirect_uri") or f"{origin(request)}/oauth/callback"
    answer = {"state": query["state"]} if "state" in query else {}
    if query.get("client_id") not in CLIENTS:
        return reply({"error": "invalid_client"}, 400)
    if query.get("response_type") != "code":
        answer["error"] = "unsupported_response_type"
    else:
        answer |= _code_or_error(box, query.get("login_hint") or box.switches.authorize_as, query["client_id"], target)
    return RedirectResponse(f"{target}{'&' if '?' in target else '?'}{urlencode(answer)}", 302)


def _code_or_error(box: Sandbox, user_name: str, client: str, target: str) -> dict[str, str]:
    row = box.db.one("SELECT id FROM user WHERE user_name = ?", user_name)
    if row is None:
        return {"error": "access_denied"}
    with box.transaction():
        code = _keep(box, "code", Grant(row["id"], client), CODE_LIFETIME_MS, target)
    return {"code": code}


async def callback(request: Request) -> Response:
    """``GET /oauth/callback``: shows the code for copying."""
    code = "".join(letter for letter in request.query_params.get("code", "") if letter.isalnum() or letter in "-_")
    return HTMLResponse(f"<!doctype html><title>Code</title><p>Your code: <code>{code}</code></p>")


async def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))


def _client(request: Request, form: Mapping[str, str]) -> str:
    name, secret = form.get("client_id"), form.get("client_secret", "")
    if name is None:
        name, secret = _basic(request.headers.get("authorization", ""))
    if name not in CLIENTS or CLIENTS[name] != secret:
        raise Denied("invalid_client", "Client id or secret is wrong")
    return name


def _basic(header: str) -> tuple[str, str]:
    scheme, _, text = header.partition(" ")
    try:
        name, _, secret = base64.b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise Denied("invalid_request", "The Authorization header is malformed") from None
    if scheme.lower() != "basic":
        raise Denied("invalid_client", "Client authentication is missing")
    return name, secret


def _grant(box: Sandbox, client: str, form: Mapping[str, str]) -> Grant:
    kind = form.get("grant_type")
    if kind == "password":
        user = user_of_login(box, form.get("username", ""), form.get("password", ""))
        if user is None or user.locked:
            raise Denied("invalid_grant", "Bad credentials")
        return Grant(user.id, client)
    if kind == "authorization_code":
        row = _take(box, "code", form.get("code", ""), client)
        if form.get("redirect_uri", row["redirect_uri"]) != row["redirect_uri"]:
            raise Denied("invalid_grant", "The redirect URI is another one")
        box.db.run("DELETE FROM token WHERE token = ?", row["token"])
        return Grant(row["user_id"], client)
    if kind == "refresh_token":
        row = _take(box, "refresh", form.get("refresh_token", ""), client)
        if box.switches.refresh_rotation:
            box.db.run("DELETE FROM token WHERE token = ?", row["token"])
        return Grant(row["user_id"], client)
    raise Denied("unsupported_grant_type", "The grant type is unknown")


def _take(box: Sandbox, kind: str, text: str, client: str) -> Row:
    row = box.db.one("SELECT * FROM token WHERE token = ? AND kind = ?", text, kind)
    if row is None or row["client_id"] != client or row["expires_at"] <= now_ms():
        raise Denied("invalid_grant", "The token is expired, used or wrong")
    return row


def _issue(box: Sandbox, grant: Grant) -> dict[str, object]:
    switches = box.switches
    access = _keep(box, "access", grant, round(switches.access_token_lifetime * 1000))
    refresh = _keep(box, "refresh", grant, round(switches.refresh_token_lifetime * 1000))
    expiry = int(switches.access_token_lifetime)
    times: dict[str, object] = {"expires_in": expiry, "expires_in_inactive": expiry}
    return times | {"access_token": access, "token_type": "bearer", "refresh_token": refresh, "scope": "all"}


def _keep(box: Sandbox, kind: str, grant: Grant, lifetime_ms: int, redirect_uri: str | None = None) -> str:
    text = secrets.token_urlsafe(32)
    columns: dict[str, Value] = {"token": text, "kind": kind, "user_id": grant.user, "client_id": grant.client}
    box.db.insert("token", columns | {"redirect_uri": redirect_uri, "expires_at": now_ms() + lifetime_ms})
    return text
