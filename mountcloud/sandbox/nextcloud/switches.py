"""How this server behaves where real ones differ, or are in trouble. Kept over restarts."""

from dataclasses import dataclass

from mountcloud.sandbox.switchboard import Switchboard


@dataclass(slots=True)
class Switches(Switchboard):
    """Times in seconds, sizes in bytes.

    ``maintenance``: 503 for everything but ``/status.php``. ``throttled``: 429 for all WebDAV.
    ``gzip_etags``: a proxy's compression appends ``-gzip`` to the ETag headers of files for clients that accept gzip.
    ``windows_names``: the administrator forbade names that Windows cannot hold.
    ``chunk_minimum``: the least size of all chunks but the last. ``disk_full``: 507 for everything that stores bytes.
    ``trash``, ``versions``, ``links``: these apps are switched on. ``public_upload``: links may let strangers write;
    ``link_passwords``: a link needs a password.
    ``sync``: files have the sync-collection report. ``sync_page``: names in one answer of it at most (0: all).
    ``sync_floor``: tokens before this number are forgotten.
    ``upload_lifetime``, ``flow_lifetime``: from the last activity to the end of an upload, of a login.
    """

    maintenance: bool = False
    throttled: bool = False
    gzip_etags: bool = False
    windows_names: bool = False
    disk_full: bool = False
    trash: bool = True
    versions: bool = True
    links: bool = True
    public_upload: bool = True
    link_passwords: bool = False
    sync: bool = False
    sync_page: int = 0
    sync_floor: int = 0
    chunk_minimum: int = 5 * 1024 * 1024
    upload_lifetime: float = 86_400
    flow_lifetime: float = 1_200
    latency: float = 0
