"""The book of places in an SQLite file of its own: neither rebuildable nor owed, like the attributes."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from mountcloud.model.ids import NodeId
from mountcloud.model.operation import Slot
from mountcloud.model.places import Place
from mountcloud.store.reserve import Reserve
from mountcloud.store.sqlite import Database, Row, text

_MIGRATIONS = [
    """
    CREATE TABLE places (
        id TEXT PRIMARY KEY,
        parent TEXT,                    -- NULL for the root
        name TEXT NOT NULL,
        is_directory INTEGER NOT NULL,
        facts TEXT NOT NULL,            -- the provider's own
        aim_parent TEXT, aim_name TEXT  -- where an unfinished move goes
    ) WITHOUT ROWID;
    CREATE UNIQUE INDEX places_by_slot ON places (parent, name);
    CREATE INDEX places_by_aim ON places (aim_parent) WHERE aim_parent IS NOT NULL;
    CREATE TABLE notes (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    """,
    """
    ALTER TABLE places ADD COLUMN mark TEXT NOT NULL DEFAULT '';    -- what the service shows of it wherever it is
    CREATE INDEX places_by_mark ON places (mark) WHERE mark <> '';
    """,
]

_COLUMNS = "id, parent, name, is_directory, facts, aim_parent, aim_name, mark"
_PUT = f"INSERT OR REPLACE INTO places ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - constants
_MANY = 16
"""Places for which it is worth asking for all names of their directory."""
_WITH_ALL_BELOW = """
    DELETE FROM places WHERE id IN (
        WITH RECURSIVE gone (id) AS (
            VALUES (?) UNION SELECT places.id FROM places JOIN gone ON places.parent = gone.id
        ) SELECT id FROM gone
    )
"""


class PlaceBook:
    """Implements ``model/places.py``."""

    def __init__(self, path: Path, reserve: Reserve | None = None) -> None:
        self._db = Database(path, _MIGRATIONS, reserve)

    def secure_room(self) -> None:
        """As ``Database.secure_room``."""
        self._db.secure_room()

    def get(self, node: NodeId) -> Place | None:
        """Where the node is."""
        return next(iter(self._where("id = ?", node)), None)

    def find(self, parent: NodeId, name: str) -> Place | None:
        """Who holds this name."""
        return next(iter(self._where("parent = ? AND name = ?", parent, name)), None)

    def below(self, parent: NodeId) -> Sequence[Place]:
        """All that is directly in this directory."""
        return self._where("parent = ?", parent)

    def aimed_at(self, parent: NodeId) -> Sequence[Place]:
        """All that may have been moved into this directory."""
        return self._where("aim_parent = ?", parent)

    def marked(self, mark: str) -> Sequence[Place]:
        """All of which the service showed this."""
        return self._where("mark = ? AND mark <> ''", mark)

    def _where(self, condition: str, *values: str) -> list[Place]:
        rows = self._db.rows(f"SELECT {_COLUMNS} FROM places WHERE {condition}", values)  # noqa: S608 - constants
        return [_place(row) for row in rows]

    def change(self, put: Iterable[Place] = (), remove: Iterable[NodeId] = ()) -> None:
        """Forget some nodes with all that is below them, then put others."""
        with self._db.transaction():
            for node in remove:
                self._db.run(_WITH_ALL_BELOW, (node,))
            for place in self._put_together(list(put)):
                self._put(place)

    def _put_together(self, places: Sequence[Place]) -> Sequence[Place]:
        """Of the many of a first listing those that take nobody's name, in one go; returns the others."""
        parents = {place.parent for place in places}
        if len(places) < _MANY or len(parents) != 1 or len({place.id for place in places}) < len(places):
            return places
        held = self._db.rows("SELECT name FROM places WHERE parent = ?", tuple(parents))
        taken = {text(row[0]) for row in held}
        taken |= {name for name, count in Counter(place.name for place in places).items() if count > 1}
        self._db.run_many(_PUT, [_row(place) for place in places if place.name not in taken])
        return [place for place in places if place.name in taken]

    def _put(self, place: Place) -> None:
        holder = None if place.parent is None else self.find(place.parent, place.name)
        if holder is not None and holder.id != place.id:
            self._db.run(_WITH_ALL_BELOW, (holder.id,))
        self._db.run(_PUT, _row(place))

    def note(self, key: str) -> str | None:
        """What the provider wrote down."""
        row = self._db.row("SELECT value FROM notes WHERE key = ?", (key,))
        return None if row is None else str(row[0])

    def set_note(self, key: str, value: str) -> None:
        """Write it down."""
        self._db.run("INSERT OR REPLACE INTO notes VALUES (?, ?)", (key, value))

    def close(self) -> None:
        """Close; idempotent."""
        self._db.close()


def _row(place: Place) -> Row:
    aim = (None, None) if place.aim is None else (place.aim.parent, place.aim.name)
    return (place.id, place.parent, place.name, place.is_directory, place.facts, *aim, place.mark)


def _place(row: Row) -> Place:
    id, parent, name, is_directory, facts, aim_parent, aim_name, mark = row
    aim = None if aim_parent is None else Slot(NodeId(aim_parent), text(aim_name))
    return Place(
        NodeId(id), None if parent is None else NodeId(parent), text(name), bool(is_directory), facts, aim, mark
    )
