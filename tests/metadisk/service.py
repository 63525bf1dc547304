"""A second client: another program that talks to the service directly (Metadisk facts, 3 to 6)."""

import hashlib
import socket
import struct
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

import httpx
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    RejectConnection,
    Request,
    TextMessage,
)
from wsproto.frame_protocol import CloseReason

PASSWORD = "secret"


def sent_password(password: str = PASSWORD) -> str:
    """What goes over the line."""
    return hashlib.sha256(password.encode()).hexdigest()


@dataclass
class Told:
    """What a farmer said until it closed, and how: an HTTP status if it took no call, None if the line just ended."""

    data: bytes = b""
    texts: list[str] = field(default_factory=list)
    code: int | None = None
    reason: str = ""


class Service:
    """One account by its password. Raises ``AssertionError`` for refusals, except ``send`` and ``follow``."""

    def __init__(self, url: str, email: str, password: str = PASSWORD) -> None:
        self.url, self.email, self.password = url, email, password
        auth = (email, sent_password(password))
        self._http = httpx.Client(base_url=url, auth=auth, timeout=60, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def send(self, method: str, path: str, /, **options: Any) -> httpx.Response:
        """One exchange."""
        return self._http.request(method, path, **options)

    def ok(self, method: str, path: str, /, **options: Any) -> Any:
        """One that must succeed; its JSON."""
        answer = self.send(method, path, **options)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def make_bucket(self, name: str = "pics", **more: object) -> str:
        """A bucket; its id."""
        return str(self.ok("POST", "/buckets", json={"name": name, **more})["id"])

    def buckets(self) -> dict[str, str]:
        """Ids by name."""
        return {each["name"]: each["id"] for each in self.ok("GET", "/buckets")}

    def token(self, bucket: str, operation: str) -> str:
        """A fresh one."""
        return str(self.ok("POST", f"/buckets/{bucket}/tokens", json={"operation": operation})["token"])

    def put(self, bucket: str, name: str, data: bytes, mimetype: str = "application/octet-stream") -> dict[str, Any]:
        """Store a file."""
        answer = self.upload(bucket, self.token(bucket, "PUSH"), name, data, mimetype)
        assert answer.status_code == 200, answer.text
        entry: dict[str, Any] = answer.json()
        return entry

    def upload(
        self, bucket: str, token: str, name: str, data: bytes, mimetype: str = "text/plain", declared: str = ""
    ) -> httpx.Response:
        """One attempt."""
        headers = {"x-token": token, "x-filesize": declared or str(len(data))}
        files = {"data": (name, data, mimetype)}
        return self.send("PUT", f"/buckets/{bucket}/files", headers=headers, files=files)

    def files(self, bucket: str) -> dict[str, str]:
        """Hashes by name."""
        return {each["filename"]: each["hash"] for each in self.ok("GET", f"/buckets/{bucket}/files")}

    def pointers(self, bucket: str, hash_: str) -> list[dict[str, str]]:
        """Where the shards are."""
        headers = {"x-token": self.token(bucket, "PULL")}
        found: list[dict[str, str]] = self.ok("GET", f"/buckets/{bucket}/files/{hash_}", headers=headers)
        return found

    def get(self, bucket: str, hash_: str) -> bytes:
        """The content, whatever it is."""
        return b"".join(follow(each).data for each in self.pointers(bucket, hash_))

    def remove(self, bucket: str, hash_: str) -> None:
        """Delete a file."""
        assert self.send("DELETE", f"/buckets/{bucket}/files/{hash_}").status_code == 204


def follow(pointer: dict[str, str], message: str | None = None) -> Told:
    """Ask the farmer of a pointer for its shard; or say something else to it, nothing if that is empty."""
    words = f'{{"token":"{pointer["token"]}","hash":"{pointer["hash"]}","operation":"PULL"}}'
    where = urlsplit(pointer["channel"])
    with socket.create_connection((where.hostname or "", where.port or 80), timeout=30) as line:
        return _Conversation(line, words if message is None else message).until_it_ends(where.netloc)


class _Conversation:
    def __init__(self, line: socket.socket, message: str) -> None:
        self._line, self._message = line, message
        self._ws = WSConnection(ConnectionType.CLIENT)
        self._told = Told()

    def until_it_ends(self, host: str) -> Told:
        self._line.sendall(self._ws.send(Request(host=host, target="/")))
        while self._told.code is None and (data := self._receive()):
            self._ws.receive_data(data)
            for event in self._ws.events():
                self._take(event, data)
        return self._told

    def _receive(self) -> bytes:
        try:
            return self._line.recv(1 << 16)
        except ConnectionResetError:
            return b""

    def _take(self, event: Event, data: bytes) -> None:
        if isinstance(event, AcceptConnection) and self._message:
            self._line.sendall(self._ws.send(TextMessage(self._message)))
        elif isinstance(event, RejectConnection):
            self._told.code = event.status_code
        elif isinstance(event, BytesMessage):
            self._told.data += event.data
        elif isinstance(event, TextMessage):
            self._told.texts.append(event.data)
        elif isinstance(event, CloseConnection):
            self._line.sendall(self._ws.send(event.response()))
            self._told.code, self._told.reason = int(event.code), event.reason or ""
            if event.code == CloseReason.PROTOCOL_ERROR:
                self._told.code, self._told.reason = _close_of(data)


def _close_of(data: bytes) -> tuple[int, str]:
    """The last frame as it came: later farmers close with codes that no library takes (RFC 6455, 5.5.1)."""
    start = data.rindex(b"\x88")
    return struct.unpack_from("!H", data, start + 2)[0], data[start + 4 :].decode()
