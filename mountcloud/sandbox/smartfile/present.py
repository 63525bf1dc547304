"""The path object (SmartFile facts, 4)."""

import mimetypes
from datetime import UTC, datetime
from pathlib import PurePosixPath
from urllib.parse import quote
from zlib import crc32
from zoneinfo import ZoneInfo

from mountcloud.sandbox.smartfile.state import Sandbox
from mountcloud.sandbox.smartfile.tree import Spot, below

ZONE = ZoneInfo("America/Indiana/Indianapolis")
_RIGHTS = {"list": "l", "read": "r", "write": "w", "remove": "d"}


def clock_time(seconds: int) -> str:
    """Wall-clock of Indianapolis without a zone."""
    return datetime.fromtimestamp(seconds, UTC).astimezone(ZONE).strftime("%Y-%m-%dT%H:%M:%S")


def media_type(spot: Spot) -> str:
    """As the name tells."""
    if spot.is_directory:
        return "application/x-directory"
    return mimetypes.guess_type(spot.node["name"])[0] or "application/octet-stream"


def present(box: Sandbox, spot: Spot, origin: str) -> dict[str, object]:
    """What the service tells of a node."""
    row, directory = spot.node, spot.is_directory
    inside = below(box, row["id"]) if directory else []
    attributes = box.db.all("SELECT * FROM attribute WHERE node = ?", row["id"])
    return {
        "path": spot.text,
        "name": row["name"],
        "isdir": directory,
        "isfile": not directory,
        "size": sum(each["size"] for each in inside) if directory else row["size"],
        "time": clock_time(row["time"]),
        "items": sum(each["parent"] == row["id"] for each in inside) if directory else None,
        "extension": "" if directory else PurePosixPath(row["name"]).suffix,
        "mime": media_type(spot),
        "id": row["id"] if box.switches.moves_keep_number else crc32(spot.text.encode()),
        "acl": {name: letter not in spot.denied for name, letter in _RIGHTS.items()},
        "attributes": {each["key"]: each["value"] for each in attributes},
        "tags": [],
        "owner": None,
        "url": f"{origin}/api/2/path/info{quote(spot.text)}",
    }
