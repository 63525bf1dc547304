"""What the service says no with (Amazon facts, 12 and 14)."""

import json
from uuid import uuid4

from starlette.responses import Response


class Refusal(Exception):
    """A request is refused; ``info`` is an extra member of the body."""

    def __init__(self, status: int, message: str, code: str = "", info: dict[str, object] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.info = status, message, code, info

    def answer(self) -> Response:
        """As JSON."""
        body: dict[str, object] = {"logref": str(uuid4()), "message": self.message, "code": self.code}
        if self.info is not None:
            body["info"] = self.info
        return reply(body, self.status)


def reply(data: object, status: int = 200) -> Response:
    """A JSON answer with the id that every answer has."""
    headers = {"x-amzn-RequestId": str(uuid4())}
    return Response(json.dumps(data, ensure_ascii=False), status, headers, "application/json")


def unknown_operation() -> Response:
    """An address that is none, and a property of nobody."""
    return Response("<UnknownOperationException/>\n", 404, {"x-amzn-RequestId": str(uuid4())}, "application/xml")


def bad(message: str) -> Refusal:
    """400."""
    return Refusal(400, message, "INPUT_INVALID")


def no_such_node(node: str) -> Refusal:
    """404."""
    return Refusal(404, f"Node not found: {node}", "NODE_NOT_FOUND", {"nodeId": node})


def name_taken(name: str, parent: str, holder: str) -> Refusal:
    """409; the name in the message is in small letters."""
    words = f"Node with the name {name.lower()} already exists under parentId {parent} conflicting NodeId: {holder}"
    return Refusal(409, words, "NAME_ALREADY_EXISTS", {"nodeId": holder})
