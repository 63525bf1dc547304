"""OAuth 1.0a in three steps (SmartFile facts, 2; RFC 5849)."""

import html
import secrets
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from mountcloud.sandbox.smartfile import accounts
from mountcloud.sandbox.smartfile.calls import sandbox_of
from mountcloud.sandbox.smartfile.errors import Refusal
from mountcloud.sandbox.smartfile.state import Sandbox

_FORM = "application/x-www-form-urlencoded"


def _said(request: Request) -> dict[str, str]:
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    return accounts.oauth_parameters(rest) if scheme.lower() == "oauth" else {}


def _tokens(token: str, secret: str) -> Response:
    return Response(urlencode({"oauth_token": token, "oauth_token_secret": secret}), media_type=_FORM)


async def request_token(request: Request) -> Response:
    """Step 1: a program asks for a request token."""
    box, said = sandbox_of(request), _said(request)
    try:
        client = accounts.client_of(box, said)
        if not accounts.is_signed(said, client, ""):
            raise accounts.refused()
    except Refusal as refusal:
        return refusal.answer()
    token, secret = accounts.generated(), accounts.generated()
    with box.transaction():
        box.db.insert("oauth_token", {"token": token, "secret": secret, "client": client["token"], "kind": "request"})
    return _tokens(token, secret)


async def authorize(request: Request) -> Response:
    """Step 2: what the user's browser shows; on this server the button is ``POST /_sandbox/oauth/grant``."""
    token = request.query_params.get("oauth_token", "")
    return Response(f"<p>Grant access to {html.escape(token)}?</p>", media_type="text/html")


def grant(box: Sandbox, account: str) -> dict[str, str]:
    """The user of this account says yes to every request: the verification codes."""
    waiting = box.db.all("SELECT * FROM oauth_token WHERE kind = 'request' AND account IS NULL")
    codes = {row["token"]: secrets.token_hex(4) for row in waiting}
    for token, code in codes.items():
        box.db.run("UPDATE oauth_token SET verifier = ?, account = ? WHERE token = ?", code, account, token)
    return codes


async def access_token(request: Request) -> Response:
    """Step 3: the request token and the code, once, for an access token."""
    box, said = sandbox_of(request), _said(request)
    try:
        granted = accounts.token_of(box, said, "request")
        if granted is None or not granted["verifier"] or granted["verifier"] != said.get("oauth_verifier"):
            raise accounts.refused()
    except Refusal as refusal:
        return refusal.answer()
    token, secret = accounts.generated(), accounts.generated()
    values = {"token": token, "secret": secret, "client": granted["client"], "kind": "access"}
    with box.transaction():
        box.db.run("DELETE FROM oauth_token WHERE token = ?", granted["token"])
        box.db.insert("oauth_token", {**values, "account": granted["account"]})
    return _tokens(token, secret)
