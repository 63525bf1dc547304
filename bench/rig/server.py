"""WebDAV servers on the loopback device: own configuration, own directory, nothing of the system touched."""

import os
import re
import shutil
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

STARTS_WITHIN_S = 10.0
WORKER = "www-data"
"""Apache serves as this user if root starts it; it refuses to serve as root."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """What a server saw: requests by method, bytes that it sent and got."""

    requests: Counter[str] = field(default_factory=Counter)
    sent: int = 0
    got: int = 0

    @property
    def total(self) -> int:
        """All requests."""
        return self.requests.total()


def parse_log(text: str) -> Traffic:
    """The traffic in lines of METHOD STATUS SENT GOT; whatever else is logged is no request."""
    lines = re.findall(r"^([A-Z]+) \d+ (\d+) (\d+)$", text, re.MULTILINE)
    requests = Counter(method for method, _, _ in lines)
    return Traffic(requests, sum(int(sent) for _, sent, _ in lines), sum(int(got) for _, _, got in lines))


class Server(ABC):
    """A server whose files are in ``root``; ``/blobs/`` shows the directory ``blobs``."""

    def __init__(self, home: Path, blobs: Path) -> None:
        self.home = home
        self.root = home / "root"
        self.blobs = blobs
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._read = 0

    @staticmethod
    @abstractmethod
    def missing() -> str:
        """Empty if it can be used, else the command that installs it."""

    @staticmethod
    @abstractmethod
    def version() -> str:
        """Name and version."""

    @abstractmethod
    def configuration(self) -> str:
        """The text of its file."""

    @abstractmethod
    def command(self, file: Path) -> Sequence[str]:
        """What serves in the foreground."""

    @property
    def url(self) -> str:
        """Without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Return when it answers."""
        self.home.mkdir()
        self.writable(self.root)
        file = self.home / "server.conf"
        file.write_text(self.configuration())
        with (self.home / "output.log").open("wb") as log:
            self._process = subprocess.Popen(self.command(file), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for_port(self.port)

    def traffic(self) -> Traffic:
        """What was logged since the last call; a request is logged when it has ended."""
        with (self.home / "access.log").open() as file:
            file.seek(self._read)
            text = file.read()
            self._read = file.tell()
        return parse_log(text)

    def writable(self, directory: Path) -> None:
        """Make a directory in which clients may write."""
        directory.mkdir()

    def stop(self) -> None:
        """End it and its workers."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)


class Nginx(Server):
    """Its WebDAV hides all names that begin with a dot, so no repository can be kept there."""

    MODULE = Path("/usr/lib/nginx/modules/ngx_http_dav_ext_module.so")
    TEXT = """\
load_module {module};
daemon off;
{user}
worker_processes 2;
pid {home}/nginx.pid;
error_log {home}/error.log warn;
events {{ worker_connections 2048; }}
http {{
    types {{ }}
    default_type application/octet-stream;
    log_format meter '$request_method $status $bytes_sent $request_length';
    access_log {home}/access.log meter;
    client_body_temp_path {home}/body;
    client_max_body_size 0;
    keepalive_requests 100000;
    sendfile on;
    tcp_nopush on;
    tcp_nodelay on;
    server {{
        listen 127.0.0.1:{port};
        root {root};
        location / {{
            dav_methods PUT DELETE MKCOL COPY MOVE;
            dav_ext_methods PROPFIND OPTIONS;
            dav_access user:rw group:r all:r;
        }}
        location /blobs/ {{
            alias {blobs}/;
        }}
    }}
}}
"""

    @staticmethod
    def missing() -> str:
        """The core and its WebDAV methods."""
        there = shutil.which("nginx") and Nginx.MODULE.exists()
        return "" if there else "apt-get install nginx-core libnginx-mod-http-dav-ext"

    @staticmethod
    def version() -> str:
        """Such as ``nginx 1.22.1``."""
        text = subprocess.run(["nginx", "-v"], capture_output=True, text=True, timeout=20).stderr
        return re.sub(r".*nginx/", "nginx ", text.strip())

    def configuration(self) -> str:
        """Only root may choose the workers' user; the files are written by whoever runs this."""
        user = "user root;" if os.geteuid() == 0 else ""
        places = {"module": self.MODULE, "home": self.home, "root": self.root, "blobs": self.blobs}
        return self.TEXT.format(**places, port=self.port, user=user)

    def command(self, file: Path) -> Sequence[str]:
        """As a child of ours."""
        return ["nginx", "-p", str(self.home), "-e", str(self.home / "error.log"), "-c", str(file)]


class Apache(Server):
    """mod_dav_fs."""

    TEXT = """\
ServerRoot {home}
DefaultRuntimeDir {home}/run
PidFile {home}/run/pid
Mutex sem
Listen 127.0.0.1:{port}
ServerName 127.0.0.1
{user}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule alias_module {modules}/mod_alias.so
LoadModule dav_module {modules}/mod_dav.so
LoadModule dav_fs_module {modules}/mod_dav_fs.so
ErrorLog {home}/error.log
LogFormat "%m %>s %O %I" meter
CustomLog {home}/access.log meter
DavLockDB {home}/run/locks
MaxKeepAliveRequests 0
KeepAliveTimeout 60
EnableSendfile On
DocumentRoot {root}
Alias /blobs {blobs}
<Directory />
    Require all granted
</Directory>
<Directory {root}>
    Dav On
</Directory>
"""
    MODULES = Path("/usr/lib/apache2/modules")

    @staticmethod
    def missing() -> str:
        """The server without a service that the system starts."""
        return "" if shutil.which("apache2") and Apache.MODULES.exists() else "apt-get install apache2-bin"

    @staticmethod
    def version() -> str:
        """Such as ``Apache 2.4.71``."""
        text = subprocess.run(["apache2", "-v"], capture_output=True, text=True, timeout=20).stdout
        return re.sub(r".*Apache/(\S+).*", r"Apache \1", text.partition("\n")[0])

    def configuration(self) -> str:
        """With its own directory for locks, which the workers may write."""
        self.writable(self.home / "run")
        user = f"User {WORKER}\nGroup {WORKER}" if os.geteuid() == 0 else ""
        places = {"modules": self.MODULES, "home": self.home, "root": self.root, "blobs": self.blobs}
        return self.TEXT.format(**places, port=self.port, user=user)

    def command(self, file: Path) -> Sequence[str]:
        """As a child of ours."""
        return ["apache2", "-f", str(file), "-D", "FOREGROUND"]

    def writable(self, directory: Path) -> None:
        """For the worker, who must also get there."""
        super().writable(directory)
        if os.geteuid() == 0:
            shutil.chown(directory, WORKER, WORKER)
            for above in (self.home, self.home.parent):
                above.chmod(0o711)


SERVERS: dict[str, type[Server]] = {"nginx": Nginx, "apache": Apache}


def free_port() -> int:
    """A port on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int) -> None:
    """Return when somebody listens there; raises ``TimeoutError``."""
    deadline = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError(f"nothing listens on port {port}")
