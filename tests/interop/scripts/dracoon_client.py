"""Simple verbs over the published client ``dracoon``. Runs in the environment that holds it, not in ours.

    DRACOON_PASSWORD=… [DRACOON_ENCRYPTION_PASSWORD=…] python dracoon_client.py URL USER VERB [ARGUMENT …]

Paths are ``Room/folder/name``. Each verb prints one JSON value. A failure prints its kind to stderr and exits with 1.
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


async def run(url: str, user: str, verb: str, *arguments: str) -> Any:
    """Log in, open the key pair if there is a password for it, do it, log out."""
    with tempfile.TemporaryDirectory() as logs:
        client = DRACOON(base_url=url, raise_on_err=True, log_file=str(Path(logs, "log")))
        login = {"username": user, "password": os.environ["DRACOON_PASSWORD"]}
        await client.connect(OAuth2ConnectionType.password_flow, **login)
        if "DRACOON_ENCRYPTION_PASSWORD" in os.environ and client.user_info.isEncryptionEnabled:
            await client.get_keypair(os.environ["DRACOON_ENCRYPTION_PASSWORD"])
        result = await VERBS[verb](client, *arguments)
        await client.logout(revoke_refresh_token=True)
        return result


def main() -> int:
    """Exit code."""
    try:
        sys.stdout.write(json.dumps(asyncio.run(run(*sys.argv[1:]))) + "\n")
    except Exception as problem:  # noqa: BLE001 - the client has no common base class for its failures
        sys.stderr.write(f"{type(problem).__name__}: {problem}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
