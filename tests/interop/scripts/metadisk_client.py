"""The published client ``storj`` 0.1; runs in the environment that has it. Usage: URL EMAIL VERB ARGUMENT...

The last line that it prints is what it saw, as JSON. The password comes from the environment. Run it without
assertions (``python -O``): the client asserts that a removed bucket is answered with 200, which it was once.
"""

import hashlib
import json
import os
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import storj
from storj.api import MetadiskApiError, api_client

url, email, verb, *arguments = sys.argv[1:]
api_client.api_url = f"{url}/"
password = hashlib.sha256(os.environ["METADISK_PASSWORD"].encode()).hexdigest()


def refusal(call: Callable[[], object]) -> str:
    try:
        call()
    except MetadiskApiError as problem:
        return str(problem)
    return ""


def remove(file: Any) -> int:
    """The client has no method for it; its door is used, so the request is signed as its others are."""
    path = f"/buckets/{file.bucket_id}/files/{file.hash}"
    status: int = api_client.request(method="DELETE", path=path).status_code
    return status


def opened(address: str, body: bytes | None = None) -> bytes:
    with urllib.request.urlopen(address, body, timeout=30) as answer:
        data: bytes = answer.read()
        return data


def walk(local: str) -> dict[str, object]:
    """From registration to removal, signed as soon as there is a key."""
    data = Path(local).read_bytes()
    storj.register_new_user(email, password)
    seen: dict[str, object] = {"again": refusal(lambda: storj.register_new_user(email, password))}
    seen["too early"] = refusal(storj.buckets.all)
    mail = opened(f"{url}/_sandbox/activator", json.dumps({"email": email}).encode())
    opened(f"{url}/activations/{json.loads(mail)['activator']}")
    signing, public = storj.generate_new_key_pair()
    storj.public_keys.add(public)
    storj.authenticate(ecdsa_private_key=signing)
    seen["keys"] = len(storj.public_keys.all())
    bucket = storj.buckets.create("pics", storage_limit=10, transfer_limit=10)
    seen["bucket"] = [
        bucket.name,
        bucket.storage,
        bucket.transfer,
        bucket.status,
        len(bucket.authorized_public_keys.all()),
    ]
    bucket.files.upload(local)
    [file] = storj.buckets.get(bucket.id).files.all()
    seen["file"] = [file.name, file.size, file.content_type]
    seen["came back"] = file.download().getvalue() == data
    other_key = storj.generate_new_key_pair()[1]
    bucket.authorized_public_keys.add(other_key)
    seen["more keys"] = len(storj.buckets.get(bucket.id).authorized_public_keys.all())
    seen["token"] = bucket.tokens.create("pull").operation
    seen["removed"] = remove(file)
    seen["left"] = len(bucket.files.all())
    bucket.delete()
    seen["buckets"] = len(storj.buckets.all())
    seen["gone"] = refusal(lambda: storj.buckets.get(bucket.id))
    return seen


def bucket_named(name: str) -> Any:
    return next(each for each in storj.buckets.all() if each.name == name)


def put(bucket: str, *files: str) -> dict[str, object]:
    """Upload into a bucket."""
    storj.authenticate(email=email, password=password)
    for file in files:
        bucket_named(bucket).files.upload(file)
    return {}


def get(bucket: str, directory: str) -> dict[str, object]:
    """Download all of a bucket; names and hashes."""
    storj.authenticate(email=email, password=password)
    found: dict[str, object] = {}
    for file in bucket_named(bucket).files.all():
        data = file.download().getvalue()
        (Path(directory) / file.name).write_bytes(data)
        found[file.name] = file.hash
    return found


VERBS: dict[str, Callable[..., dict[str, object]]] = {"walk": walk, "put": put, "get": get}
sys.stdout.write(json.dumps(VERBS[verb](*arguments)))
