"""Accounts, passwords, app passwords (WebDAV facts, 2: addresses and authentication)."""

import base64
import binascii
import hashlib
import secrets
import string
import uuid
from collections.abc import Mapping

from mountcloud.sandbox.nextcloud import tree
from mountcloud.sandbox.nextcloud.errors import Refusal
from mountcloud.sandbox.nextcloud.state import Sandbox
from mountcloud.sandbox.nextcloud.tree import Row

_ALPHABET = string.ascii_letters + string.digits


def create(box: Sandbox, login: str, password: str, *, identity: str = "", quota: int = -3) -> str:
    """A new account with a home; its id, which differs from the login name as with LDAP."""
    identity = identity or str(uuid.uuid4())
    places = {place: tree.add(box, identity, "directory", None, place) for place in ("home", "trash")}
    row = {"id": identity, "login": login, "password": _digest(password), "display_name": login.capitalize()}
    box.db.insert("account", {**row, "quota": quota, **places})
    return identity


def account(box: Sandbox, identity: str) -> Row:
    """An account that must be there."""
    row = box.db.one("SELECT * FROM account WHERE id = ?", identity)
    if row is None:
        raise Refusal(404, f"Principal with name {identity} not found")
    return row


def new_app_password(box: Sandbox, identity: str, device: str) -> str:
    """72 characters that stand for the account on one device."""
    password = "".join(secrets.choice(_ALPHABET) for _ in range(72))
    box.db.insert("app_password", {"digest": _digest(password), "account": identity, "device": device})
    return password


def set_password(box: Sandbox, identity: str, password: str) -> None:
    """Another password for the account."""
    box.db.run("UPDATE account SET password = ? WHERE id = ?", _digest(password), identity)


def authenticate(box: Sandbox, headers: Mapping[str, str]) -> Row:
    """The account of Basic credentials; 401. A typed password is refused where a second factor is demanded."""
    login, password = credentials(headers)
    row = box.db.one("SELECT * FROM account WHERE login = ?", login)
    if row is not None and is_app_password(box, row, password):
        return row
    if row is not None and not row["two_factor"] and is_password(row, password):
        return row
    raise Refusal(
        401,
        "Cannot authenticate over ajax calls" if not login else "Username or password was incorrect",
        headers={"WWW-Authenticate": 'Basic realm="Nextcloud", charset="UTF-8"'},
    )


def is_password(row: Row, password: str) -> bool:
    """True if this is what the person types."""
    return secrets.compare_digest(row["password"], _digest(password))


def is_app_password(box: Sandbox, row: Row, password: str) -> bool:
    """True if the account has this app password."""
    sql = "SELECT 1 FROM app_password WHERE digest = ? AND account = ?"
    return box.db.one(sql, _digest(password), row["id"]) is not None


def revoke(box: Sandbox, password: str) -> bool:
    """End one app password; False if there is none."""
    return box.db.run("DELETE FROM app_password WHERE digest = ?", _digest(password)) > 0


def credentials(headers: Mapping[str, str]) -> tuple[str, str]:
    """Login name and password of the request, empty if there are none."""
    scheme, _, text = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        login, _, password = base64.b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return login, password


def _digest(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()
