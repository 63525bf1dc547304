"""The published client ``smartfile``; runs in the environment that has it. Usage: URL VERB ARGUMENT...

Prints what it saw as JSON. Key and password come from the environment, as the client reads it.
"""

import ctypes
import io
import json
import os
import shutil
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from smartfile import BasicClient, OAuthClient
from smartfile.errors import APIError

url, verb, *arguments = sys.argv[1:]


def task(client: Any, answer: Any) -> str:
    """How a task ended."""
    for _ in range(100):
        status: str = client.get("/task", answer["uuid"])["status"]
        if status not in {"PENDING", "PROGRESS"}:
            return status
        time.sleep(0.05)
    return "never"


def put(client: Any, path: str, local: str) -> None:
    directory, _, name = path.rpartition("/")
    with Path(local).open("rb") as file:
        client.post("/path/data", directory or "/", file=(name, file))


def get(client: Any, path: str, local: str) -> None:
    with Path(local).open("wb") as file:
        shutil.copyfileobj(client.get("/path/data", path), file)


def walk(client: Any, local: str) -> dict[str, object]:
    """What a user of the client does in a day."""
    seen: dict[str, object] = {"ping": client.get("/ping")["ping"], "user": client.get("/whoami")["username"]}
    for name in ("d", "e"):
        client.post("/path/oper/mkdir/", path=f"/{name}")
    put(client, "/d/n.bin", local)
    seen["listed"] = [each["name"] for each in client.get("/path/info", "/d", children="true", page=1)["children"]]
    seen["moved"] = task(client, client.move("/d/n.bin", "/e"))
    client.post("/path/oper/rename/", src="/e/n.bin", dst="/e/m.bin")
    seen["copied"] = task(client, client.post("/path/oper/copy/", src="/e/m.bin", dst="/d/"))
    answer = client.post("/path/oper/checksum/", path="/d/m.bin", algorithm="MD5")
    seen["checked"] = task(client, answer)
    client.post("/path/info", "/d/m.bin", attributes="a=1")
    seen["attributes"] = client.get("/path/info", "/d/m.bin")["attributes"]
    get(client, "/d/m.bin", local + ".back")
    seen["came back"] = Path(local).read_bytes() == Path(local + ".back").read_bytes()
    seen["removed"] = task(client, client.remove("/d"))
    seen["left"] = [each["name"] for each in client.get("/path/info", "/", children="on")["children"]]
    try:
        client.remove("/nowhere")
    except APIError as error:
        seen["refused"] = str(error)
    return seen


def by_oauth(account: str) -> dict[str, object]:
    """Access granted by the user, whose browser is the sandbox' private surface."""
    vars(urllib)["urlencode"] = urllib.parse.urlencode  # as the client was written for Python 2
    client = OAuthClient(arguments[1], arguments[2], url=url)
    client.get_request_token()
    address = client.get_authorization_url()
    token = urllib.parse.parse_qs(urllib.parse.urlsplit(address).query)["oauth_token"][0]
    body = json.dumps({"account": account}).encode()
    with urllib.request.urlopen(f"{url}_sandbox/oauth/grant", data=body) as answer:
        code = json.load(answer)["codes"][token]
    client.get_access_token(verifier=code)
    return {"user": client.get("/whoami")["username"]}


def repaired() -> Any:
    """``python-librsync`` was made before librsync 1.0: the kind of signature, and the call-back, are others now."""
    import librsync

    library = librsync._librsync
    begin = library.rs_sig_begin
    begin.argtypes = (ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int)

    class WithKind:
        def __getattr__(self, name: str) -> Any:
            return getattr(library, name)

        def rs_sig_begin(self, block: int, strong: int) -> Any:
            return begin(block, strong, 0x72730136)

    librsync._librsync = WithKind()
    pointer, size = ctypes.c_void_p, ctypes.c_size_t
    kind = ctypes.CFUNCTYPE(ctypes.c_int, pointer, ctypes.c_longlong, ctypes.POINTER(size), ctypes.POINTER(pointer))

    def patch(old: Any, delta: Any, new: Any) -> Any:
        held: list[Any] = []

        def copy(_: object, offset: int, length: Any, place: Any) -> int:
            old.seek(offset)
            held[:] = [ctypes.create_string_buffer(old.read(length[0]))]
            length[0] = len(held[0]) - 1
            place[0] = ctypes.addressof(held[0])
            return 0

        job = library.rs_patch_begin(kind(copy), None)
        librsync._execute(job, io.BytesIO(delta.read()), new)  # it wants to seek in what comes from the line
        return new

    library.rs_patch_begin.argtypes = (kind, pointer)
    librsync.patch = patch
    return librsync


def by_sync(direction: str, remote: str, local: str) -> None:
    """Deltas in either direction."""
    repaired()
    from smartfile import sync

    client = sync.SyncClient(BasicClient(url=url))
    getattr(client, direction)(local, remote)


os.environ.setdefault("NO_PROXY", "127.0.0.1")
if verb == "oauth":
    print(json.dumps(by_oauth(arguments[0])))  # noqa: T201
elif verb == "sync":
    by_sync(*arguments)
    print("{}")  # noqa: T201
else:
    verbs: dict[str, Callable[..., object]] = {"walk": walk, "put": put, "get": get}
    found = verbs[verb](BasicClient(url=url), *arguments)
    print(json.dumps(found))  # noqa: T201
