"""Who is asking: Basic with key and password, or OAuth 1 with plain text signatures (SmartFile facts, 2)."""

import base64
import binascii
import secrets
import sqlite3
import string
from collections.abc import Mapping
from urllib.parse import unquote

from mountcloud.sandbox.smartfile.errors import Refusal
from mountcloud.sandbox.smartfile.state import Sandbox

Row = sqlite3.Row
_LENGTH = 30
_CHALLENGE = {"WWW-Authenticate": 'Basic realm="api"'}


def generated() -> str:
    """A key, password, token or secret as the service makes them."""
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(_LENGTH))


def create(box: Sandbox, username: str, key: str = "", password: str = "") -> tuple[str, str]:
    """A new account with an empty tree: its key and password, generated unless given."""
    key, password = key or generated(), password or generated()
    values = {"parent": None, "name": "", "is_directory": 1, "time": int(box.now())}
    box.db.insert("node", values)
    root = box.db.number("SELECT last_insert_rowid()")
    box.db.insert("account", {"key": key, "password": password, "username": username, "root": root})
    return key, password


def refused() -> Refusal:
    """401."""
    return Refusal(401, "Invalid username/password", headers=_CHALLENGE)


def authenticate(box: Sandbox, headers: Mapping[str, str]) -> Row:
    """The account of a request; 401."""
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    found = _by_basic(box, rest) if scheme.lower() == "basic" else None
    if scheme.lower() == "oauth":
        found = _by_oauth(box, oauth_parameters(rest))
    if found is None:
        raise refused()
    return found


def _by_basic(box: Sandbox, text: str) -> Row | None:
    try:
        name, _, password = base64.b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return box.db.one("SELECT * FROM account WHERE ? IN (key, username) AND password = ?", name, password)


def _by_oauth(box: Sandbox, said: Mapping[str, str]) -> Row | None:
    token = token_of(box, said, "access")
    return None if token is None else box.db.one("SELECT * FROM account WHERE key = ?", token["account"])


def oauth_parameters(header: str) -> dict[str, str]:
    """What an ``Authorization: OAuth`` header says (RFC 5849, 3.5.1)."""
    pairs = (each.strip().partition("=") for each in header.split(","))
    return {unquote(name): unquote(value.strip('"')) for name, _, value in pairs}


def client_of(box: Sandbox, said: Mapping[str, str]) -> Row:
    """The program that asks; 401."""
    client = box.db.one("SELECT * FROM client WHERE token = ?", said.get("oauth_consumer_key", ""))
    if client is None or said.get("oauth_signature_method") != "PLAINTEXT":
        raise refused()
    return client


def is_signed(said: Mapping[str, str], client: Row, token_secret: str) -> bool:
    """RFC 5849, 3.4.4: both secrets, no base string."""
    expected = f"{client['secret']}&{token_secret}"
    return secrets.compare_digest(unquote(said.get("oauth_signature", "")).encode(), expected.encode())


def token_of(box: Sandbox, said: Mapping[str, str], kind: str) -> Row | None:
    """The token of this kind with which a request is signed rightly."""
    client = client_of(box, said)
    sql = "SELECT * FROM oauth_token WHERE token = ? AND kind = ? AND client = ?"
    token = box.db.one(sql, said.get("oauth_token", ""), kind, client["token"])
    return token if token is not None and is_signed(said, client, token["secret"]) else None
