"""A second client: another program that talks to the service directly (SmartFile facts, 5 to 8)."""

from typing import Any, Self
from urllib.parse import quote

import httpx


class Service:
    """One account. Raises ``AssertionError`` for refusals, except ``send``."""

    def __init__(self, url: str, key: str, password: str) -> None:
        self.url, self.key, self.password = url, key, password
        self._http = httpx.Client(base_url=url, auth=(key, password), timeout=60, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def send(self, method: str, address: str, /, **options: Any) -> httpx.Response:
        """One exchange with ``/api/2`` unless another version is named."""
        return self._http.request(method, address if address.startswith("/api/") else f"/api/2{address}", **options)

    def ok(self, method: str, address: str, /, **options: Any) -> httpx.Response:
        """One that must succeed."""
        answer = self.send(method, address, **options)
        assert answer.is_success, f"{method} {address}: {answer.status_code} {answer.text}"
        return answer

    def info(self, path: str) -> dict[str, Any] | None:
        """The path object, None if there is none."""
        answer = self.send("GET", f"/path/info/{quote(path)}")
        assert answer.status_code in {200, 404}, answer.text
        found: dict[str, Any] | None = answer.json() if answer.status_code == 200 else None
        return found

    def children(self, path: str) -> list[dict[str, Any]]:
        """All pages of a list."""
        found: list[dict[str, Any]] = []
        for page in range(1, 1000):
            query = {"children": "true", "limit": 100, "page": page}
            answer = self.ok("GET", f"/path/info/{quote(path)}", params=query).json()
            found += answer["children"]
            if answer["page"] >= answer["pages"]:
                break
        return found

    def names(self, path: str = "") -> set[str]:
        """What is in a directory, without what mountcloud hides."""
        return {each["name"] for each in self.children(path) if not each["name"].startswith(".mountcloud-")}

    def hidden(self, path: str = "") -> set[str]:
        """What mountcloud left behind."""
        return {each["name"] for each in self.children(path)} - self.names(path)

    def put(self, path: str, data: bytes) -> dict[str, Any]:
        """Make or overwrite a file."""
        directory, _, name = path.rpartition("/")
        answer = self.ok("POST", f"/path/data/{quote(directory)}/", files={"file": (name, data)}).json()
        made: dict[str, Any] = answer[0]
        return made

    def get(self, path: str) -> bytes:
        """The whole file."""
        return self.ok("GET", f"/path/data/{quote(path)}").content

    def mkdir(self, path: str) -> None:
        """Make a directory."""
        self.ok("POST", "/path/oper/mkdir/", data={"path": f"/{path}"})

    def rename(self, old: str, new: str) -> None:
        """To a full new path."""
        self.ok("POST", "/path/oper/rename/", data={"src": f"/{old}", "dst": f"/{new}"})

    def remove(self, path: str) -> None:
        """A file or a tree, to its end."""
        uuid = self.ok("POST", "/path/oper/remove/", data={"path": f"/{path}"}).json()["uuid"]
        assert self.task(uuid)["status"] == "SUCCESS"

    def task(self, uuid: str) -> dict[str, Any]:
        """How far it is."""
        found: dict[str, Any] = self.ok("GET", f"/task/{uuid}/").json()
        return found
