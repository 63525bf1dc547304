"""Login flow, version 2 (WebDAV facts, 2): a page on which a person grants, and a poll that gets the app password."""

import secrets
import time
from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from mountcloud.sandbox.nextcloud import people
from mountcloud.sandbox.nextcloud.calls import origin, refuse_in_trouble, reply, sandbox_of
from mountcloud.sandbox.nextcloud.errors import Refusal
from mountcloud.sandbox.nextcloud.state import Sandbox

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Sandbox</title>
<h1>Grant access to {device}?</h1><p>{words}</p>
<form method="post"><p><label>Account <input name="user" required></label></p>
<p><label>Password <input name="password" type="password" required></label></p>
<button>Grant access</button></form></html>
"""
DONE = '<!doctype html><html lang="en"><meta charset="utf-8"><h1>Account connected</h1>You may close this page.</html>'


async def begin(request: Request) -> Response:
    """``POST /index.php/login/v2``, without an account."""
    box = sandbox_of(request)
    try:
        refuse_in_trouble(box)
    except Refusal as refusal:
        return refusal.answer()
    poll, page = secrets.token_hex(64), secrets.token_hex(64)
    flow = {"poll": poll, "page": page, "device": request.headers.get("user-agent", "unknown")}
    with box.transaction():
        box.db.insert("login_flow", {**flow, "started_at": time.time()})
    base = f"{origin(request)}/index.php/login/v2"
    return reply({"poll": {"token": poll, "endpoint": f"{base}/poll"}, "login": f"{base}/flow/{page}"})


async def poll(request: Request) -> Response:
    """404 until it is granted, then 200 once."""
    box, form = sandbox_of(request), await request.form()
    with box.transaction():
        _expire(box)
        row = box.db.one("SELECT * FROM login_flow WHERE poll = ?", str(form.get("token", "")))
        if row is None or row["account"] is None:
            return reply([], 404)
        box.db.run("DELETE FROM login_flow WHERE poll = ?", row["poll"])
        account = people.account(box, row["account"])
        password = people.new_app_password(box, account["id"], row["device"])
    return reply({"server": origin(request), "loginName": account["login"], "appPassword": password})


async def show(request: Request) -> Response:
    """The page for a person."""
    return _page(request, "It will see and change all of your files.")


async def grant(request: Request) -> Response:
    """The person's answer; here the typed password is enough also where a second factor is demanded."""
    box, form = sandbox_of(request), await request.form()
    login, password = str(form.get("user", "")), str(form.get("password", ""))
    with box.transaction():
        _expire(box)
        row = box.db.one("SELECT * FROM account WHERE login = ?", login)
        known = row is not None and people.is_password(row, password)
        if row is None or not known:
            return _page(request, "Wrong login or password.", status=403)
        page = request.path_params["page"]
        if not box.db.run("UPDATE login_flow SET account = ? WHERE page = ?", row["id"], page):
            return _page(request, "This login is over.", status=404)
    return HTMLResponse(DONE)


def grant_all(box: Sandbox, account: str) -> int:
    """Grant every login that waits, as a test does; their count."""
    return box.db.run("UPDATE login_flow SET account = ? WHERE account IS NULL", account)


def _expire(box: Sandbox) -> None:
    box.db.run("DELETE FROM login_flow WHERE started_at <= ?", time.time() - box.switches.flow_lifetime)


def _page(request: Request, words: str, *, status: int = 200) -> Response:
    row = sandbox_of(request).db.one("SELECT * FROM login_flow WHERE page = ?", request.path_params["page"])
    if row is None:
        return HTMLResponse("<!doctype html><h1>This login is over</h1>", 404)
    return HTMLResponse(PAGE.format(device=escape(row["device"]), words=escape(words)), status)
