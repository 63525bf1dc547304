"""Who is asking: name and password, or a signature with a registered key (Metadisk facts, 3)."""

import base64
import binascii
import hashlib
import json
import math
from dataclasses import dataclass

from mountcloud.sandbox.metadisk import signing
from mountcloud.sandbox.metadisk.calls import Call
from mountcloud.sandbox.metadisk.errors import Refusal, invalid
from mountcloud.sandbox.metadisk.state import Sandbox

_IN_BODY = frozenset({"POST", "PUT", "PATCH"})


@dataclass(frozen=True, slots=True)
class Identity:
    """The account that asks, and the key with which it signed, empty for a password."""

    user: str
    key: str = ""


def stored_password(password: str) -> str:
    """What the service keeps of a password, which is a hash already when it comes."""
    return hashlib.sha256(password.encode()).hexdigest()


def authenticate(call: Call) -> Identity:
    """The account; 401, and 500 for a wrong password. A nonce counts from now on, whatever becomes of the request."""
    basic = _basic(call.header("authorization"))
    if basic is not None:
        return _by_password(call.box, *basic)
    if not _claims_signature(call):
        raise Refusal(401, "No authentication strategy detected")
    with call.box.transaction():
        return _by_signature(call)


def signer(call: Call) -> str | None:
    """The key, registered or not, with which the request is rightly signed, if it names no password."""
    if _basic(call.header("authorization")) is not None or not _claims_signature(call):
        return None
    payload = call.raw if call.request.method in _IN_BODY else call.query
    signed = signing.message(call.request.method, call.path, payload)
    key = call.header("x-pubkey")
    return key if signing.is_signed(key, call.header("x-signature"), signed) else None


def _claims_signature(call: Call) -> bool:
    return bool(call.header("x-pubkey") and call.header("x-signature"))


def _basic(header: str) -> tuple[str, str] | None:
    scheme, _, text = header.partition(" ")
    try:
        name, _, password = base64.b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (name, password) if scheme.lower() == "basic" and name and password else None


def _by_password(box: Sandbox, name: str, password: str) -> Identity:
    row = box.db.one("SELECT * FROM user WHERE email = ? AND hashpass = ?", name, stored_password(password))
    if row is None:
        raise Refusal(500, "Invalid email or password")
    if not row["activated"]:
        raise Refusal(401, "User account has not been activated")
    return Identity(name)


def _by_signature(call: Call) -> Identity:
    key, db = signer(call), call.box.db
    if key is None:
        raise Refusal(401, "Invalid signature")
    owner = db.one("SELECT user FROM pubkey WHERE key = ?", key)
    if owner is None:
        raise Refusal(401, "Public key not registered")
    user = db.one("SELECT * FROM user WHERE email = ?", owner["user"])
    if user is None:
        raise Refusal(401, "User not found")
    if call.box.switches.signers_must_be_active and not user["activated"]:
        raise Refusal(401, "User account has not been activated")
    nonce = _nonce(call)
    if not nonce or nonce < user["nonce"]:
        raise Refusal(401, "Invalid nonce supplied")
    db.run("UPDATE user SET nonce = ? WHERE email = ?", nonce, user["email"])
    return Identity(user["email"], key)


def _nonce(call: Call) -> float | None:
    """None if there is none; the database refuses what is no number."""
    in_body = call.request.method in _IN_BODY
    said = call.body.get("__nonce") if in_body else call.request.query_params.get("__nonce")
    if said is None or said == "":
        return None
    try:
        nonce = float(said if isinstance(said, int | float | str) else json.dumps(said))
    except (ValueError, OverflowError):
        raise invalid() from None
    if not math.isfinite(nonce):
        raise invalid()
    return nonce
