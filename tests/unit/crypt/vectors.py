"""The vendors' test vectors, read into our types."""

import base64
import json
from pathlib import Path
from typing import Any

from mountcloud.crypt.keys import FileKey, PrivateKeyContainer, PublicKeyContainer, UnlockedKey, WrappedFileKey, unlock

VECTORS = Path(__file__).parents[2] / "vectors"
DRACOON = VECTORS / "dracoon"
CASES: dict[str, list[dict[str, Any]]] = json.loads((DRACOON / "cases.json").read_text(encoding="utf-8"))


def case(group: str, name: str) -> dict[str, Any]:
    (found,) = (case for case in CASES[group] if case["name"] == name)
    return found


def load(path: str) -> dict[str, str]:
    loaded: dict[str, str] = json.loads((DRACOON / path).read_text(encoding="utf-8"))
    return loaded


def load_bytes(path: str) -> bytes:
    return base64.b64decode((DRACOON / path).read_text(encoding="ascii"))


def private_container(path: str) -> PrivateKeyContainer:
    fields = load(path)
    return PrivateKeyContainer(fields["version"], fields["privateKey"])


def public_container(path: str) -> PublicKeyContainer:
    fields = load(path)
    return PublicKeyContainer(fields["version"], fields["publicKey"])


def wrapped_key(path: str) -> WrappedFileKey:
    fields = load(path)
    key, iv, tag = (base64.b64decode(fields[name]) for name in ("key", "iv", "tag"))
    return WrappedFileKey(key, iv, tag, fields["version"])


def plain_key(path: str) -> FileKey:
    wrapped = wrapped_key(path)
    return FileKey(wrapped.key, wrapped.iv, wrapped.tag)


def unlocked(name: str) -> UnlockedKey:
    pair = case("keypairs", name)
    return unlock(private_container(pair["private"]), pair["password"])
