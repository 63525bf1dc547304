"""What a Nextcloud says of itself and of one account: asked once, and kept in the book (WebDAV facts, 2)."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from mountcloud.model.errors import Forbidden, Unavailable
from mountcloud.model.names import NameRules
from mountcloud.model.offers import ServiceFacts
from mountcloud.providers.webdav.errors import failure_for
from mountcloud.providers.webdav.ocs import Ocs
from mountcloud.providers.webdav.wire import seconds

TRASH, VERSIONS, LINKS, UPLOAD_LINKS = "trash", "versions", "links", "upload links"
"""What a server may offer besides files."""
_MAX_NAME_BYTES = 250
"""The length of the column in which the server keeps names."""


@dataclass(frozen=True, slots=True)
class Cloud:
    """``user_id`` is the account's name in addresses, which often differs from the one of the log-in.

    The others are what the administrator forbids in names: single characters, whole names, what stands before the
    first dot, and endings. ``offers`` are the apps that are there, None if nobody asked yet.
    """

    user_id: str
    characters: str = ""
    names: tuple[str, ...] = ()
    stems: tuple[str, ...] = ()
    endings: tuple[str, ...] = ()
    offers: tuple[str, ...] | None = None

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
    offers = kept.get("offers")
    return Cloud(kept["user_id"], kept["characters"], **lists, offers=None if offers is None else tuple(offers))


def top_of(url: str) -> tuple[str, str]:
    """Origin and path of the instance, from whatever address of it a user may copy out of a browser."""
    parts = urlsplit(url)
    path = parts.path
    for page in ("/index.php", "/remote.php", "/apps/", "/login", "/ocs/", "/status.php"):
        path = path.partition(page)[0]
    return f"{parts.scheme}://{parts.netloc}", path.rstrip("/")


async def ask(ocs: Ocs) -> Cloud:
    """Who we are there, which names it takes, and what it offers.

    Raises ``AuthenticationRequired``, ``Unavailable``.
    """
    name = (await ocs.table("/cloud/user")).get("id")
    told = _table(await ocs.table("/cloud/capabilities"), "capabilities")
    files = _table(told, "files")
    if not isinstance(name, str) or not name:
        raise Unavailable("the server does not say who we are")
    return Cloud(
        name,
        "".join(each for each in _texts(files, "forbidden_filename_characters") if len(each) == 1),
        _texts(files, "forbidden_filenames"),
        _texts(files, "forbidden_filename_basenames"),
        _texts(files, "forbidden_filename_extensions"),
        tuple(_offers(files, _table(told, "files_sharing"))),
    )


def _offers(files: Mapping[str, object], sharing: Mapping[str, object]) -> Iterator[str]:
    """Apps that an administrator may switch off; small pictures are part of the server itself."""
    if files.get("undelete"):
        yield TRASH
    if files.get("versioning"):
        yield VERSIONS
    public = _table(sharing, "public")
    if sharing.get("api_enabled") and public.get("enabled"):
        yield LINKS
        if public.get("upload"):
            yield UPLOAD_LINKS


async def app_password(ocs: Ocs) -> str | None:
    """A password for this machine alone in exchange for a typed one; None if ours is such a password already."""
    try:
        given = (await ocs.table("/core/getapppassword")).get("apppassword")
    except Forbidden:
        return None
    return given if isinstance(given, str) and given else None


async def revoke(ocs: Ocs) -> None:
    """Make the app password with which we log in useless; no error for a typed one."""
    answer = await ocs.send("DELETE", "/core/apppassword")
    if not answer.ok and answer.status not in {401, 403}:
        raise failure_for(answer)


async def about(ocs: Ocs) -> ServiceFacts:
    """What ``status.php`` tells anybody; raises ``Unavailable``."""
    answer = await ocs.send("GET", "/status.php")
    found = answer.json() if answer.ok else None
    if not isinstance(found, dict):
        raise failure_for(answer)
    product, version = (str(found.get(name, "")) for name in ("productname", "versionstring"))
    return ServiceFacts(product or "Nextcloud", version, float(seconds(answer.headers.get("date", ""))) or None)


def _table(values: Mapping[str, object], name: str) -> Mapping[str, object]:
    found = values.get(name)
    return found if isinstance(found, dict) else {}


def _texts(values: Mapping[str, object], name: str) -> tuple[str, ...]:
    found = values.get(name)
    return tuple(each for each in found if isinstance(each, str)) if isinstance(found, list) else ()
