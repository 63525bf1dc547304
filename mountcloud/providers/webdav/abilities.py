"""What one server can do, as data: found out once by trying (``probe.py``) and kept in the account's book."""

import json
from dataclasses import asdict, dataclass, fields

_SCHEMA = 2
"""Raised when the probe learns to ask more, so that every server is asked again."""


@dataclass(frozen=True, slots=True)
class Abilities:
    """The values are those of a server of which nothing is known: every safe way round is taken.

    ``put_if_none`` and ``put_if_match``: PUT honours If-None-Match:* and If-Match; ``delete_if_match``: so does DELETE.
    ``precise``: two writes of one size within a second get different ETags.
    ``move_keeps``: ETag and date of a file stay the same when it is moved.
    ``move_refuses``: MOVE with Overwrite:F refuses the name of a directory, instead of moving into it.
    ``lists_hidden``: a list holds names that begin with a dot.
    ``properties``: a dead property is kept, moves along, and leaves ETag and date alone.
    ``whole_put``: a PUT that breaks off leaves the old content.
    ``mkcol_tells``: MKCOL refuses a name that is taken.
    ``ranges``: a part of a file can be had by itself.
    ``moves_semicolons``: MOVE keeps what comes after a semicolon in a name.
    ``quota``: the root tells used and available bytes.
    ``owncloud``: Nextcloud or ownCloud: ids, rights, ETags of directories that tell of all below.
    ``sync``: the root tells what changed anywhere below it since a token (RFC 6578, sync-level infinite).
    ``sets_dates``: setting ``d:lastmodified`` changes the date of a file, and with it the ETag (Nextcloud).
    """

    put_if_none: bool = False
    put_if_match: bool = False
    delete_if_match: bool = False
    precise: bool = False
    move_keeps: bool = False
    move_refuses: bool = False
    lists_hidden: bool = True
    properties: bool = False
    whole_put: bool = False
    mkcol_tells: bool = False
    ranges: bool = False
    moves_semicolons: bool = True
    quota: bool = False
    owncloud: bool = False
    sync: bool = False
    sets_dates: bool = False

    @property
    def text(self) -> str:
        """As it is kept."""
        return json.dumps({"schema": _SCHEMA, **asdict(self)})


def abilities_of(text: str | None) -> Abilities | None:
    """What ``Abilities.text`` was made of; None if nothing was kept, or not everything was asked then."""
    kept = json.loads(text) if text else {}
    if kept.pop("schema", None) != _SCHEMA:
        return None
    known = {field.name for field in fields(Abilities)}
    return Abilities(**{name: value for name, value in kept.items() if name in known})
