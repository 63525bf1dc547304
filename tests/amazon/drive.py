"""Another client of the account: it says on the wire what a test means, by the words of the protocol alone."""

import json
import uuid
from pathlib import PurePosixPath
from typing import Any, Self

import httpx

from tests.amazon.server import Customer

Node = dict[str, Any]


class Drive:
    """Paths are from the top, such as ``/a/notes.txt``. ``ask`` gives any answer, all else insists on success."""

    def __init__(self, customer: Customer, *, token: str = "") -> None:
        self.customer = customer
        headers = {"Authorization": f"Bearer {token or customer.access_token}"}
        self._http = httpx.Client(base_url=customer.url, headers=headers, timeout=60, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def ask(self, method: str, path: str, **keywords: Any) -> httpx.Response:
        """``M:...`` and ``C:...`` as the facts write them."""
        where = {"M:": "/drive/v1/", "C:": "/cdproxy/"}
        return self._http.request(method, where[path[:2]] + path[2:], **keywords)

    def ok(self, method: str, path: str, **keywords: Any) -> Any:
        """The JSON of a success."""
        answer = self.ask(method, path, **keywords)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def children(self, folder: str = "", **query: Any) -> list[Node]:
        """All children, page by page."""
        found: list[Node] = []
        token: dict[str, str] = {}
        while True:
            page = self.ok("GET", f"M:nodes/{folder or self.customer.root}/children", params={**query, **token})
            found += page["data"]
            if "nextToken" not in page:
                return found
            token = {"startToken": page["nextToken"]}

    def names(self, folder: str = "") -> set[str]:
        """Names of all children."""
        return {node["name"] for node in self.children(folder)}

    def find(self, path: str) -> Node | None:
        """The node at a path."""
        node: Node = {"id": self.customer.root}
        for name in PurePosixPath(path).parts[1:]:
            found = [child for child in self.children(node["id"]) if child["name"] == name]
            if not found:
                return None
            [node] = found
        return node

    def id(self, path: str) -> str:
        """The id of what is at a path."""
        node = self.find(path)
        assert node is not None, f"{path} is not there"
        return str(node["id"])

    def node(self, node: str) -> Node:
        """The node as it is now."""
        found: Node = self.ok("GET", f"M:nodes/{node}")
        return found

    def mkdir(self, name: str, *parents: str) -> str:
        """A new folder's id."""
        body = {"kind": "FOLDER", "name": name, "parents": list(parents or [self.customer.root])}
        return str(self.ok("POST", "M:nodes", json=body)["id"])

    def put(self, name: str, data: bytes, parent: str = "") -> str:
        """A new file's id."""
        answer = self.post(name, data, parent)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def post(
        self, name: str, data: bytes, parent: str = "", *, query: str = "?suppress=deduplication"
    ) -> httpx.Response:
        """One upload."""
        metadata = {"kind": "FILE", "name": name, "parents": [parent or self.customer.root]}
        return self.ask("POST", f"C:nodes{query}", **form(data, metadata))

    def overwrite(self, node: str, data: bytes) -> Node:
        """New content."""
        found: Node = self.ok("PUT", f"C:nodes/{node}/content", **form(data))
        return found

    def read(self, node: str) -> bytes:
        """All bytes."""
        answer = self.ask("GET", f"C:nodes/{node}/content", follow_redirects=True)
        assert answer.is_success, answer.text
        return answer.content

    def rename(self, node: str, name: str) -> Node:
        """Another name."""
        found: Node = self.ok("PATCH", f"M:nodes/{node}", json={"name": name})
        return found

    def move(self, node: str, old: str, new: str) -> Node:
        """Another parent."""
        found: Node = self.ok("POST", f"M:nodes/{new}/children", json={"fromParent": old, "childId": node})
        return found

    def link(self, node: str, folder: str) -> Node:
        """One more parent."""
        found: Node = self.ok("PUT", f"M:nodes/{folder}/children/{node}")
        return found

    def unlink(self, node: str, folder: str) -> Node:
        """One parent less."""
        found: Node = self.ok("DELETE", f"M:nodes/{folder}/children/{node}")
        return found

    def trash(self, node: str) -> Node:
        """Into the trash."""
        found: Node = self.ok("PUT", f"M:trash/{node}")
        return found

    def changes(self, checkpoint: str | None = None, **body: Any) -> list[dict[str, Any]]:
        """The lines of the feed."""
        sent = {**body, **({"checkpoint": checkpoint} if checkpoint else {})}
        answer = self.ask("POST", "M:changes", content=json.dumps(sent))
        assert answer.is_success, answer.text
        return [json.loads(line) for line in answer.text.splitlines() if line]


def form(data: bytes, metadata: dict[str, Any] | None = None, *, epilogue: bytes = b"") -> dict[str, Any]:
    """Body and headers of an upload, as acd_cli writes them."""
    boundary = uuid.uuid4().hex
    parts = b""
    if metadata is not None:
        described = f'--{boundary}\r\nContent-Disposition: form-data; name="metadata"\r\n\r\n{json.dumps(metadata)}\r\n'
        parts = described.encode()
    start = f'--{boundary}\r\nContent-Disposition: form-data; name="content"; filename="foo"\r\n'
    start += "Content-Type: application/octet-stream\r\n\r\n"
    body = parts + start.encode() + data + f"\r\n--{boundary}--\r\n".encode() + epilogue
    return {"content": body, "headers": {"Content-Type": f"multipart/form-data; boundary={boundary}"}}
