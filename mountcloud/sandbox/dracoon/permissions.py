"""Rights per room, with inheritance (DRACOON facts, 18)."""

from collections import defaultdict
from enum import IntFlag

from mountcloud.sandbox.database import Database
from mountcloud.sandbox.dracoon.fields import Fields


class Right(IntFlag):
    """What a user may do with the content of a room."""

    NONE = 0
    MANAGE = 1
    READ = 2
    CREATE = 4
    CHANGE = 8
    DELETE = 16
    MANAGE_DOWNLOAD_SHARE = 32
    MANAGE_UPLOAD_SHARE = 64
    READ_RECYCLE_BIN = 128
    RESTORE_RECYCLE_BIN = 256
    DELETE_RECYCLE_BIN = 512
    ALL = 1023


NAMES = {
    "manage": Right.MANAGE,
    "read": Right.READ,
    "create": Right.CREATE,
    "change": Right.CHANGE,
    "delete": Right.DELETE,
    "manageDownloadShare": Right.MANAGE_DOWNLOAD_SHARE,
    "manageUploadShare": Right.MANAGE_UPLOAD_SHARE,
    "readRecycleBin": Right.READ_RECYCLE_BIN,
    "restoreRecycleBin": Right.RESTORE_RECYCLE_BIN,
    "deleteRecycleBin": Right.DELETE_RECYCLE_BIN,
}
ROLES = {
    1: "CONFIG_MANAGER",
    2: "USER_MANAGER",
    3: "GROUP_MANAGER",
    4: "ROOM_MANAGER",
    5: "LOG_AUDITOR",
    6: "NONMEMBER_VIEWER",
}
ROOM_MANAGER = 4


def rights_json(rights: Right) -> dict[str, bool]:
    """The ``permissions`` object."""
    return {name: right in rights for name, right in NAMES.items()}


def rights_of(permissions: Fields | None) -> Right:
    """From a ``permissions`` object; absent members are false."""
    rights = Right.NONE
    if permissions is not None:
        for name, right in NAMES.items():
            rights |= right if permissions.flag(name) else Right.NONE
    return rights


class Access:
    """Answers who may do what, from a picture that is made anew after ``forget``."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._rights: dict[int, dict[int, Right]] = {}
        self._parents: dict[int, int] = {}
        self._inherits: dict[int, bool] = {}

    def forget(self) -> None:
        """Rooms, members or groups changed."""
        self._rights.clear()
        self._parents.clear()
        self._inherits.clear()

    def rights(self, user: int, room: int) -> Right:
        """The user's rights in a room."""
        return self._rights_of(user).get(room, Right.NONE)

    def visible(self, user: int) -> set[int]:
        """Rooms in which the user has any right, and those that lead to them."""
        rights = self._rights_of(user)
        found: set[int] = set()
        for room, right in rights.items():
            step = room
            while right and step and step not in found:
                found.add(step)
                step = self._parents[step]
        return found

    def rooms_with(self, user: int, wanted: Right) -> set[int]:
        """Rooms in which the user has all of these rights."""
        return {room for room, right in self._rights_of(user).items() if wanted in right}

    def member_room(self, room: int) -> int:
        """The room whose members count for this room: itself, or the one it inherits from."""
        self._load_rooms()
        while self._inherits.get(room):
            room = self._parents[room]
        return room

    def members(self, room: int) -> dict[int, Right]:
        """All users with any right in a room."""
        rows = self._db.all(
            "SELECT user_id, rights FROM room_user WHERE room_id = ?1"
            " UNION ALL SELECT group_member.user_id, rights FROM room_group"
            " JOIN group_member USING (group_id) WHERE room_id = ?1",
            self.member_room(room),
        )
        found: dict[int, Right] = defaultdict(lambda: Right.NONE)
        for row in rows:
            found[row["user_id"]] |= Right(row["rights"])
        return {user: right for user, right in found.items() if right}

    def _rights_of(self, user: int) -> dict[int, Right]:
        if user not in self._rights:
            self._load_rooms()
            direct = self._direct(user)
            self._rights[user] = {room: direct[self.member_room(room)] for room in self._parents}
        return self._rights[user]

    def _direct(self, user: int) -> dict[int, Right]:
        rows = self._db.all(
            "SELECT room_id, rights FROM room_user WHERE user_id = ?1 UNION ALL SELECT room_id, rights FROM room_group"
            " JOIN group_member USING (group_id) WHERE user_id = ?1",
            user,
        )
        direct: dict[int, Right] = defaultdict(lambda: Right.NONE)
        for row in rows:
            direct[row["room_id"]] |= Right(row["rights"])
        return direct

    def _load_rooms(self) -> None:
        if not self._parents:
            for row in self._db.all("SELECT id, parent_id, inherit FROM node WHERE type = 'room'"):
                self._parents[row["id"]] = row["parent_id"]
                self._inherits[row["id"]] = bool(row["inherit"])
