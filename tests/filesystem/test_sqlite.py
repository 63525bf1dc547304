"""A database in the tree, through the sqlite3 program."""

import subprocess
from pathlib import Path

import pytest

from tests.filesystem.tree import Tree


def sql(tree: Tree, database: Path, *statements: str) -> list[str]:
    """The rows that one run of the program prints; it stops at the first error."""
    return tree.run("sqlite3", "-bail", "-batch", database, stdin=";\n".join(statements) + ";\n").splitlines()


def fill(count: int) -> str:
    """Insert that many rows of about 100 bytes."""
    return (
        f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) "
        "INSERT INTO t SELECT i, hex(randomblob(50)) FROM n"
    )


CREATE = "CREATE TABLE t (id INTEGER PRIMARY KEY, word TEXT)"


@pytest.mark.parametrize(
    "journal", ["delete", "persist", *(pytest.param(mode, marks=pytest.mark.slow) for mode in ("truncate", "memory"))]
)
def test_rollback_journal(tree: Tree, journal: str) -> None:
    database = tree.path / "data.db"
    mode = f"PRAGMA journal_mode={journal}"
    assert sql(tree, database, mode, CREATE, "BEGIN", fill(5000), "COMMIT") == [journal]
    assert sql(tree, database, mode, "BEGIN", "DELETE FROM t", "ROLLBACK", "SELECT count(*) FROM t")[1:] == ["5000"]
    sql(tree, database, mode, "UPDATE t SET word = 'x' WHERE id % 2", "DELETE FROM t WHERE id > 4000", "VACUUM")
    tree.fresh_view()
    checks = "SELECT count(*), sum(word = 'x') FROM t"
    assert sql(tree, database, "PRAGMA integrity_check", checks) == ["ok", "4000|2000"]


def test_many_small_transactions(tree: Tree) -> None:
    database = tree.path / "data.db"
    sql(tree, database, CREATE, *[f"INSERT INTO t VALUES ({number}, 'w')" for number in range(60)])
    tree.fresh_view()
    assert sql(tree, database, "PRAGMA integrity_check", "SELECT count(*) FROM t") == ["ok", "60"]
    assert tree.run("ls", "-A", tree.path) == "data.db\n"


def test_wal_works_or_is_refused_but_never_corrupts(tree: Tree) -> None:
    database = tree.path / "data.db"
    [mode] = sql(tree, database, "PRAGMA journal_mode=WAL")
    assert mode in {"wal", "delete"}
    sql(tree, database, CREATE, "BEGIN", fill(500), "COMMIT")
    tree.fresh_view()
    assert sql(tree, database, "PRAGMA integrity_check", "SELECT count(*) FROM t") == ["ok", "500"]


def test_a_second_process_is_locked_out(tree: Tree) -> None:
    database = tree.path / "data.db"
    sql(tree, database, CREATE, fill(10))
    holder = tree.caller()
    holder.start(hold_lock, database, tree.scratch / "locked", tree.scratch / "enough")
    tree.run("sh", "-c", 'while ! [ -e "$1" ]; do sleep 0.02; done', "sh", tree.scratch / "locked", limit_s=20)
    refusal = tree.attempt("sqlite3", database, "INSERT INTO t VALUES (100, 'other')")
    tree.run("touch", tree.scratch / "enough")
    holder.result()
    assert refusal.returncode != 0
    assert "locked" in refusal.stderr
    assert sql(tree, database, "SELECT count(*) FROM t", "PRAGMA integrity_check") == ["11", "ok"]


def hold_lock(database: Path, locked: Path, enough: Path) -> None:
    """Hold a write lock from the moment one file appears until another one does."""
    script = (
        "BEGIN EXCLUSIVE;\nINSERT INTO t VALUES (50, 'mine');\n"
        f".shell touch '{locked}'\n.shell while ! [ -e '{enough}' ]; do sleep 0.02; done\nCOMMIT;\n"
    )
    subprocess.run(["sqlite3", "-bail", "-batch", database], input=script.encode(), check=True, timeout=30)
