"""What every request works on: database, stored bytes, switches, and who may do what."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mountcloud.sandbox.blobs import Blobs
from mountcloud.sandbox.database import Database
from mountcloud.sandbox.dracoon.permissions import Access
from mountcloud.sandbox.dracoon.schema import SCHEMA, SCHEMA_VERSION
from mountcloud.sandbox.dracoon.switches import Switches


@dataclass(frozen=True, slots=True)
class User:
    """An account of the tenant."""

    id: int
    user_name: str
    first_name: str
    last_name: str
    email: str
    roles: frozenset[int]
    locked: bool
    created_at: int
    last_login: int | None

    def info(self) -> dict[str, object]:
        """The ``UserInfo`` object (DRACOON facts, 7)."""
        return {
            "id": self.id,
            "userType": "internal",
            "avatarUuid": f"00000000-0000-4000-8000-{self.id:012x}",
            "userName": self.user_name,
            "firstName": self.first_name,
            "lastName": self.last_name,
            "email": self.email,
        }


class Sandbox:
    """One tenant, kept in one directory that only its owner can read."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.db = Database(directory / "sandbox.db", SCHEMA, SCHEMA_VERSION)
        self.blobs = Blobs(directory / "blobs")
        self.switches = Switches()
        self.switches.change({row["name"]: json.loads(row["value"]) for row in self.db.all("SELECT * FROM switch")})
        self.access = Access(self.db)
        self.static_port = 0
        self._people: dict[int, User] = {}
        self._doomed: list[str] = []

    def change_switches(self, values: dict[str, object]) -> None:
        """Set switches and keep them."""
        self.switches.change(values)
        for name, value in values.items():
            self.db.run("INSERT OR REPLACE INTO switch VALUES (?, ?)", name, json.dumps(value))

    def user(self, user_id: int) -> User | None:
        """An account by id."""
        if user_id not in self._people:
            row = self.db.one("SELECT * FROM user WHERE id = ?", user_id)
            if row is None:
                return None
            values = {name: row[name] for name in ("id", "user_name", "first_name", "last_name", "email", "created_at")}
            roles = frozenset(json.loads(row["roles"]))
            self._people[user_id] = User(
                **values, roles=roles, locked=bool(row["locked"]), last_login=row["last_login"]
            )
        return self._people[user_id]

    def person(self, user_id: int) -> dict[str, object]:
        """``UserInfo`` of an account, also of one that is gone."""
        user = self.user(user_id)
        return {"id": user_id, "userType": "deleted"} if user is None else user.info()

    def forget_people(self) -> None:
        """Accounts changed."""
        self._people.clear()

    def doom(self, blob: str | None) -> None:
        """Remove these bytes once the transaction is through, unless a node still has them."""
        if blob is not None:
            self._doomed.append(blob)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, for the database, the stored bytes and the pictures kept of them."""
        try:
            with self.db.transaction():
                yield
        except BaseException:
            self._doomed.clear()
            self.access.forget()
            self.forget_people()
            raise
        for blob in self._doomed:
            if self.db.one("SELECT 1 FROM node WHERE blob = ?", blob) is None:
                self.blobs.remove(blob)
        self._doomed.clear()

    def close(self) -> None:
        """End the database connection."""
        self.db.close()
