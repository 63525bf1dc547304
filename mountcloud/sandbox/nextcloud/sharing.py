"""``/ocs/…/apps/files_sharing/api/v1/shares``: links for strangers (the OCS Share API of Nextcloud's manual).

Only links: sharing with other accounts is done from outside (``control.py``).
"""

import re
import secrets
from collections.abc import Mapping
from datetime import UTC, date, datetime

from starlette.requests import Request

from mountcloud.sandbox.database import Value
from mountcloud.sandbox.nextcloud import tree
from mountcloud.sandbox.nextcloud.calls import origin, split
from mountcloud.sandbox.nextcloud.errors import Refusal
from mountcloud.sandbox.nextcloud.ocs import fields_of
from mountcloud.sandbox.nextcloud.properties import media_type
from mountcloud.sandbox.nextcloud.state import Sandbox, now
from mountcloud.sandbox.nextcloud.tree import Row

READ, UPDATE, CREATE, DELETE, SHARE = 1, 2, 4, 8, 16
_LINK = 3
_TOKEN = 15
_MOST_LETTERS = 255
Fields = Mapping[str, str]


def listed(request: Request, box: Sandbox, account: Row) -> object:
    """``GET``: the account's links, with ``path`` those of one node."""
    path = fields_of(request).get("path", "")
    rows = box.db.all("SELECT * FROM link WHERE account = ? ORDER BY id", account["id"])
    if path:
        node = _at(box, account, path).node["id"]
        rows = [row for row in rows if row["node"] == node]
    return [_shown(request, box, row) for row in rows if tree.allowed(box, account, row["node"])]


def one(request: Request, box: Sandbox, account: Row) -> object:
    """``GET`` by number: a list of one."""
    return [_shown(request, box, _link(request, box, account))]


def make(request: Request, box: Sandbox, account: Row) -> object:
    """``POST``: a new link, also if there is one."""
    fields = fields_of(request)
    spot = _at(box, account, fields.get("path", ""))
    if fields.get("shareType") != str(_LINK):
        raise Refusal(400, "Unknown share type")
    if not spot.path:
        raise Refusal(403, "You cannot share your root folder")
    if "R" not in spot.permissions:
        raise Refusal(404, f"You are not allowed to share {spot.path[-1]}")
    if not box.switches.links:
        raise Refusal(404, "Public link sharing is disabled by the administrator")
    values: dict[str, Value] = {"permissions": _permissions(box, spot, fields)}
    values |= _wishes(box, fields, {"password": "", "expires": ""})
    token = "".join(secrets.choice("abcdefghijkmnopqrstwxyzABCDEFGHJKLMNPQRSTWXYZ23456789") for _ in range(_TOKEN))
    texts = {name: fields.get(name, "") for name in ("label", "note")}
    if len(texts["label"]) > _MOST_LETTERS:
        raise Refusal(400, "Maximum label length is 255")
    row: dict[str, Value] = {"account": account["id"], "node": spot.node["id"], "token": token, "made_at": now()}
    box.db.insert("link", {**row, **values, **texts})
    number = box.db.number("SELECT last_insert_rowid()")
    return _shown(request, box, tree.need_row(box, "link", number))


def change(request: Request, box: Sandbox, account: Row) -> object:
    """``PUT``: what is named gets another value."""
    row, fields = _link(request, box, account), fields_of(request)
    spot = tree.Spot(tree.by_id(box, row["node"]), ("",), tree.ALL, "")
    values: dict[str, Value] = {name: fields[name] for name in ("label", "note") if name in fields}
    if "permissions" in fields or "publicUpload" in fields:
        values["permissions"] = _permissions(box, spot, fields)
    kept = {"password": row["password"], "expires": row["expires"]}
    box.db.update("link", row["id"], {**values, **_wishes(box, fields, kept)})
    return _shown(request, box, tree.need_row(box, "link", row["id"]))


def end(request: Request, box: Sandbox, account: Row) -> object:
    """``DELETE``: the link leads nowhere any more."""
    box.db.run("DELETE FROM link WHERE id = ?", _link(request, box, account)["id"])
    return []


def _at(box: Sandbox, account: Row, path: str) -> tree.Spot:
    spot = tree.look(box, account, split(path)) if path else None
    if spot is None:
        raise Refusal(404, "Wrong path, file/folder does not exist")
    return spot


def _link(request: Request, box: Sandbox, account: Row) -> Row:
    sql = "SELECT * FROM link WHERE id = ? AND account = ?"
    row = box.db.one(sql, request.path_params["number"], account["id"])
    if row is None:
        raise Refusal(404, "Wrong share ID, share does not exist")
    return row


def _permissions(box: Sandbox, spot: tree.Spot, fields: Fields) -> int:
    """``publicUpload`` is the older way to say what ``permissions`` says."""
    asked = fields.get("permissions", str(READ))
    public = {"true": READ | CREATE | UPDATE | DELETE, "false": READ}.get(fields.get("publicUpload", ""))
    found = int(asked) if asked.isdecimal() and public is None else public or READ
    found |= SHARE if found & READ else 0
    if not spot.is_directory:
        found &= ~(DELETE | CREATE)
    if not found & (READ | CREATE):
        raise Refusal(400, "Share must at least have READ or CREATE permissions")
    if not found & READ and found & (UPDATE | DELETE):
        raise Refusal(400, "Share must have READ permission if UPDATE or DELETE permission is set")
    if spot.is_directory and found & (CREATE | UPDATE | DELETE) and not box.switches.public_upload:
        raise Refusal(403, "Public upload disabled by the administrator")
    return found


def _wishes(box: Sandbox, fields: Fields, kept: dict[str, str]) -> dict[str, str]:
    found = {"password": fields.get("password", kept["password"]), "expires": kept["expires"]}
    if "expireDate" in fields:
        found["expires"] = _day(fields["expireDate"])
    if box.switches.link_passwords and not found["password"]:
        raise Refusal(403, "Passwords are enforced for link and mail shares")
    return found


def _day(text: str) -> str:
    """A link ends when this day begins, in the time zone of the account, which is UTC here."""
    if not text:
        return ""
    found = re.match(r"\d{4}-\d{2}-\d{2}", text)
    try:
        day = date.fromisoformat(found[0] if found else "")
    except ValueError:
        raise Refusal(404, "Invalid date. Format must be YYYY-MM-DD") from None
    if day <= datetime.now(UTC).date():
        raise Refusal(404, "Expiration date is in the past")
    return day.isoformat()


def _shown(request: Request, box: Sandbox, row: Row) -> dict[str, object]:
    node = tree.by_id(box, row["node"])
    path = "/" + "/".join(tree.names_of(box, node["id"]))
    password = f"3|$argon2id${row['token']}" if row["password"] else None
    return {
        "id": str(row["id"]),
        "share_type": _LINK,
        "uid_owner": row["account"],
        "uid_file_owner": node["owner"],
        "permissions": row["permissions"],
        "stime": row["made_at"],
        "expiration": f"{row['expires']} 00:00:00" if row["expires"] else None,
        "token": row["token"],
        "url": f"{origin(request)}/index.php/s/{row['token']}",
        "path": path,
        "item_type": "file" if node["kind"] == "file" else "folder",
        "mimetype": media_type(node["name"]) if node["kind"] == "file" else "httpd/unix-directory",
        "item_source": node["id"],
        "file_source": node["id"],
        "file_target": path,
        "share_with": password,
        "share_with_displayname": "(Shared link)",
        "password": password,
        "send_password_by_talk": False,
        "label": row["label"],
        "note": row["note"],
        "mail_send": 0,
        "hide_download": 0,
        "attributes": None,
    }
