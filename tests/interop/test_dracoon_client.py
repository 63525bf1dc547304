"""The published client ``dracoon`` 1.13.0 against the sandbox: a judge of the sandbox that was written by others.

Known faults of that client, which these tests go around or state:

* It swaps the two hashes of OAEP for key pairs of version ``A``, so its ``A`` file keys open in no other client
  (DRACOON facts, 22.3).
* It sends ``Content-Range: bytes 0-0/…`` with every classic chunk of a plain file, so a plain file of more than one
  chunk cannot be put together by the starts of its chunks.
* It never checks the tag of a file that it decrypts.
"""

import base64
import os
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.interop.client import Connect, PublishedClient, Refused
from tests.sandbox.account import Account, fresh, login, ok, plain
from tests.sandbox.fixture import RunningSandbox

MIB = 1024 * 1024
PASSWORD = "encryption password"
CHANNELS = ("classic", "s3")


@pytest.fixture(params=CHANNELS)
def server(request: pytest.FixtureRequest, calm_sandbox: RunningSandbox) -> RunningSandbox:
    calm_sandbox.control.set(upload_channel=request.param)
    return calm_sandbox


@pytest.fixture
def account(calm_sandbox: RunningSandbox) -> Account:
    return login(calm_sandbox)


@pytest.fixture
def client(account: Account, published_client: Connect) -> PublishedClient:
    return published_client(account.server.base_url, account.name, "secret", PASSWORD)


def local(tmp_path: Path, size: int) -> tuple[Path, bytes]:
    path, data = tmp_path / "local.bin", os.urandom(size)
    path.write_bytes(data)
    return path, data


def test_login(client: PublishedClient, account: Account) -> None:
    assert client("whoami") == account.name


def test_a_wrong_password(account: Account, published_client: Connect) -> None:
    with pytest.raises(Refused, match="HTTPBadRequestError"):
        published_client(account.server.base_url, account.name, "wrong")("whoami")


SIZES = (0, 1, 6 * MIB)


def test_plain_files(server: RunningSandbox, client: PublishedClient, tmp_path: Path) -> None:
    room = fresh("Room ")
    client("make-room", room)
    for size in SIZES:
        path, data = local(tmp_path, size)
        node = client("put", f"{room}/{size}.bin", path)
        assert (node["size"], node["encrypted"]) == (size, False)
        assert server.control.stored(node["id"]) == data
        client("get", f"{room}/{size}.bin", tmp_path / f"{size} back.bin")
        assert (tmp_path / f"{size} back.bin").read_bytes() == data


def test_several_parts(server: RunningSandbox, client: PublishedClient, tmp_path: Path) -> None:
    room, (path, data) = fresh("Room "), local(tmp_path, 12 * MIB + 1)
    client("make-key-pair", "RSA-4096")
    client("make-encrypted-room", room)
    node = client("put", f"{room}/file.bin", path, "overwrite", str(5 * MIB))
    assert node["size"] == len(data)
    client("get", f"{room}/file.bin", tmp_path / "back.bin")
    assert (tmp_path / "back.bin").read_bytes() == data


def test_several_plain_parts(calm_sandbox: RunningSandbox, client: PublishedClient, tmp_path: Path) -> None:
    room, (path, data) = fresh("Room "), local(tmp_path, 11 * MIB)
    client("make-room", room)
    with pytest.raises(Refused, match="HTTPBadRequestError"):
        client("put", f"{room}/file.bin", path, "fail", str(5 * MIB))
    calm_sandbox.control.set(upload_channel="s3")
    node = client("put", f"{room}/file.bin", path, "fail", str(5 * MIB))
    assert calm_sandbox.control.stored(node["id"]) == data


def test_encrypted_files(server: RunningSandbox, client: PublishedClient, tmp_path: Path) -> None:
    room = fresh("Room ")
    client("make-key-pair", "RSA-4096")
    assert client("make-encrypted-room", room)["encrypted"] is True
    for size in SIZES:
        path, data = local(tmp_path, size)
        node = client("put", f"{room}/{size}.bin", path)
        assert (node["size"], node["encrypted"]) == (size, True)
        assert size < 16 or server.control.stored(node["id"]) != data
        client("get", f"{room}/{size}.bin", tmp_path / f"{size} back.bin")
        assert (tmp_path / f"{size} back.bin").read_bytes() == data


def private_key(account: Account) -> rsa.RSAPrivateKey:
    pair = ok(account.get("/user/account/keypair"))["privateKeyContainer"]
    key = serialization.load_pem_private_key(pair["privateKey"].encode(), PASSWORD.encode())
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def opened(account: Account, node: dict[str, Any], mgf1: hashes.HashAlgorithm, label: hashes.HashAlgorithm) -> bytes:
    """The content, decrypted with nothing but the standard primitives."""
    key = ok(account.get(f"/nodes/files/{node['id']}/user_file_key"))
    oaep = padding.OAEP(mgf=padding.MGF1(mgf1), algorithm=label, label=None)
    secret = private_key(account).decrypt(base64.b64decode(key["key"]), oaep)
    sealed = account.content(node["id"]) + base64.b64decode(key["tag"])
    return AESGCM(secret).decrypt(base64.b64decode(key["iv"]), sealed, None)


def test_what_it_encrypts_is_the_format_of_the_vendor(
    account: Account, client: PublishedClient, tmp_path: Path
) -> None:
    room, (path, data) = fresh("Room "), local(tmp_path, 100_000)
    client("make-key-pair", "RSA-4096")
    client("make-encrypted-room", room)
    node = client("put", f"{room}/file.bin", path)
    assert opened(account, node, hashes.SHA256(), hashes.SHA256()) == data


def test_its_fault_with_old_key_pairs(account: Account, client: PublishedClient, tmp_path: Path) -> None:
    room, (path, data) = fresh("Room "), local(tmp_path, 1000)
    client("make-key-pair", "A")
    client("make-encrypted-room", room)
    node = client("put", f"{room}/file.bin", path)
    with pytest.raises(ValueError, match="Decryption failed"):
        opened(account, node, hashes.SHA1(), hashes.SHA256())
    assert opened(account, node, hashes.SHA256(), hashes.SHA1()) == data


def test_it_gives_keys_to_other_members(
    calm_sandbox: RunningSandbox, client: PublishedClient, published_client: Connect, tmp_path: Path
) -> None:
    room, (path, data) = fresh("Room "), local(tmp_path, 1000)
    client("make-key-pair", "RSA-4096")
    made = client("make-encrypted-room", room)
    colleague = login(calm_sandbox)
    calm_sandbox.control.add_key_pair(colleague.id, PASSWORD)
    calm_sandbox.control.set_rights(made["id"], colleague.id, ("read",))
    client("put", f"{room}/file.bin", path)
    published_client(calm_sandbox.base_url, colleague.name, "secret", PASSWORD)(
        "get", f"{room}/file.bin", tmp_path / "b"
    )
    assert (tmp_path / "b").read_bytes() == data


def test_the_tree(client: PublishedClient, account: Account, tmp_path: Path) -> None:
    room, (path, _) = fresh("Room "), local(tmp_path, 10)
    client("make-room", room)
    client("mkdir", f"{room}/one")
    client("mkdir", f"{room}/two")
    file = client("put", f"{room}/one/ä b.txt", path)
    assert client("rename", f"{room}/one/ä b.txt", "c.txt")["id"] == file["id"]
    assert client("move", f"{room}/one/c.txt", f"{room}/two")["name"] == "two"
    assert client("copy", f"{room}/two/c.txt", f"{room}/one")["name"] == "one"
    assert [node["name"] for node in client("list", f"{room}/two")] == ["c.txt"]
    assert client("list", f"{room}/two")[0]["id"] == file["id"]
    assert len(client("search", "c.txt")) == 2
    assert client("rename", f"{room}/one", "three")["name"] == "three"
    client("delete", f"{room}/three")
    assert [node["name"] for node in client("list", room)] == ["two"]
    assert client("empty-bin", room) == ["three"]
    assert room in [node["name"] for node in client("list")]


def test_strategies(server: RunningSandbox, client: PublishedClient, tmp_path: Path) -> None:
    room, (path, _) = fresh("Room "), local(tmp_path, 10)
    client("make-room", room)
    first = client("put", f"{room}/a.txt", path)
    assert client("put", f"{room}/a.txt", path, "autorename")["name"] == "a (1).txt"
    assert client("put", f"{room}/a.txt", path, "overwrite")["id"] != first["id"]
    with pytest.raises(Refused, match="HTTPConflictError"):
        client("put", f"{room}/a.txt", path, "fail")


def test_a_share(client: PublishedClient, account: Account, tmp_path: Path) -> None:
    room, (path, data) = fresh("Room "), local(tmp_path, 1000)
    client("make-room", room)
    client("put", f"{room}/a.bin", path)
    key = client("share", f"{room}/a.bin")
    opened_share = plain().post(f"{account.server.base_url}/api/v4/public/shares/downloads/{key}", json={})
    assert plain().get(ok(opened_share)["downloadUrl"]).content == data


def test_it_never_notices_altered_bytes(calm_sandbox: RunningSandbox, client: PublishedClient, tmp_path: Path) -> None:
    room, (path, data) = fresh("Room "), local(tmp_path, 1000)
    client("make-key-pair", "RSA-4096")
    client("make-encrypted-room", room)
    node = client("put", f"{room}/a.bin", path)
    calm_sandbox.control.tamper(node["id"], 500)
    client("get", f"{room}/a.bin", tmp_path / "back.bin")
    back = (tmp_path / "back.bin").read_bytes()
    assert [place for place in range(1000) if back[place] != data[place]] == [500]
