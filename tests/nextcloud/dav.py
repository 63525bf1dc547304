"""A WebDAV client of the tests' own: what goes over the wire is said in each test."""

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Self
from urllib.parse import quote, unquote
from xml.etree.ElementTree import Element

import httpx
from defusedxml.ElementTree import fromstring

D, OC, NC = "{DAV:}", "{http://owncloud.org/ns}", "{http://nextcloud.org/ns}"
NAMES = f"{D}getetag {D}getcontentlength {D}getlastmodified {D}resourcetype {D}quota-available-bytes".split()
NAMES += f"{OC}fileid {OC}id {OC}permissions {OC}size {OC}checksums {NC}is-mount-root {NC}mount-type".split()


@dataclass(frozen=True, slots=True)
class Found:
    """One node: properties that are there, and how it is called."""

    href: str
    values: Mapping[str, str]
    directory: bool

    @property
    def name(self) -> str:
        return unquote(self.href.rstrip("/").rpartition("/")[2])

    @property
    def etag(self) -> str:
        return self.values[f"{D}getetag"]

    @property
    def fileid(self) -> str:
        return self.values[f"{OC}fileid"]

    @property
    def permissions(self) -> str:
        return self.values[f"{OC}permissions"]


class Dav:
    """One account's files; paths are from its top."""

    def __init__(self, base_url: str, account: str, login: str, password: str) -> None:
        self.account, self.login, self.password = account, login, password
        self._http = httpx.Client(base_url=base_url, timeout=60, trust_env=False, auth=(login, password))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def url(self, path: str, space: str = "files") -> str:
        return f"{self._http.base_url}/remote.php/dav/{space}/{self.account}/{quote(path)}".replace(
            "//remote", "/remote"
        )

    def ask(self, method: str, path: str, *, space: str = "files", **keywords: Any) -> httpx.Response:
        """One request."""
        return self._http.request(method, self.url(path, space), **keywords)

    def ok(self, method: str, path: str, **keywords: Any) -> httpx.Response:
        """One request that succeeds."""
        answer = self.ask(method, path, **keywords)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer

    def ocs(self, method: str, path: str, **headers: str) -> httpx.Response:
        return self._http.request(method, f"/ocs/v2.php{path}", params={"format": "json"}, headers=headers)

    def shares(self, method: str, below: str = "", **fields: str) -> httpx.Response:
        """One request of the share interface."""
        url = f"/ocs/v2.php/apps/files_sharing/api/v1/shares{below}"
        headers = {"OCS-APIRequest": "true"}
        return self._http.request(method, url, params={"format": "json", **fields}, headers=headers)

    def page(self, path: str, **query: str | int) -> httpx.Response:
        """A GET of something that is neither WebDAV nor OCS."""
        return self._http.get(path, params=query)

    def put(self, path: str, data: bytes, **headers: str) -> httpx.Response:
        return self.ok(
            "PUT", path, content=data, headers={name.replace("_", "-"): each for name, each in headers.items()}
        )

    def get(self, path: str) -> bytes:
        return self.ok("GET", path).content

    def move(self, path: str, target: str, **headers: str) -> httpx.Response:
        return self.ask("MOVE", path, headers={"Destination": self.url(target), **headers})

    def list(
        self, path: str = "", *, depth: int = 1, space: str = "files", names: list[str] | None = None
    ) -> list[Found]:
        """The node itself, then what is in it."""
        asked = "".join(_asked(each) for each in names or NAMES)
        body = f'<?xml version="1.0"?><propfind xmlns="DAV:"><prop>{asked}</prop></propfind>'
        answer = self.ok("PROPFIND", path, space=space, content=body.encode(), headers={"Depth": str(depth)})
        return [_found(each) for each in fromstring(answer.content)]

    def stat(self, path: str) -> Found:
        return self.list(path, depth=0)[0]

    def older(self, path: str) -> tuple[str, ...]:
        """The times of the older contents of a file, in seconds; the server lists the present one among them."""
        found = self.stat(path)
        listed = self.list(f"versions/{found.fileid}", space="versions")[1:]
        present = parsedate_to_datetime(found.values[f"{D}getlastmodified"]).timestamp()
        return tuple(each.name for each in listed if int(each.name) != present)

    def names(self, path: str = "") -> set[str]:
        return {each.name for each in self.list(path)[1:]}


def _asked(name: str) -> str:
    space, _, local = name[1:].partition("}")
    return f'<x:{local} xmlns:x="{space}"/>'


def _found(response: Element) -> Found:
    values: dict[str, str] = {}
    directory = False
    for propstat in response.findall(f"{D}propstat"):
        prop = propstat.find(f"{D}prop")
        if " 200 " in (propstat.findtext(f"{D}status") or "") and prop is not None:
            values |= {each.tag: "".join(each.itertext()) for each in prop}
            directory = directory or prop.find(f"{D}resourcetype/{D}collection") is not None
    return Found(response.findtext(f"{D}href") or "", values, directory)
