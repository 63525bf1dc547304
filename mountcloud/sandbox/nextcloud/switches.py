"""How this server behaves where real ones differ, or are in trouble. Kept over restarts."""

from dataclasses import asdict, dataclass, fields


class UnknownSwitch(ValueError):
    """No such switch, or a value of another type."""


@dataclass(slots=True)
class Switches:
    """Times in seconds, sizes in bytes.

    ``maintenance``: 503 for everything but ``/status.php``. ``throttled``: 429 for all WebDAV.
    ``gzip_etags``: a proxy's compression appends ``-gzip`` to the ETag headers of files for clients that accept gzip.
    ``windows_names``: the administrator forbade names that Windows cannot hold.
    ``chunk_minimum``: the least size of all chunks but the last. ``disk_full``: 507 for everything that stores bytes.
    ``sync``: files have the sync-collection report. ``sync_page``: names in one answer of it at most (0: all).
    ``sync_floor``: tokens before this number are forgotten.
    ``upload_lifetime``, ``flow_lifetime``: from the last activity to the end of an upload, of a login.
    """

    maintenance: bool = False
    throttled: bool = False
    gzip_etags: bool = False
    windows_names: bool = False
    disk_full: bool = False
    sync: bool = False
    sync_page: int = 0
    sync_floor: int = 0
    chunk_minimum: int = 5 * 1024 * 1024
    upload_lifetime: float = 86_400
    flow_lifetime: float = 1_200
    latency: float = 0

    def values(self) -> dict[str, object]:
        """All of them by name."""
        return asdict(self)

    def change(self, values: dict[str, object]) -> None:
        """Set some; raises ``UnknownSwitch``, changing nothing."""
        for name, value in values.items():
            kind = _KINDS.get(name)
            fits = isinstance(value, (int, float) if kind is float else kind or ()) and (
                isinstance(value, bool) == (kind is bool)
            )
            if not fits:
                raise UnknownSwitch(f"no switch {name} with the value {value!r}")
        for name, value in values.items():
            setattr(self, name, value)


_KINDS = {field.name: type(field.default) for field in fields(Switches)}
