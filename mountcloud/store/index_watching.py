"""Who hears of changes in the index: triggers tell of every one, whoever makes it, for as long as the index is open."""

from collections.abc import Callable

from mountcloud.model.ids import NodeId
from mountcloud.store.index_look_ups import LookUps
from mountcloud.store.sqlite import Database

_TOUCHED = """
CREATE TEMP TABLE touched (parent TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TEMP TRIGGER touched_by_insert AFTER INSERT ON main.node WHEN new.parent IS NOT NULL BEGIN
    INSERT OR IGNORE INTO touched VALUES (new.parent);
END;
CREATE TEMP TRIGGER touched_by_delete AFTER DELETE ON main.node WHEN old.parent IS NOT NULL BEGIN
    INSERT OR IGNORE INTO touched VALUES (old.parent);
END;
CREATE TEMP TRIGGER touched_by_update AFTER UPDATE OF id, parent, name, size, version ON main.node BEGIN
    INSERT OR IGNORE INTO touched SELECT old.parent WHERE old.parent IS NOT NULL;
    INSERT OR IGNORE INTO touched SELECT new.parent WHERE new.parent IS NOT NULL;
END;
"""
"""Notes the directories in which nodes change, whoever changes them, for as long as the database is open."""
_LISTINGS = """
CREATE TEMP TRIGGER listing_changed_by_insert AFTER INSERT ON main.node WHEN new.parent IS NOT NULL BEGIN
    SELECT listing_changed(new.parent);
END;
CREATE TEMP TRIGGER listing_changed_by_delete AFTER DELETE ON main.node WHEN old.parent IS NOT NULL BEGIN
    SELECT listing_changed(old.parent);
END;
CREATE TEMP TRIGGER listing_changed_by_update
AFTER UPDATE OF id, parent, file_name, name, directory, size, mtime_ns, rights, mode ON main.node
WHEN (old.id, old.parent, old.file_name, old.name, old.directory, old.size, old.mtime_ns, old.rights,
    old.mode)
    IS NOT (new.id, new.parent, new.file_name, new.name, new.directory, new.size, new.mtime_ns, new.rights,
    new.mode)
BEGIN
    SELECT listing_changed(old.parent) WHERE old.parent IS NOT NULL;
    SELECT listing_changed(new.parent) WHERE new.parent IS NOT NULL;
END;
"""
"""Tells at once in which directories a listing with attributes would show something else. The version is not shown."""


class Watched(LookUps):
    """Tells in which directories something changed, for as long as it is open."""

    def __init__(self, db: Database) -> None:
        super().__init__(db)
        self._watched = False

    def watch(self, changed: Callable[[NodeId], None]) -> None:
        """From now on ``changed`` hears of each directory at once when a listing of it would show something else.

        It may hear of one in vain. What the kernel is told of the directory itself is the matter of the one above it.
        """
        self._db.teach("listing_changed", changed)
        self._db.script(_LISTINGS)

    def take_touched(self) -> list[NodeId] | None:
        """Directories in which nodes changed since the last time; None the first time: from then on it is noted."""
        if not self._watched:
            self._db.script(_TOUCHED)
            self._watched = True
            return None
        found = [NodeId(row[0]) for row in self._db.rows("SELECT parent FROM touched")]
        if found:
            self._db.run("DELETE FROM touched")
        return found

    def secure_room(self) -> None:
        """As ``Database.secure_room``."""
        self._db.secure_room()

    def close(self) -> None:
        """Close; idempotent."""
        self._db.close()
