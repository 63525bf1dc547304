"""``/users``, ``/activations`` and ``/keys`` (Metadisk facts, 4)."""

import re
import secrets
import sqlite3

from starlette.responses import RedirectResponse, Response

from mountcloud.sandbox.metadisk import signing
from mountcloud.sandbox.metadisk.calls import Call
from mountcloud.sandbox.metadisk.errors import Refusal, invalid, reply
from mountcloud.sandbox.metadisk.identity import authenticate, stored_password
from mountcloud.sandbox.metadisk.present import iso
from mountcloud.sandbox.metadisk.state import Sandbox, now_ms

_HASH = re.compile(r"[0-9a-f]{64}", re.IGNORECASE | re.ASCII)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def create(box: Sandbox, email: str, password: str, pubkey: str = "", *, activated: bool = False) -> str:
    """A new account: its activation token. ``password`` is the hash that clients send. Raises ``Refusal``."""
    if not _HASH.fullmatch(password):
        raise Refusal(500, "Password must be hex encoded SHA-256 hash")
    if not _EMAIL.fullmatch(email):
        raise invalid()
    if _find(box, email) is not None:
        raise Refusal(500, "Email is already registered")
    activator = secrets.token_hex(32)
    box.db.insert(
        "user",
        {
            "email": email,
            "hashpass": stored_password(password),
            "created": now_ms(),
            "activator": None if activated else activator,
            "activated": int(activated),
        },
    )
    if pubkey:
        add_key(box, email, pubkey)
    return activator


def add_key(box: Sandbox, user: str, key: object) -> dict[str, object]:
    """Register a key; 400 for one that is none, or that somebody registered."""
    try:
        signing.read_key(str(key))
    except ValueError as problem:
        raise Refusal(400, f"Invalid public key supplied: {problem}") from None
    if box.db.one("SELECT 1 FROM pubkey WHERE key = ?", str(key)) is not None:
        raise Refusal(400, "Public key is already registered")
    box.db.insert("pubkey", {"key": str(key), "user": user})
    return _key(user, str(key))


def register(call: Call) -> Response:
    """``POST /users``; mail with the activation token goes out."""
    email, pubkey = str(call.body.get("email", "")), str(call.body.get("pubkey") or "")
    with call.box.transaction():
        activator = create(call.box, email, str(call.body.get("password", "")), pubkey)
    call.box.mail(f"mail to {email}: activate your account at {call.origin}/activations/{activator}")
    return reply(_user(call.box, email) | ({"pubkey": pubkey} if pubkey else {}))


def activate(call: Call) -> Response:
    """``GET /activations/:token``."""
    row = call.box.db.one("SELECT email FROM user WHERE activator = ?", call.part("token"))
    if row is None:
        raise Refusal(400, "Invalid activation token")
    with call.box.transaction():
        call.box.db.run("UPDATE user SET activated = 1, activator = NULL WHERE email = ?", row["email"])
    redirect = call.request.query_params.get("redirect")
    return RedirectResponse(redirect, 302) if redirect else reply(_user(call.box, row["email"]))


def list_keys(call: Call) -> Response:
    """``GET /keys``."""
    user = authenticate(call).user
    rows = call.box.db.all("SELECT key FROM pubkey WHERE user = ? ORDER BY rowid", user)
    return reply([_key(user, row["key"]) for row in rows])


def create_key(call: Call) -> Response:
    """``POST /keys``."""
    user = authenticate(call).user
    with call.box.transaction():
        return reply(add_key(call.box, user, call.body.get("key", "")))


def remove_key(call: Call) -> Response:
    """``DELETE /keys/:pubkey``."""
    user = authenticate(call).user
    with call.box.transaction():
        if not call.box.db.run("DELETE FROM pubkey WHERE key = ? AND user = ?", call.part("pubkey"), user):
            raise Refusal(404, "Public key was not found")
    return Response(status_code=200)


def _find(box: Sandbox, email: str) -> sqlite3.Row | None:
    return box.db.one("SELECT * FROM user WHERE email = ?", email)


def _user(box: Sandbox, email: str) -> dict[str, object]:
    row = _find(box, email)
    assert row is not None
    return {"id": email, "email": email, "created": iso(row["created"]), "activated": bool(row["activated"])}


def _key(user: str, key: str) -> dict[str, object]:
    return {"user": user, "key": key, "id": key}
