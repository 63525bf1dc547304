"""WsgiDAV as a process: ``python -m ... DIRECTORY PORT SCHEME USER PASSWORD`` (an empty user lets everybody in)."""

import sys

from cheroot.wsgi import Server
from wsgidav.fs_dav_provider import FilesystemProvider
from wsgidav.wsgidav_app import WsgiDAVApp


def main(directory: str, port: str, scheme: str, user: str, password: str) -> None:
    """Serve until the process ends."""
    users: object = {user: {"password": password}} if user else True
    config = {
        "provider_mapping": {"/": FilesystemProvider(directory)},
        "simple_dc": {"user_mapping": {"*": users}},
        "http_authenticator": {
            "accept_basic": scheme == "basic",
            "accept_digest": scheme == "digest",
            "default_to_digest": scheme == "digest",
        },
        "property_manager": True,
        "lock_storage": True,
        "logging": {"enable": False},
        "verbose": 1,
    }
    Server(("127.0.0.1", int(port)), WsgiDAVApp(config), numthreads=10, request_queue_size=50).start()


if __name__ == "__main__":
    main(*sys.argv[1:])
