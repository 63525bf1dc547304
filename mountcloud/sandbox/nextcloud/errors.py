"""Refusals as SabreDAV words them."""

from xml.sax.saxutils import escape

from starlette.responses import Response

from mountcloud.sandbox.nextcloud.names import SABRE

_NAMES = {
    400: rf"{SABRE}\BadRequest",
    401: rf"{SABRE}\NotAuthenticated",
    403: rf"{SABRE}\Forbidden",
    404: rf"{SABRE}\NotFound",
    405: rf"{SABRE}\MethodNotAllowed",
    409: rf"{SABRE}\Conflict",
    412: rf"{SABRE}\PreconditionFailed",
    415: rf"{SABRE}\UnsupportedMediaType",
    416: rf"{SABRE}\RequestedRangeNotSatisfiable",
    423: r"OCA\DAV\Connector\Sabre\Exception\FileLocked",
    429: r"OCA\DAV\Connector\Sabre\Exception\TooManyRequests",
    501: rf"{SABRE}\NotImplemented",
    503: rf"{SABRE}\ServiceUnavailable",
    507: rf"{SABRE}\InsufficientStorage",
}


class Refusal(Exception):
    """Ends a request with this status."""

    def __init__(
        self, status: int, message: str = "", *, name: str = "", headers: dict[str, str] | None = None, inner: str = ""
    ) -> None:
        super().__init__(message)
        self.status, self.message = status, message
        self.name = name or _NAMES[status]
        self.headers = headers or {}
        self.inner = inner

    def answer(self) -> Response:
        """The XML body of SabreDAV."""
        text = (
            '<?xml version="1.0" encoding="utf-8"?>\n'
            '<d:error xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns">\n'
            f"  <s:exception>{escape(self.name)}</s:exception>\n  <s:message>{escape(self.message)}</s:message>\n"
            f"{self.inner}"
            "</d:error>\n"
        )
        return Response(text, self.status, self.headers, media_type="application/xml; charset=utf-8")


def not_found(path: str) -> Refusal:
    """There is nothing at this path."""
    return Refusal(404, f"File with name {path} could not be located")


def invalid_path(message: str) -> Refusal:
    """A name that this server forbids."""
    return Refusal(400, message, name=r"OCA\DAV\Connector\Sabre\Exception\InvalidPath")
