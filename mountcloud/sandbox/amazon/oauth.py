"""OAuth 2: consent page, tokens, and the helper that keeps the client's secret to itself (Amazon facts, 2)."""

import secrets
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from mountcloud.sandbox.amazon.calls import sandbox_of
from mountcloud.sandbox.amazon.errors import reply
from mountcloud.sandbox.amazon.state import Sandbox, now_ms

CLIENTS = {"mountcloud": "mountcloud-secret", "helper": ""}
"""Registered apps and their secrets; ``helper`` is the one behind the helper's address."""

_CODE_LIFETIME_MS = 60_000
_FOREVER_MS = 10**14


class Denied(Exception):
    """``{"error": ...}``."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(error)
        self.answer = reply({"error": error, "error_description": description}, 400)


async def authorize(request: Request) -> Response:
    """``GET /ap/oa``: sends the browser on with a code, as if its user agreed."""
    box, query = sandbox_of(request), request.query_params
    target = query.get("redirect_uri", "")
    row = box.db.one("SELECT id FROM customer WHERE name = ?", box.switches.authorize_as)
    if query.get("client_id") not in CLIENTS or query.get("response_type") != "code" or not target:
        return reply({"error": "invalid_request"}, 400)
    answer = {"scope": query.get("scope", "")} | ({"state": query["state"]} if "state" in query else {})
    if row is None:
        answer["error"] = "access_denied"
    else:
        with box.transaction():
            answer["code"] = _keep(box, "code", row["id"], query["client_id"], target=target)
    return RedirectResponse(f"{target}{'&' if '?' in target else '?'}{urlencode(answer)}", 302)


async def token(request: Request) -> Response:
    """``POST /auth/o2/token``."""
    box, form = sandbox_of(request), await _form(request)
    try:
        client = form.get("client_id", "")
        if client not in CLIENTS or CLIENTS[client] != form.get("client_secret", ""):
            raise Denied("invalid_client", "Client authentication failed")
        with box.transaction():
            return reply(issue(box, _grant(box, client, form), client))
    except Denied as denied:
        return denied.answer


async def helper(request: Request) -> Response:
    """``/appspot/``: the browser's GET logs in, a POST with the refresh token alone renews."""
    box, form = sandbox_of(request), await _form(request)
    try:
        with box.transaction():
            if request.method == "GET":
                row = box.db.one("SELECT id FROM customer WHERE name = ?", box.switches.authorize_as)
                return reply(issue(box, row["id"] if row else 0, "helper"))
            return reply(issue(box, _refreshed(box, form.get("refresh_token", ""), "helper"), "helper"))
    except Denied as denied:
        return denied.answer


async def token_info(request: Request) -> Response:
    """``GET /auth/o2/tokeninfo``."""
    box = sandbox_of(request)
    sql = "SELECT * FROM token WHERE token = ? AND kind = 'access' AND expires_at > ?"
    row = box.db.one(sql, request.query_params.get("access_token", ""), now_ms())
    if row is None:
        return Denied("invalid_token", "The access token is invalid").answer
    left = (row["expires_at"] - now_ms()) // 1000
    return reply({"aud": row["client"], "user_id": f"u{row['customer']}", "iss": "sandbox", "exp": left})


async def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))


def _grant(box: Sandbox, client: str, form: dict[str, str]) -> int:
    kind = form.get("grant_type")
    if kind == "refresh_token":
        return _refreshed(box, form.get("refresh_token", ""), client)
    if kind != "authorization_code":
        raise Denied("unsupported_grant_type", "The grant type is unknown")
    row = box.db.one("SELECT * FROM token WHERE token = ? AND kind = 'code'", form.get("code", ""))
    if row is None or row["client"] != client or row["expires_at"] <= now_ms():
        raise Denied("invalid_grant", "The code is invalid")
    if row["redirect_uri"] != form.get("redirect_uri"):
        raise Denied("invalid_grant", "The redirect URI is another one")
    box.db.run("DELETE FROM token WHERE token = ?", row["token"])
    return int(row["customer"])


def _refreshed(box: Sandbox, text: str, client: str) -> int:
    row = box.db.one("SELECT * FROM token WHERE token = ? AND kind = 'refresh'", text)
    if row is None or row["client"] != client or row["expires_at"] <= now_ms():
        raise Denied("invalid_grant", "The refresh token is invalid")
    return int(row["customer"])


def issue(box: Sandbox, customer: int, client: str) -> dict[str, object]:
    """An access and a refresh token; inside a transaction."""
    lifetime = box.switches.access_token_lifetime
    access = _keep(box, "access", customer, client)
    refresh = _keep(box, "refresh", customer, client)
    return {"access_token": access, "refresh_token": refresh, "token_type": "bearer", "expires_in": int(lifetime)}


def _keep(box: Sandbox, kind: str, customer: int, client: str, *, target: str | None = None) -> str:
    text = {"access": "Atza|", "refresh": "Atzr|"}.get(kind, "") + secrets.token_urlsafe(32)
    lifetimes = {"code": _CODE_LIFETIME_MS, "access": round(box.switches.access_token_lifetime * 1000)}
    expires = now_ms() + lifetimes.get(kind, _FOREVER_MS)
    box.db.run("INSERT INTO token VALUES (?, ?, ?, ?, ?, ?)", text, kind, customer, client, target, expires)
    return text
