"""Refusals in the service's own words (Metadisk facts, 7)."""

import json

from starlette.responses import Response

JSON = "application/json; charset=utf-8"


class Refusal(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status

    def answer(self) -> Response:
        """As HTTP."""
        return reply({"error": str(self)}, self.status)


def reply(data: object, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(json.dumps(data), status, media_type=JSON)


def invalid() -> Refusal:
    """What the service's database says of a value that does not fit."""
    return Refusal(500, "Validation failed")
