"""What a new sandbox begins with, and a believable start for a demonstration."""

import os

from mountcloud.crypt.keys import ROUNDS, key_pair_version, make_key_pair
from mountcloud.sandbox.database import Value
from mountcloud.sandbox.dracoon import tree
from mountcloud.sandbox.dracoon.accounts import NewUser, create_user
from mountcloud.sandbox.dracoon.fields import Fields
from mountcloud.sandbox.dracoon.keypairs import pairs_of, store_pair
from mountcloud.sandbox.dracoon.permissions import ROLES, ROOM_MANAGER, Right
from mountcloud.sandbox.dracoon.rooms import set_member
from mountcloud.sandbox.dracoon.state import Sandbox

ADMIN_USER = "admin"
DEMO_USER = "demo"
COLLEAGUE_USER = "colleague"
DEMO_PASSWORD = "demo"  # noqa: S105 - documented, and reachable from this machine only
DEMO_ENCRYPTION_PASSWORD = "demo encryption"  # noqa: S105 - likewise
PLAIN_ROOM = "Projects"
ENCRYPTED_ROOM = "Confidential"
MEMBER = Right.ALL & ~Right.MANAGE


def first_accounts(box: Sandbox, password: str) -> None:
    """``admin`` with all roles and ``demo``, who may make rooms; each once."""
    with box.transaction():
        _account(box, NewUser(ADMIN_USER, password, tuple(ROLES)))
        _account(box, NewUser(DEMO_USER, password, (ROOM_MANAGER,)))


def demonstration(box: Sandbox, password: str) -> None:
    """A second account, key pairs for both, a plain and an encrypted room; once in the life of a sandbox."""
    with box.transaction():
        if not box.db.run("INSERT OR IGNORE INTO counter VALUES ('demonstration', 1)"):
            return
        demo = _account(box, NewUser(DEMO_USER, password, (ROOM_MANAGER,)))
        colleague = _account(box, NewUser(COLLEAGUE_USER, password))
        for user in (demo, colleague):
            if not pairs_of(box, user):
                store_pair(box, user, new_key_pair("RSA-4096", DEMO_ENCRYPTION_PASSWORD, ROUNDS), None)
        for name, encrypted in ((PLAIN_ROOM, 0), (ENCRYPTED_ROOM, 1)):
            _room(box, name, encrypted, {demo: Right.ALL, colleague: MEMBER})


def new_key_pair(version: str, password: str, rounds: int) -> Fields:
    """A pair as a client would post it."""
    private, public = make_key_pair(key_pair_version(version), password, os.urandom, rounds=rounds)
    secret = {"version": private.version, "privateKey": private.private_key}
    shown = {"version": public.version, "publicKey": public.public_key}
    return Fields({"privateKeyContainer": secret, "publicKeyContainer": shown})


def _account(box: Sandbox, new: NewUser) -> int:
    row = box.db.one("SELECT id FROM user WHERE user_name = ?", new.user_name)
    return create_user(box, new) if row is None else int(row["id"])


def _room(box: Sandbox, name: str, encrypted: int, members: dict[int, Right]) -> None:
    if tree.clash(box, 0, name) is not None:
        return
    columns: dict[str, Value] = {"encrypted": encrypted}
    room = tree.add(box, next(iter(members)), "room", 0, name, columns=columns)
    for user, rights in members.items():
        set_member(box, room, user, rights)
