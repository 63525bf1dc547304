"""A second client: another program that talks to the service directly, as its web interface would (DRACOON facts)."""

from pathlib import PurePosixPath
from typing import Any, Self

import httpx

CLIENT = ("dracoon_legacy_scripting", "")


class Refused(AssertionError):
    """The service refused; ``status`` is its answer's."""

    def __init__(self, words: str, status: int) -> None:
        super().__init__(words)
        self.status = status


class Service:
    """Paths are from the top of the account, such as ``/Projects/notes.txt``."""

    def __init__(self, url: str, username: str, password: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=60, trust_env=False)
        self._form = {"grant_type": "password", "username": username, "password": password}
        self._log_in()

    def _log_in(self) -> None:
        answer = self._http.post("/oauth/token", data=self._form, auth=CLIENT)
        answer.raise_for_status()
        self._http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def ask(self, method: str, path: str, **keywords: Any) -> Any:
        """One request; its JSON answer, None if there is none."""
        answer = self._http.request(method, f"/api/v4{path}", **keywords)
        if answer.status_code == 401:  # other tests let tokens expire
            self._log_in()
            answer = self._http.request(method, f"/api/v4{path}", **keywords)
        if not answer.is_success:
            raise Refused(f"{method} {path}: {answer.status_code} {answer.text}", answer.status_code)
        return answer.json() if answer.content else None

    def children(self, node: int) -> list[dict[str, Any]]:
        """All children of a room or folder; 0 is the top (DRACOON facts, 8)."""
        return self._listed("/nodes", {"parent_id": node, "sort": "name:asc"})

    def find(self, path: str) -> dict[str, Any] | None:
        """The node at a path, None if there is none."""
        node: dict[str, Any] = {"id": 0}
        for name in PurePosixPath(path).parts[1:]:
            found = [child for child in self.children(node["id"]) if child["name"] == name]
            if not found:
                return None
            [node] = found
        return node

    def id(self, path: str) -> int:
        """The id of the node at a path, which must be there."""
        node = self.find(path)
        assert node is not None, f"{path} is not on the service"
        return int(node["id"])

    def tree(self, path: str) -> dict[str, int | None]:
        """Everything below a path: sizes of files, None for directories."""
        found: dict[str, int | None] = {}
        for child in self.children(self.id(path)):
            if child["type"] == "file":
                found[child["name"]] = child["size"]
                continue
            found[child["name"]] = None
            below = self.tree(f"{path}/{child['name']}")
            found |= {f"{child['name']}/{name}": size for name, size in below.items()}
        return found

    def make_folder(self, path: str) -> None:
        """DRACOON facts, 9."""
        place = PurePosixPath(path)
        self.ask("POST", "/nodes/folders", json={"parentId": self.id(str(place.parent)), "name": place.name})

    def upload(
        self, path: str, data: bytes, *, strategy: str = "overwrite", file_key: dict[str, str] | None = None
    ) -> None:
        """Put a file into a room in one chunk; an encrypted room demands a key (DRACOON facts, 12.2)."""
        place = PurePosixPath(path)
        body = {"parentId": self.id(str(place.parent)), "name": place.name, "size": len(data)}
        channel = self.ask("POST", "/nodes/files/uploads", json=body)["uploadId"]
        if data:
            headers = {
                "Content-Range": f"bytes 0-{len(data) - 1}/{len(data)}",
                "Content-Type": "application/octet-stream",
            }
            self.ask("POST", f"/nodes/files/uploads/{channel}", content=data, headers=headers)
        ending = {"resolutionStrategy": strategy, "fileName": place.name} | ({"fileKey": file_key} if file_key else {})
        self.ask("PUT", f"/nodes/files/uploads/{channel}", json=ending)

    def download(self, path: str) -> bytes:
        """The stored bytes of the file at a path."""
        return self.content(self.id(path))

    def content(self, node: int) -> bytes:
        """The stored bytes of a file (DRACOON facts, 11)."""
        url = self.ask("POST", f"/nodes/files/{node}/downloads")["downloadUrl"]
        with httpx.Client(timeout=60, trust_env=False) as http:
            answer = http.get(url)
        if not answer.is_success:
            raise Refused(f"downloading node {node}: {answer.status_code}", answer.status_code)
        return answer.content

    def rename(self, path: str, name: str) -> None:
        """A new name in the same place (DRACOON facts, 9)."""
        node = self.find(path)
        assert node is not None, path
        self.ask("PUT", f"/nodes/{node['type']}s/{node['id']}", json={"name": name})

    def move(self, path: str, target: str) -> None:
        """Into another directory (DRACOON facts, 10.2)."""
        body = {"items": [{"id": self.id(path)}], "resolutionStrategy": "fail"}
        self.ask("POST", f"/nodes/{self.id(target)}/move_to", json=body)

    def delete(self, path: str) -> None:
        """Into the recycle bin (DRACOON facts, 10.1)."""
        self.ask("DELETE", f"/nodes/{self.id(path)}")

    def deleted(self, room: str) -> set[str]:
        """Names in the recycle bin of a room (DRACOON facts, 14)."""
        return {item["name"] for item in self._listed(f"/nodes/{self.id(room)}/deleted_nodes", {})}

    def _listed(self, path: str, query: dict[str, Any]) -> list[dict[str, Any]]:
        """All pages of a list (DRACOON facts, 2)."""
        found: list[dict[str, Any]] = []
        while True:
            page = self.ask("GET", path, params={**query, "offset": len(found), "limit": 500})["items"]
            found += page
            if len(page) < 500:
                return found
