"""Refusals in the service's own words (SmartFile facts, 10)."""

import json
from collections.abc import Mapping

from starlette.responses import Response

JSON = "application/json"
"""Exactly so: the published client reads no other (SmartFile facts, 1)."""


class Refusal(Exception):
    """An answer that is no success. ``fields`` replace the ``detail``."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        fields: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.body: dict[str, object] = dict(fields) if fields else {"detail": detail}
        self.headers = dict(headers or {})

    def answer(self, *, soft: bool = False) -> Response:
        """As HTTP; ``soft``: as version 3 says it."""
        if soft:
            return reply({"status": self.status, "detail": str(self)})
        return Response(json.dumps(self.body), self.status, headers=self.headers, media_type=JSON)


def reply(data: object, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(json.dumps(data), status, media_type=JSON)


def not_found(path: str) -> Refusal:
    """404."""
    return Refusal(404, f"{path} was not found")


def missing(field: str, path: str) -> Refusal:
    """400 for a path in a form that leads nowhere."""
    return Refusal(400, "Invalid path", fields={field: [f"{path} does not exist"]})


def forbidden(path: str) -> Refusal:
    """403."""
    return Refusal(403, f"You do not have permission to {path}")
