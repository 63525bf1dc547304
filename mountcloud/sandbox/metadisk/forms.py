"""A form's first file, handed on as it comes and never held (Metadisk facts, 5)."""

import re
from collections.abc import Callable
from urllib.parse import unquote

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from mountcloud.sandbox.metadisk.errors import Refusal

_EXTENDED = re.compile(r"filename\*=utf-8''([^;]+)", re.IGNORECASE)


class FirstFile:
    """Takes the body of a request piece by piece. ``take`` gets the bytes of the first file part."""

    def __init__(self, content_type: str, take: Callable[[bytes], None]) -> None:
        self.name = ""
        self.mimetype = "text/plain"
        self._take = take
        self._headers: dict[str, str] = {}
        self._field = self._value = b""
        self._inside = self._done = self._ended = False
        self._parser = MultipartParser(
            _boundary(content_type),
            {
                "on_part_begin": self._begin,
                "on_header_field": self._on_field,
                "on_header_value": self._on_value,
                "on_header_end": self._on_header,
                "on_headers_finished": self._open,
                "on_part_data": self._on_data,
                "on_part_end": self._close,
                "on_end": self._end,
            },
            max_header_count=2000,
            max_header_size=80 * 1024,
        )

    def write(self, data: bytes) -> None:
        """What came next; 500 for what is no form."""
        try:
            self._parser.write(data)
        except FormParserError as problem:
            raise Refusal(500, f"Multipart: {problem}") from None

    def finish(self) -> None:
        """No more comes; 500 if more should have, 400 if there was no file."""
        if not self._ended:
            raise Refusal(500, "Unexpected end of multipart data")
        if not self._done:
            raise Refusal(400, "File does not match the declared size")

    def _begin(self) -> None:
        self._headers = {}

    def _on_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header(self) -> None:
        self._headers[self._field.decode("latin-1").lower()] = self._value.decode("utf-8", "replace")
        self._field = self._value = b""

    def _open(self) -> None:
        disposition, kind = self._headers.get("content-disposition", ""), self._headers.get("content-type", "")
        name = _filename(disposition)
        if self._done or (name is None and not kind.startswith("application/octet-stream")):
            return
        self._inside = True
        self.name = name or ""
        self.mimetype = kind.partition(";")[0].strip().lower() or "text/plain"

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        if self._inside:
            self._take(data[start:end])

    def _close(self) -> None:
        self._done = self._done or self._inside
        self._inside = False

    def _end(self) -> None:
        self._ended = True


def base_name(name: str) -> str:
    """What follows the last slash; in a name without one, what follows the last backslash."""
    return name.rpartition("/" if "/" in name else "\\")[2]


def _boundary(content_type: str) -> bytes:
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data":
        words = f"Unsupported content type: {content_type}" if content_type else "Missing Content-Type"
        raise Refusal(500, words)
    if not options.get(b"boundary"):
        raise Refusal(500, "Multipart: Boundary not found")
    return options[b"boundary"]


def _filename(disposition: str) -> str | None:
    """None if the part names no file."""
    extended = _EXTENDED.search(disposition)
    if extended is not None:
        return base_name(unquote(extended[1].strip()))
    # The parser knows Latin-1 only, in which any bytes can be carried.
    carried = disposition.encode().decode("latin-1")
    name = parse_options_header(carried)[1].get(b"filename")
    return None if name is None else base_name(name.decode())
