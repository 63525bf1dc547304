"""What each WebDAV server must be told to serve one directory on this machine alone. Pure.

Everything that a server writes goes into a directory of its own, so that nothing of an installed service is touched.
"""

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

APACHE_MODULES = Path("/usr/lib/apache2/modules")
NGINX_DAV_EXT = Path("/usr/lib/nginx/modules/ngx_http_dav_ext_module.so")
LIGHTTPD_MODULES = Path("/usr/lib/lighttpd")
REALM = "mountcloud"


@dataclass(frozen=True, slots=True)
class Site:
    """One server to be: ``home`` holds its configuration and logs, ``home/data`` the files that it serves.

    Without ``user`` everybody may do everything. ``digest`` asks for a digest instead of a password, where the server
    can. ``compress`` makes Apache compress what it sends.
    """

    home: Path
    port: int
    user: str = ""
    password: str = ""
    digest: bool = False
    compress: bool = False

    @property
    def data(self) -> Path:
        """The directory that is served."""
        return self.home / "data"

    @property
    def url(self) -> str:
        """Where it is served."""
        return f"http://127.0.0.1:{self.port}"


@dataclass(frozen=True, slots=True)
class Plan:
    """How to start a server: files to write first, the program with its arguments, what must be installed."""

    command: tuple[str, ...]
    files: Mapping[Path, str]
    needs: tuple[Path | str, ...]
    not_as_root: bool = False


def wsgidav(site: Site) -> Plan:
    """WsgiDAV on cheroot, the extra ``test``: with Basic and Digest, and a store for dead properties."""
    scheme = "digest" if site.digest else "basic"
    arguments = (str(site.data), str(site.port), scheme, site.user, site.password)
    return Plan(("python", "-m", "mountcloud.sandbox.webdav.wsgidav_server", *arguments), {}, ("wsgidav", "cheroot"))


def apache(site: Site) -> Plan:
    """Apache with mod_dav_fs."""
    home = site.home
    modules = ["mpm_event", "authn_core", "authn_file", "authz_core", "authz_user", "auth_basic", "auth_digest"]
    modules += ["dav", "dav_fs", "deflate", "filter"]
    loaded = "".join(f"LoadModule {name}_module {APACHE_MODULES}/mod_{name}.so\n" for name in modules)
    text = f"""\
ServerRoot "{home}"
ServerName 127.0.0.1
Listen 127.0.0.1:{site.port}
PidFile "{home}/pid"
ErrorLog "{home}/server.log"
DefaultRuntimeDir "{home}"
Mutex file:{home}
{loaded}
DocumentRoot "{site.data}"
DavLockDB "{home}/locks"
MaxKeepAliveRequests 0
LimitXMLRequestBody 0
{"SetOutputFilter DEFLATE" if site.compress else ""}
<Directory "{site.data}">
  Dav On
  AllowOverride None
  {_apache_login(site)}
</Directory>
"""
    files = {home / "apache.conf": text, home / "basic": _basic_line(site), home / "digest": _digest_line(site)}
    command = ("apache2", "-d", str(home), "-f", str(home / "apache.conf"), "-DFOREGROUND")
    return Plan(command, files, ("apache2", APACHE_MODULES / "mod_dav_fs.so"), not_as_root=True)


def _apache_login(site: Site) -> str:
    if not site.user:
        return "Require all granted"
    kind = "Digest" if site.digest else "Basic"
    return f"""AuthType {kind}
  AuthName "{REALM}"
  AuthUserFile "{site.home}/{kind.lower()}"
  Require valid-user"""


def _basic_line(site: Site) -> str:
    return f"{site.user}:{{SHA}}{base64.b64encode(hashlib.sha1(site.password.encode()).digest()).decode()}\n"  # noqa: S324 - the file's format


def _digest_line(site: Site) -> str:
    secret = f"{site.user}:{REALM}:{site.password}"
    return f"{site.user}:{REALM}:{hashlib.md5(secret.encode()).hexdigest()}\n"  # noqa: S324 - the file's format


def nginx(site: Site) -> Plan:
    """Serve by nginx with its own module for writing and the dav-ext module for listing."""
    home = site.home
    places = "".join(f"  {each}_temp_path {home}/{each};\n" for each in ("client_body", *_NGINX_UNUSED))
    login = f'auth_basic "{REALM}"; auth_basic_user_file {home}/basic;' if site.user else ""
    text = f"""\
daemon off;
worker_processes 1;
pid {home}/pid;
error_log {home}/server.log;
load_module {NGINX_DAV_EXT};
events {{}}
http {{
  access_log off;
  client_max_body_size 0;
  keepalive_requests 1000000;
{places}
  dav_ext_lock_zone zone=locks:1m;
  server {{
    listen 127.0.0.1:{site.port};
    location / {{
      root {site.data};
      dav_methods PUT DELETE MKCOL COPY MOVE;
      dav_ext_methods PROPFIND OPTIONS LOCK UNLOCK;
      dav_ext_lock zone=locks;
      dav_access user:rw group:rw;
      {login}
    }}
  }}
}}
"""
    files = {home / "nginx.conf": text, home / "basic": f"{site.user}:{{PLAIN}}{site.password}\n"}
    command = ("nginx", "-p", str(home), "-e", str(home / "server.log"), "-c", str(home / "nginx.conf"))
    return Plan(command, files, ("nginx", NGINX_DAV_EXT), not_as_root=True)


_NGINX_UNUSED = ("proxy", "fastcgi", "uwsgi", "scgi")


def lighttpd(site: Site) -> Plan:
    """Serve by lighttpd with mod_webdav, whose ETags need a MIME type."""
    home = site.home
    method = "digest" if site.digest else "basic"
    login = f"""
auth.backend = "plain"
auth.backend.plain.userfile = "{home}/basic"
auth.require = ("" => ("method" => "{method}", "realm" => "{REALM}", "require" => "valid-user"))
"""
    text = f"""\
server.modules = ("mod_auth", "mod_authn_file", "mod_webdav")
server.document-root = "{site.data}"
server.bind = "127.0.0.1"
server.port = {site.port}
server.errorlog = "{home}/server.log"
server.upload-dirs = ("{home}")
server.max-keep-alive-requests = 100000
mimetype.assign = ("" => "application/octet-stream")
webdav.activate = "enable"
webdav.is-readonly = "disable"
webdav.sqlite-db-name = "{home}/properties.db"
{login if site.user else ""}
"""
    files = {home / "lighttpd.conf": text, home / "basic": f"{site.user}:{site.password}\n"}
    command = ("lighttpd", "-D", "-f", str(home / "lighttpd.conf"), "-m", str(LIGHTTPD_MODULES))
    return Plan(command, files, ("lighttpd", LIGHTTPD_MODULES / "mod_webdav.so"))


def rclone(site: Site) -> Plan:
    """``rclone serve webdav`` on a plain directory."""
    login = ("--user", site.user, "--pass", site.password) if site.user else ()
    command = ("rclone", "serve", "webdav", str(site.data), "--addr", f"127.0.0.1:{site.port}", *login)
    return Plan((*command, "--config", str(site.home / "rclone.conf")), {}, ("rclone",))


SERVERS: dict[str, Callable[[Site], Plan]] = {
    "wsgidav": wsgidav,
    "apache": apache,
    "nginx": nginx,
    "lighttpd": lighttpd,
    "rclone": rclone,
}
