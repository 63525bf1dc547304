"""A thin client for tests of the sandbox: one logged-in account over a real socket, no cleverness."""

import itertools
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.sandbox.fixture import RunningSandbox

_numbers = itertools.count(1)
# Nobody closes these clients, so they must not keep connections.
NO_POOL = httpx.Limits(max_keepalive_connections=0)
CLIENT = ("dracoon_legacy_scripting", "")
FILE_KEY = {"version": "RSA-4096/AES-256-GCM", "key": "a2V5", "iv": "aXY=", "tag": "dGFn"}


def fresh(prefix: str) -> str:
    """A name that no other test uses."""
    return f"{prefix}{next(_numbers)}"


@dataclass
class Account:
    """A user with a token, and the calls that many tests need."""

    server: RunningSandbox
    id: int
    name: str
    http: httpx.Client = field(repr=False)

    def get(self, path: str, **params: str | int) -> httpx.Response:
        return self.http.get(path, params=params)

    def post(self, path: str, body: object = None) -> httpx.Response:
        return self.http.post(path, json=body)

    def put(self, path: str, body: object = None) -> httpx.Response:
        return self.http.put(path, json=body)

    def delete(self, path: str, body: object = None) -> httpx.Response:
        return self.http.request("DELETE", path, json=body)

    def room(self, *, parent: int = 0, encrypted: bool = False, name: str = "") -> int:
        return self.server.control.add_room(name or fresh("room"), self.id, parent=parent, encrypted=encrypted)

    def folder(self, parent: int, name: str = "") -> int:
        return int(ok(self.post("/nodes/folders", {"parentId": parent, "name": name or fresh("folder")}))["id"])

    def channel(self, parent: int, name: str, **more: object) -> dict[str, Any]:
        return ok(self.post("/nodes/files/uploads", {"parentId": parent, "name": name, **more}))

    def upload(self, parent: int, name: str, data: bytes = b"content", **completion: object) -> httpx.Response:
        url = self.channel(parent, name)["uploadUrl"]
        if data:
            ok(plain().post(url, content=data, headers={"content-range": f"bytes 0-{len(data) - 1}/{len(data)}"}))
        return plain().put(url, json=completion)

    def file(self, parent: int, name: str = "", data: bytes = b"content", **completion: object) -> dict[str, Any]:
        return ok(self.upload(parent, name or fresh("file"), data, **completion))

    def node(self, node: int) -> dict[str, Any]:
        return ok(self.get(f"/nodes/{node}"))

    def names(self, parent: int, **params: str | int) -> list[str]:
        return [node["name"] for node in ok(self.get("/nodes", parent_id=parent, **params))["items"]]

    def content(self, file: int) -> bytes:
        answer = plain().get(ok(self.post(f"/nodes/files/{file}/downloads"))["downloadUrl"])
        assert answer.status_code == 200, answer.text
        return answer.content


def login(server: RunningSandbox, *, roles: tuple[int, ...] = (4,), key_pair: bool = False) -> Account:
    """A new account, logged in."""
    name = fresh("user")
    user = server.control.add_user(name, "secret", roles)
    if key_pair:
        server.control.set_key_pair(user, PRIVATE, PUBLIC)
    token = ok(token_request(server, grant_type="password", username=name, password="secret"))["access_token"]
    headers = {"authorization": f"Bearer {token}"}
    http = httpx.Client(
        base_url=f"{server.base_url}/api/v4", headers=headers, timeout=30, trust_env=False, limits=NO_POOL
    )
    return Account(server, user, name, http)


def token_request(server: RunningSandbox, auth: tuple[str, str] = CLIENT, **form: str) -> httpx.Response:
    """``POST /oauth/token``."""
    return plain().post(f"{server.base_url}/oauth/token", data=form, auth=auth)


def plain() -> httpx.Client:
    """A client without a token."""
    return _PLAIN


def ok(answer: httpx.Response) -> dict[str, Any]:
    """The JSON of a success."""
    assert answer.is_success, f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}"
    found: dict[str, Any] = answer.json() if answer.content else {}
    return found


def refusal(answer: httpx.Response) -> tuple[int, int | None]:
    """Status and error code of a refusal."""
    assert answer.is_error, f"{answer.request.method} {answer.request.url} succeeded: {answer.text}"
    return answer.status_code, answer.json().get("errorCode")


_PLAIN = httpx.Client(timeout=30, trust_env=False, limits=NO_POOL)
PRIVATE = {"version": "RSA-4096", "privateKey": "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA==\n"}
PUBLIC = {"version": "RSA-4096", "publicKey": "-----BEGIN PUBLIC KEY-----\nAA==\n"}
