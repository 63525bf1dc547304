"""Errors in the style of S3."""

from xml.sax.saxutils import escape

from starlette.responses import Response


def xml_error(status: int, code: str, message: str) -> Response:
    """``<Error><Code>...``."""
    text = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'
    return Response(text, status, media_type="application/xml")
