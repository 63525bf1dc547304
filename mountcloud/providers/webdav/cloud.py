"""What a Nextcloud says of itself and of one account: asked once, and kept in the book (WebDAV facts, 2)."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from mountcloud.model.errors import Unavailable
from mountcloud.model.names import NameRules
from mountcloud.net.http import Client, Response
from mountcloud.providers.webdav.errors import failure_for

_OCS = {"OCS-APIRequest": "true"}
_JSON = {"format": "json"}
_MAX_NAME_BYTES = 250
"""The length of the column in which the server keeps names."""


@dataclass(frozen=True, slots=True)
class Cloud:
    """``user_id`` is the account's name in addresses, which often differs from the one of the log-in.

    The others are what the administrator forbids in names: single characters, whole names, what stands before the
    first dot, and endings.
    """

    user_id: str
    characters: str = ""
    names: tuple[str, ...] = ()
    stems: tuple[str, ...] = ()
    endings: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """As it is kept."""
        return json.dumps(asdict(self))

    @property
    def rules(self) -> NameRules:
        """Which names this server holds."""
        return NameRules(
            max_bytes=_MAX_NAME_BYTES,
            forbidden="".join(sorted({"/", "\0", "\\", *self.characters})),
            forbid_control=True,
            reserved=frozenset(self.stems),
            forbidden_names=frozenset(self.names),
            forbidden_endings=self.endings,
            normalises=True,
        )


def cloud_of(text: str | None) -> Cloud | None:
    """What ``Cloud.text`` was made of."""
    if not text:
        return None
    kept = json.loads(text)
    lists = {name: tuple(kept[name]) for name in ("names", "stems", "endings")}
    return Cloud(kept["user_id"], kept["characters"], **lists)


def top_of(url: str) -> tuple[str, str]:
    """Origin and path of the instance, from whatever address of it a user may copy out of a browser."""
    parts = urlsplit(url)
    path = parts.path
    for page in ("/index.php", "/remote.php", "/apps/", "/login", "/ocs/", "/status.php"):
        path = path.partition(page)[0]
    return f"{parts.scheme}://{parts.netloc}", path.rstrip("/")


async def ask(client: Client, top: str) -> Cloud:
    """Who we are there, and which names it takes; raises ``AuthenticationRequired``, ``Unavailable``."""
    user = _data(await _ocs(client, top, "/cloud/user"))
    found = _data(await _ocs(client, top, "/cloud/capabilities")).get("capabilities")
    files = found.get("files") if isinstance(found, dict) else None
    rules: Mapping[str, object] = files if isinstance(files, dict) else {}
    name = user.get("id")
    if not isinstance(name, str) or not name:
        raise Unavailable("the server does not say who we are")
    return Cloud(
        name,
        "".join(each for each in _texts(rules, "forbidden_filename_characters") if len(each) == 1),
        _texts(rules, "forbidden_filenames"),
        _texts(rules, "forbidden_filename_basenames"),
        _texts(rules, "forbidden_filename_extensions"),
    )


async def app_password(client: Client, top: str) -> str | None:
    """A password for this machine alone in exchange for a typed one; None if ours is such a password already."""
    answer = await _ocs(client, top, "/core/getapppassword")
    if answer.status == 403:
        return None
    given = _data(answer).get("apppassword")
    return given if isinstance(given, str) and given else None


async def revoke(client: Client, top: str) -> None:
    """Make the app password with which we log in useless; no error for a typed one."""
    answer = await client.request("DELETE", f"{top}/ocs/v2.php/core/apppassword", params=_JSON, headers=_OCS)
    if not answer.ok and answer.status not in {401, 403}:
        raise failure_for(answer)


async def _ocs(client: Client, top: str, path: str) -> Response:
    return await client.request("GET", f"{top}/ocs/v2.php{path}", params=_JSON, headers=_OCS)


def _data(answer: Response) -> Mapping[str, object]:
    if not answer.ok:
        raise failure_for(answer)
    found = answer.json()
    envelope = found.get("ocs") if isinstance(found, dict) else None
    data = envelope.get("data") if isinstance(envelope, dict) else None
    if not isinstance(data, dict):
        raise Unavailable("the server answers, but not as Nextcloud does")
    return data


def _texts(values: Mapping[str, object], name: str) -> tuple[str, ...]:
    found = values.get(name)
    return tuple(each for each in found if isinstance(each, str)) if isinstance(found, list) else ()
