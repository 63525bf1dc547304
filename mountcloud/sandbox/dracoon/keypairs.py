"""Key pairs of the account: kept and given back, never opened (DRACOON facts, 6)."""

import json

from starlette.responses import Response

from mountcloud.sandbox.database import Value
from mountcloud.sandbox.dracoon import tree
from mountcloud.sandbox.dracoon.calls import Call, empty, reply
from mountcloud.sandbox.dracoon.errors import (
    BAD_KEY_PAIR,
    ENCRYPTION_OFF,
    KEY_PAIR_EXISTS,
    NO_KEY_PAIR,
    UNKNOWN_KEY_VERSION,
    Refusal,
)
from mountcloud.sandbox.dracoon.fields import Fields, date_text, now_ms
from mountcloud.sandbox.dracoon.state import Sandbox
from mountcloud.sandbox.dracoon.tree import Row

FILE_KEY_VERSIONS = {"RSA-4096": "RSA-4096/AES-256-GCM", "A": "A"}
"""Versions of key pairs, the preferred first, and the file keys that each makes."""


def pairs_of(box: Sandbox, user: int) -> list[Row]:
    """Key pairs of a user, the preferred first."""
    return box.db.all("SELECT * FROM key_pair WHERE user_id = ? ORDER BY version = 'A'", user)


def get_key_pair(call: Call) -> Response:
    """``GET /user/account/keypair``: of a version, else the preferred one."""
    version = _version_asked(call)
    for row in pairs_of(call.box, call.user):
        if version in {None, row["version"]}:
            return reply(_pair_json(row))
    raise Refusal(NO_KEY_PAIR)


def list_key_pairs(call: Call) -> Response:
    """``GET /user/account/keypairs``: a bare array."""
    rows = pairs_of(call.box, call.user)
    if not rows:
        raise Refusal(NO_KEY_PAIR)
    return reply([_pair_json(row) for row in rows])


def set_key_pair(call: Call) -> Response:
    """``POST /user/account/keypair``."""
    store_pair(call.box, call.user, call.body, None)
    return empty()


def add_key_pair(call: Call) -> Response:
    """``POST /user/account/keypairs``: a new pair, the old private key being kept to wrap file keys anew."""
    previous = call.body.fields("previousPrivateKey")
    store_pair(call.box, call.user, call.body, None if previous is None else json.dumps(previous.values))
    return empty()


def delete_key_pair(call: Call) -> Response:
    """``DELETE /user/account/keypair``: the pair, its file keys, and files that nobody can open any more are gone."""
    version = _version_asked(call)
    versions = [row["version"] for row in pairs_of(call.box, call.user)]
    if not versions or version not in {None, *versions}:
        raise Refusal(NO_KEY_PAIR)
    chosen = version or versions[-1]
    call.box.db.run("DELETE FROM key_pair WHERE user_id = ? AND version = ?", call.user, chosen)
    sql = "DELETE FROM file_key WHERE user_id = ? AND version = ? RETURNING file_id"
    for row in call.box.db.all(sql, call.user, FILE_KEY_VERSIONS[chosen]):
        _destroy_unreadable(call.box, row["file_id"])
    return empty()


def _destroy_unreadable(box: Sandbox, file: int) -> None:
    if box.db.one("SELECT 1 FROM file_key WHERE file_id = ?", file) is None:
        if tree.live(box, file) is not None:
            tree.attach(box, file, -1)
        tree.destroy(box, [file])


def store_pair(box: Sandbox, user: int, body: Fields, previous: str | None) -> None:
    """Check the containers and keep them."""
    if not box.switches.crypto_enabled:
        raise Refusal(ENCRYPTION_OFF)
    private, public = body.fields("privateKeyContainer"), body.fields("publicKeyContainer")
    if private is None or public is None:
        raise Refusal(BAD_KEY_PAIR)
    version = private.text("version")
    if version not in FILE_KEY_VERSIONS or public.text("version") != version:
        raise Refusal(UNKNOWN_KEY_VERSION)
    secret, shown = private.text("privateKey") or "", public.text("publicKey") or ""
    if "BEGIN ENCRYPTED PRIVATE KEY" not in secret or "BEGIN PUBLIC KEY" not in shown:
        raise Refusal(BAD_KEY_PAIR)
    if version in {row["version"] for row in pairs_of(box, user)}:
        raise Refusal(KEY_PAIR_EXISTS)
    columns: dict[str, Value] = {"user_id": user, "version": version, "private_key": secret, "public_key": shown}
    box.db.insert("key_pair", columns | {"previous_private_key": previous, "created_at": now_ms()})


def public_container(row: Row) -> dict[str, object]:
    """The ``publicKeyContainer`` of a stored pair."""
    made: dict[str, object] = {"createdAt": date_text(row["created_at"]), "createdBy": row["user_id"]}
    return made | {"version": row["version"], "publicKey": row["public_key"]}


def _pair_json(row: Row) -> dict[str, object]:
    made: dict[str, object] = {"createdAt": date_text(row["created_at"]), "createdBy": row["user_id"]}
    private = made | {"version": row["version"], "privateKey": row["private_key"]}
    return {"privateKeyContainer": private, "publicKeyContainer": public_container(row)}


def _version_asked(call: Call) -> str | None:
    version = call.query.get("version")
    if version is not None and version not in FILE_KEY_VERSIONS:
        raise Refusal(UNKNOWN_KEY_VERSION)
    return version
