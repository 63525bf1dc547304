"""The account, the customer, and making accounts (DRACOON facts, 5)."""

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass, field

from starlette.responses import Response

from mountcloud.sandbox.database import Value
from mountcloud.sandbox.dracoon import tree
from mountcloud.sandbox.dracoon.calls import Call, reply
from mountcloud.sandbox.dracoon.errors import FORBIDDEN, Refusal
from mountcloud.sandbox.dracoon.fields import date_text, now_ms
from mountcloud.sandbox.dracoon.keypairs import pairs_of
from mountcloud.sandbox.dracoon.permissions import ROLES, Right
from mountcloud.sandbox.dracoon.state import Sandbox, User

# Every login of a test pays for this, and nothing of value is behind it.
_SCRYPT = {"n": 1024, "r": 8, "p": 1}


@dataclass(frozen=True, slots=True)
class NewUser:
    """An account to be made; names default to the user name."""

    user_name: str
    password: str = field(repr=False)
    roles: tuple[int, ...] = ()
    first_name: str = ""
    last_name: str = "Example"


def create_user(box: Sandbox, new: NewUser) -> int:
    """Its id."""
    user, salt = box.db.next("id"), secrets.token_bytes(16)
    columns: dict[str, Value] = {
        "id": user,
        "user_name": new.user_name,
        "first_name": new.first_name or new.user_name.capitalize(),
    }
    columns |= {
        "last_name": new.last_name,
        "email": f"{new.user_name}@example.com",
        "roles": json.dumps(list(new.roles)),
    }
    columns |= {"salt": salt, "password": password_hash(new.password, salt), "created_at": now_ms()}
    box.db.insert("user", columns)
    box.access.forget()
    return user


def password_hash(password: str, salt: bytes) -> bytes:
    """What is kept of a password."""
    return hashlib.scrypt(password.encode(), salt=salt, **_SCRYPT)


def user_of_login(box: Sandbox, user_name: str, password: str) -> User | None:
    """The account, if the password is right."""
    row = box.db.one("SELECT id, salt, password FROM user WHERE user_name = ?", user_name)
    if row is None or not hmac.compare_digest(password_hash(password, row["salt"]), row["password"]):
        return None
    box.db.run("UPDATE user SET last_login = ? WHERE id = ?", now_ms(), row["id"])
    box.forget_people()
    return box.user(row["id"])


def get_account(call: Call) -> Response:
    """``GET /user/account``."""
    if call.caller is None:
        raise Refusal(FORBIDDEN)
    user, box = call.caller, call.box
    account: dict[str, object] = {name: value for name, value in user.info().items() if name != "userType"}
    account |= {
        "language": "en",
        "isLocked": user.locked,
        "isEncryptionEnabled": bool(pairs_of(box, user.id)),
        "hasManageableRooms": bool(box.access.rooms_with(user.id, Right.MANAGE)),
        "needsToAcceptEULA": box.switches.eula_pending,
        "mustSetEmail": False,
        "createdAt": date_text(user.created_at),
        "authData": {"method": "basic", "login": user.user_name, "mustChangePassword": False},
        "userRoles": {
            "items": [{"id": role, "name": ROLES[role], "description": ROLES[role]} for role in sorted(user.roles)]
        },
    }
    if user.last_login is not None:
        account["lastLoginSuccessAt"] = date_text(user.last_login)
    if call.query.get("more_info") == "true":
        account["userGroups"] = _groups(box, user.id)
    return reply(account)


def _groups(box: Sandbox, user: int) -> list[dict[str, object]]:
    rows = box.db.all("SELECT id, name FROM user_group JOIN group_member ON group_id = id WHERE user_id = ?", user)
    return [{"id": row["id"], "name": row["name"], "isMember": True} for row in rows]


def update_account(call: Call) -> Response:
    """``PUT /user/account``: only the acceptance of the EULA has an effect."""
    if call.body.flag("acceptEULA"):
        call.box.change_switches({"eula_pending": False})
    return get_account(call)


def get_customer(call: Call) -> Response:
    """``GET /user/account/customer``: the quota of the tenant."""
    box = call.box
    users = box.db.number("SELECT count(*) FROM user")
    customer = {"id": 1, "name": "Sandbox", "isProviderCustomer": False, "spaceLimit": box.switches.space_limit}
    customer |= {"spaceUsed": tree.customer_usage(box), "accountsLimit": 1000, "accountsUsed": users}
    customer |= {"cntInternalUser": users, "cntGuestUser": 0, "customerEncryptionEnabled": box.switches.crypto_enabled}
    return reply(customer)
