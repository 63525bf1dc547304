"""Rows as the service shows them (Metadisk facts, 2)."""

import json
import sqlite3
from datetime import UTC, datetime

Row = sqlite3.Row


def iso(milliseconds: int) -> str:
    """As ``2016-03-20T17:30:55.840Z``."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{milliseconds % 1000:03d}Z"


def bucket(row: Row) -> dict[str, object]:
    """A bucket."""
    same = {name: row[name] for name in ("id", "name", "storage", "transfer", "user")}
    more = {"status": "Active", "pubkeys": json.loads(row["pubkeys"]), "created": iso(row["created"])}
    return same | more


def token(row: Row) -> dict[str, object]:
    """A token."""
    same = {name: row[name] for name in ("token", "bucket", "operation")}
    return same | {"id": row["token"], "expires": iso(row["expires"])}


def file(row: Row) -> dict[str, object]:
    """A file's entry; one without a name is shown by its hash."""
    same = {name: row[name] for name in ("bucket", "mimetype", "size", "hash")}
    return same | {"filename": row["name"] or row["hash"]}
