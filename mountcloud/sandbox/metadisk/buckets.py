"""``/buckets`` and their tokens (Metadisk facts, 3.4 and 4)."""

import json
import re
import secrets
import time
from collections.abc import Mapping

from starlette.responses import Response

from mountcloud.sandbox.database import Value
from mountcloud.sandbox.metadisk import present, signing
from mountcloud.sandbox.metadisk.calls import Call
from mountcloud.sandbox.metadisk.errors import Refusal, invalid, reply
from mountcloud.sandbox.metadisk.identity import authenticate, signer
from mountcloud.sandbox.metadisk.present import Row
from mountcloud.sandbox.metadisk.state import Sandbox, now_ms

_DEFAULTS: Mapping[str, object] = {"name": "New Bucket", "storage": 10, "transfer": 30}
_ID = re.compile(r"[0-9a-fA-F]{24}|.{12}", re.DOTALL | re.ASCII)


def find(box: Sandbox, id_: str) -> Row:
    """A bucket of anybody; 404, and 500 for an id that is none."""
    if not _ID.fullmatch(id_):
        raise Refusal(500, f'Cast to ObjectId failed for value "{id_}" at path "_id"')
    row = box.db.one("SELECT * FROM bucket WHERE id = ?", id_)
    if row is None:
        raise Refusal(404, "Bucket not found")
    return row


def own(call: Call, user: str) -> Row:
    """The bucket in the address, if it is this user's; 404 also for one of somebody else."""
    row = find(call.box, call.part("id"))
    if row["user"] != user:
        raise Refusal(404, "Bucket not found")
    return row


def add(box: Sandbox, user: str, values: Mapping[str, object]) -> str:
    """A new bucket; its id, which begins with the time as the service's database has it."""
    id_ = f"{int(time.time()):08x}{secrets.token_hex(8)}"
    given = {name: value for name, value in values.items() if value is not None}
    columns = _columns({**_DEFAULTS, "pubkeys": [], **given})
    box.db.insert("bucket", {"id": id_, "user": user, "created": now_ms(), **columns})
    return id_


def show_all(call: Call) -> Response:
    """``GET /buckets``."""
    user = authenticate(call).user
    rows = call.box.db.all("SELECT * FROM bucket WHERE user = ? ORDER BY rowid", user)
    if call.box.switches.reverse_listings:
        rows.reverse()
    return reply([present.bucket(row) for row in rows])


def show(call: Call) -> Response:
    """``GET /buckets/:id``."""
    return reply(present.bucket(own(call, authenticate(call).user)))


def create(call: Call) -> Response:
    """``POST /buckets``; the key that signed it may ask for its tokens."""
    asking = authenticate(call)
    said = call.body.get("pubkeys")
    pubkeys = said if isinstance(said, list) else []
    if asking.key and asking.key not in pubkeys:
        pubkeys = [*pubkeys, asking.key]
    values = {name: call.body.get(name) for name in _DEFAULTS}
    with call.box.transaction():
        id_ = add(call.box, asking.user, {**values, "pubkeys": pubkeys})
    return reply(present.bucket(find(call.box, id_)))


def change(call: Call) -> Response:
    """``PATCH /buckets/:id``."""
    row = own(call, authenticate(call).user)
    columns = _columns({name: call.body[name] for name in (*_DEFAULTS, "pubkeys") if name in call.body})
    with call.box.transaction():
        for name, value in columns.items():
            call.box.db.run(f"UPDATE bucket SET {name} = ? WHERE id = ?", value, row["id"])  # noqa: S608 - names are ours
    return reply(present.bucket(find(call.box, row["id"])))


def remove(call: Call) -> Response:
    """``DELETE /buckets/:id``, with all that is in it."""
    row = own(call, authenticate(call).user)
    with call.box.transaction():
        inside = "SELECT id FROM file WHERE bucket = ?"
        shards = call.box.db.all(f"SELECT blob FROM shard WHERE file IN ({inside})", row["id"])  # noqa: S608 - ours
        call.box.doom(*(shard["blob"] for shard in shards))
        call.box.db.run("DELETE FROM file WHERE bucket = ?", row["id"])
        call.box.db.run("DELETE FROM bucket WHERE id = ?", row["id"])
    return Response(status_code=204)


def create_token(call: Call) -> Response:
    """``POST /buckets/:id/tokens``: for its owner, and for whoever signs with one of the bucket's keys."""
    row = _open_for(call)
    operation = call.body.get("operation")
    if operation not in {"PUSH", "PULL"}:
        raise invalid()
    expires = now_ms() + int(call.box.switches.token_lifetime * 1000)
    values: dict[str, Value] = {"token": secrets.token_hex(32), "bucket": row["id"], "expires": expires}
    with call.box.transaction():
        call.box.db.insert("token", {**values, "operation": str(operation)})
    made = call.box.db.one("SELECT * FROM token WHERE token = ?", values["token"])
    assert made is not None
    return reply(present.token(made))


def use_token(box: Sandbox, token: str) -> Row:
    """The token, which is used up by this; 500."""
    with box.transaction():
        row = box.db.one("SELECT * FROM token WHERE token = ?", token)
        box.db.run("DELETE FROM token WHERE token = ?", token)
    if row is None or row["expires"] <= now_ms():
        raise Refusal(500, "Invalid or expired token")
    return row


def _open_for(call: Call) -> Row:
    try:
        return own(call, authenticate(call).user)
    except Refusal as refusal:
        # The service looks at the bucket's keys whatever else it did not like, so also after an old nonce.
        key = signer(call)
        if refusal.status != 401 or key is None:
            raise
        row = find(call.box, call.part("id"))
        if key not in json.loads(row["pubkeys"]):
            raise Refusal(404, "Bucket not found") from None
        return row


def _columns(values: Mapping[str, object]) -> dict[str, Value]:
    columns: dict[str, Value] = {}
    for name, value in values.items():
        if name == "pubkeys":
            columns[name] = _keys(value)
        elif name == "name":
            columns[name] = str(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            columns[name] = value
        else:
            raise invalid()
    return columns


def _keys(value: object) -> str:
    if not isinstance(value, list):
        raise invalid()
    try:
        for key in value:
            signing.read_key(str(key))
    except ValueError:
        raise Refusal(400, "Invalid public key supplied") from None
    return json.dumps(value)
