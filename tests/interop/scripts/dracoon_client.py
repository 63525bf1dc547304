"""Simple verbs over the published client ``dracoon``. Runs in the environment that holds it, not in ours.

    DRACOON_PASSWORD=… [DRACOON_ENCRYPTION_PASSWORD=…] python dracoon_client.py URL USER

Each line of the input is a list, ``["verb", "argument", …]``; paths are ``Room/folder/name``. Each gets one line:
``{"result": …}``, or ``{"problem": …}``, which begins with the kind of the failure.
"""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from dracoon import DRACOON, OAuth2ConnectionType
from dracoon.crypto.models import UserKeyPairVersion

Verb = Callable[..., Awaitable[Any]]


def slashed(path: str) -> str:
    """The client wants ``/Room/folder/name``."""
    return "/" + path.strip("/")


async def find(client: Any, path: str) -> Any:
    """The node at a path. A trailing slash changes how the client looks a container up, so it is left out."""
    node = await client.nodes.get_node_from_path(path=slashed(path))
    if node is None:
        raise LookupError(f"no node {path}")
    return node


def shown(node: Any) -> dict[str, Any]:
    """What tests want to know of a node."""
    return {
        "id": node.id,
        "name": node.name,
        "type": node.type.value,
        "size": node.size,
        "hash": node.hash,
        "encrypted": node.isEncrypted,
    }


async def whoami(client: Any) -> Any:
    return client.user_info.userName


async def make_key_pair(client: Any, version: str) -> Any:
    """``A`` or ``RSA-4096``."""
    await client.user.set_user_keypair(os.environ["DRACOON_ENCRYPTION_PASSWORD"], UserKeyPairVersion(version))
    return None


async def make_room(client: Any, name: str) -> Any:
    room = client.nodes.make_room(name=name, admin_ids=[client.user_info.id])
    return shown(await client.nodes.create_room(room))


async def make_encrypted_room(client: Any, name: str) -> Any:
    room = await make_room(client, name)
    return shown(await client.nodes.encrypt_room(room["id"], client.nodes.make_encrypt_room(is_encrypted=True)))


async def put(client: Any, path: str, local: str, strategy: str = "overwrite", chunk: str = "33554432") -> Any:
    """Upload a local file."""
    folder, _, name = path.strip("/").rpartition("/")
    parent = await find(client, folder)
    done = await client.upload(
        file_path=local,
        file_name=name,
        target_parent_id=parent.id,
        resolution_strategy=strategy,
        chunksize=int(chunk),
    )
    return shown(getattr(done, "node", done))


async def get(client: Any, path: str, local: str) -> Any:
    """Download to a local file, which is replaced."""
    node = await find(client, path)
    with tempfile.TemporaryDirectory(dir=Path(local).parent) as directory:
        await client.download(target_path=directory, source_node_id=node.id, file_name="download")
        Path(directory, "download").replace(local)
    return shown(node)


async def mkdir(client: Any, path: str) -> Any:
    folder, _, name = path.strip("/").rpartition("/")
    parent = await find(client, folder)
    return shown(await client.nodes.create_folder(client.nodes.make_folder(name=name, parent_id=parent.id)))


async def rename(client: Any, path: str, name: str) -> Any:
    node = await find(client, path)
    if node.type.value == "folder":
        return shown(await client.nodes.update_folder(node.id, client.nodes.make_folder_update(name=name)))
    return shown(await client.nodes.update_file(node.id, client.nodes.make_file_update(name=name)))


async def transfer(client: Any, verb: Any, path: str, directory: str) -> Any:
    node, target = await find(client, path), await find(client, directory)
    items = [client.nodes.make_node_item(node_id=node.id)]
    return shown(await verb(target.id, client.nodes.make_node_transfer(items=items, resolution_strategy="fail")))


async def move(client: Any, path: str, directory: str) -> Any:
    return await transfer(client, client.nodes.move_nodes, path, directory)


async def copy(client: Any, path: str, directory: str) -> Any:
    return await transfer(client, client.nodes.copy_nodes, path, directory)


async def delete(client: Any, path: str) -> Any:
    await client.nodes.delete_node((await find(client, path)).id)
    return None


async def listing(client: Any, path: str = "") -> Any:
    parent = (await find(client, path)).id if path else 0
    found = await client.nodes.get_nodes(parent_id=parent, limit=500)
    return [shown(node) for node in found.items]


async def search(client: Any, text: str) -> Any:
    found = await client.nodes.search_nodes(search=text, depth_level=-1)
    return [shown(node) for node in found.items]


async def share(client: Any, path: str) -> Any:
    """The access key of a new download share."""
    node = await find(client, path)
    return (await client.shares.create_share(client.shares.make_share(node_id=node.id))).accessKey


async def empty_bin(client: Any, room: str) -> Any:
    """The names that were in the bin."""
    node = await find(client, room)
    deleted = await client.nodes.get_deleted_nodes(parent_id=node.id)
    await client.nodes.empty_node_recyclebin(parent_id=node.id)
    return [item.name for item in deleted.items]


VERBS: dict[str, Verb] = {
    "whoami": whoami,
    "make-key-pair": make_key_pair,
    "make-room": make_room,
    "make-encrypted-room": make_encrypted_room,
    "put": put,
    "get": get,
    "mkdir": mkdir,
    "rename": rename,
    "move": move,
    "copy": copy,
    "delete": delete,
    "list": listing,
    "search": search,
    "share": share,
    "empty-bin": empty_bin,
}


class Session:
    """One log-in for many verbs. After a failure, and when the key pair changed, the next verb logs in anew."""

    def __init__(self, url: str, user: str, logs: str) -> None:
        self._url, self._user, self._logs = url, user, logs
        self._client: Any = None

    async def do(self, verb: str, *arguments: str) -> Any:
        """Log in if need be, open the key pair if there is a password for it, do it."""
        client, self._client = self._client or await self._connected(), None
        result = await VERBS[verb](client, *arguments)
        if verb == "make-key-pair":
            await client.logout(revoke_refresh_token=True)
        else:
            self._client = client
        return result

    async def end(self) -> None:
        """Log out."""
        if self._client is not None:
            await self._client.logout(revoke_refresh_token=True)

    async def _connected(self) -> Any:
        client = DRACOON(base_url=self._url, raise_on_err=True, log_file=str(Path(self._logs, "log")))
        login = {"username": self._user, "password": os.environ["DRACOON_PASSWORD"]}
        await client.connect(OAuth2ConnectionType.password_flow, **login)
        if "DRACOON_ENCRYPTION_PASSWORD" in os.environ and client.user_info.isEncryptionEnabled:
            await client.get_keypair(os.environ["DRACOON_ENCRYPTION_PASSWORD"])
        return client


async def answer(session: Session, line: str) -> dict[str, Any]:
    """To one line of the input."""
    try:
        return {"result": await session.do(*json.loads(line))}
    except Exception as problem:  # noqa: BLE001 - the client has no common base class for its failures
        return {"problem": f"{type(problem).__name__}: {problem}"}


async def main(url: str, user: str) -> None:
    """Until the input ends."""
    with tempfile.TemporaryDirectory() as logs:
        session = Session(url, user, logs)
        while line := await asyncio.to_thread(sys.stdin.readline):
            sys.stdout.write(json.dumps(await answer(session, line)) + "\n")
            sys.stdout.flush()
        await session.end()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
