"""Where the directories stand into which something is owed: a lost index must not lose the way to it."""

from collections.abc import Iterable
from dataclasses import dataclass

from mountcloud.model.ids import NodeId
from mountcloud.store.sqlite import Database, Row, text

TABLE = """
    CREATE TABLE home (
        id TEXT PRIMARY KEY,            -- node id of a directory that the service knows
        parent TEXT NOT NULL,
        name TEXT NOT NULL,             -- as the service sees it
        encrypted INTEGER NOT NULL
    ) WITHOUT ROWID
    """


@dataclass(frozen=True, slots=True)
class Home:
    """A directory other than the root, with its place and whether what is in it is stored encrypted."""

    id: NodeId
    parent: NodeId
    name: str
    encrypted: bool


class Homes:
    """In the journal's database, and in memory."""

    def __init__(self, db: Database) -> None:
        self._db = db
        found = (_home(row) for row in db.rows("SELECT id, parent, name, encrypted FROM home"))
        self._known = {each.id: each for each in found}

    def note(self, directories: Iterable[Home]) -> None:
        """These stand where they are said to."""
        for each in directories:
            if self._known.get(each.id) != each:
                self._db.run(
                    "INSERT OR REPLACE INTO home VALUES (?, ?, ?, ?)",
                    (each.id, each.parent, each.name, each.encrypted),
                )
                self._known[each.id] = each

    def knows(self, directory: Home) -> bool:
        """True if it is noted just so; then so are those above it, or they were when it was."""
        return self._known.get(directory.id) == directory

    def above(self, directory: NodeId) -> list[Home]:
        """The directory and all above it but the root, the highest first; empty for one that is not known."""
        found: list[Home] = []
        while (home := self._known.get(directory)) is not None and home not in found:
            found.insert(0, home)
            directory = home.parent
        return found

    def forget_all(self) -> None:
        """Nothing is owed."""
        if self._known:
            self._db.run("DELETE FROM home")
            self._known.clear()


def _home(row: Row) -> Home:
    return Home(NodeId(row[0]), NodeId(row[1]), text(row[2]), bool(row[3]))
