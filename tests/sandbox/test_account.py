"""Instance information, account, quota and key pairs (DRACOON facts, 4, 5, 6)."""

import pytest

from tests.sandbox.account import PRIVATE, PUBLIC, login, ok, plain, refusal
from tests.sandbox.fixture import RunningSandbox

OLD_PRIVATE = PRIVATE | {"version": "A"}
OLD_PUBLIC = PUBLIC | {"version": "A"}
PAIR = {"privateKeyContainer": PRIVATE, "publicKeyContainer": PUBLIC}
OLD_PAIR = {"privateKeyContainer": OLD_PRIVATE, "publicKeyContainer": OLD_PUBLIC}


@pytest.mark.parametrize(
    ("path", "member"),
    [
        ("/public/software/version", "restApiVersion"),
        ("/public/time", "time"),
        ("/public/system/info", "useS3Storage"),
        ("/public/system/info/auth/ad", "items"),
        ("/public/system/info/auth/openid", "items"),
    ],
)
def test_public_information(sandbox: RunningSandbox, path: str, member: str) -> None:
    assert member in ok(plain().get(f"{sandbox.base_url}/api/v4{path}"))


@pytest.mark.parametrize(
    ("path", "member"),
    [
        ("/config/info/general", "cryptoEnabled"),
        ("/config/info/infrastructure", "s3EnforceDirectUpload"),
        ("/config/info/defaults", "languageDefault"),
        ("/config/info/policies/passwords", "sharesPasswordPolicies"),
        ("/config/info/policies/classifications", "shareClassificationPolicies"),
        ("/config/info/policies/virus_protection", "virusProtectionEnabled"),
    ],
)
def test_information_for_accounts(sandbox: RunningSandbox, path: str, member: str) -> None:
    assert member in ok(login(sandbox).get(path))
    assert plain().get(f"{sandbox.base_url}/api/v4{path}").status_code == 401


def test_pings_are_plain_text(sandbox: RunningSandbox) -> None:
    assert plain().get(f"{sandbox.base_url}/api/v4/auth/ping").text.startswith("OK")
    assert login(sandbox).get("/user/ping").text.startswith("OK")


@pytest.mark.parametrize(
    ("channel", "s3", "enforced"), [("classic", False, False), ("s3", True, False), ("enforced", True, True)]
)
def test_the_upload_way_is_announced(calm_sandbox: RunningSandbox, channel: str, s3: bool, enforced: bool) -> None:
    calm_sandbox.control.set(upload_channel=channel)
    account = login(calm_sandbox)
    assert ok(account.get("/config/info/general"))["useS3Storage"] is s3
    assert ok(account.get("/config/info/infrastructure"))["s3EnforceDirectUpload"] is enforced


def test_algorithms_prefer_rsa_4096(sandbox: RunningSandbox) -> None:
    policies = ok(login(sandbox).get("/config/info/policies/algorithms"))
    for kind, wanted in (("keyPairAlgorithms", "RSA-4096"), ("fileKeyAlgorithms", "RSA-4096/AES-256-GCM")):
        assert [item["version"] for item in policies[kind] if item["status"] == "REQUIRED"] == [wanted]


def test_account(sandbox: RunningSandbox) -> None:
    account = login(sandbox, roles=(4,))
    found = ok(account.get("/user/account", more_info="true"))
    assert (found["id"], found["userName"], found["isEncryptionEnabled"]) == (account.id, account.name, False)
    assert [role["name"] for role in found["userRoles"]["items"]] == ["ROOM_MANAGER"]
    assert (found["hasManageableRooms"], found["userGroups"]) == (False, [])
    account.room()
    group = sandbox.control.add_group(account.name, (account.id,))
    found = ok(account.get("/user/account", more_info="true"))
    assert (found["hasManageableRooms"], found["userGroups"][0]["id"]) == (True, group)


def test_customer_counts_the_bytes(calm_sandbox: RunningSandbox) -> None:
    account = login(calm_sandbox)
    before = ok(account.get("/user/account/customer"))
    assert before["spaceLimit"] == -1
    account.file(account.room(), data=b"x" * 1000)
    calm_sandbox.control.set(space_limit=10**9)
    after = ok(account.get("/user/account/customer"))
    assert after["spaceUsed"] - before["spaceUsed"] == 1000
    assert after["spaceLimit"] == 10**9


def test_eula_blocks_the_nodes_until_accepted(calm_sandbox: RunningSandbox) -> None:
    account = login(calm_sandbox)
    calm_sandbox.control.set(eula_pending=True)
    assert refusal(account.get("/nodes")) == (412, -10103)
    assert ok(account.get("/user/account"))["needsToAcceptEULA"]
    ok(account.put("/user/account", {"acceptEULA": True}))
    assert account.get("/nodes").status_code == 200


def test_a_key_pair_is_kept_as_posted(sandbox: RunningSandbox) -> None:
    account = login(sandbox)
    assert refusal(account.get("/user/account/keypair")) == (404, -70020)
    assert refusal(account.get("/user/account/keypairs")) == (404, -70020)
    assert account.post("/user/account/keypair", PAIR).status_code == 204
    assert refusal(account.post("/user/account/keypair", PAIR)) == (409, -70021)
    found = ok(account.get("/user/account/keypair"))
    assert found["privateKeyContainer"].items() >= PRIVATE.items()
    assert found["publicKeyContainer"].items() >= PUBLIC.items()
    assert ok(account.get("/user/account"))["isEncryptionEnabled"]


def test_two_key_pairs(sandbox: RunningSandbox) -> None:
    account = login(sandbox)
    assert account.post("/user/account/keypair", OLD_PAIR).status_code == 204
    assert account.post("/user/account/keypairs", PAIR | {"previousPrivateKey": OLD_PRIVATE}).status_code == 204
    pairs = account.get("/user/account/keypairs").json()
    assert [pair["publicKeyContainer"]["version"] for pair in pairs] == ["RSA-4096", "A"]
    assert ok(account.get("/user/account/keypair"))["publicKeyContainer"]["version"] == "RSA-4096"
    assert ok(account.get("/user/account/keypair", version="A"))["publicKeyContainer"]["version"] == "A"
    assert account.delete("/user/account/keypair").status_code == 204
    assert refusal(account.get("/user/account/keypair", version="A")) == (404, -70020)
    assert account.delete("/user/account/keypair").status_code == 204
    assert refusal(account.delete("/user/account/keypair")) == (404, -70020)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, -70023),
        ({"privateKeyContainer": PRIVATE}, -70023),
        (PAIR | {"publicKeyContainer": {"version": "RSA-4096", "publicKey": "no key"}}, -70023),
        (PAIR | {"publicKeyContainer": OLD_PUBLIC}, -70022),
        ({"privateKeyContainer": PRIVATE | {"version": "B"}, "publicKeyContainer": PUBLIC}, -70022),
    ],
)
def test_refused_key_pairs(sandbox: RunningSandbox, body: object, code: int) -> None:
    assert refusal(login(sandbox).post("/user/account/keypair", body)) == (400, code)


def test_unknown_key_version_and_no_encryption(calm_sandbox: RunningSandbox) -> None:
    account = login(calm_sandbox)
    assert refusal(account.get("/user/account/keypair", version="B")) == (400, -70022)
    calm_sandbox.control.set(crypto_enabled=False)
    assert refusal(account.post("/user/account/keypair", PAIR)) == (400, -70027)


def test_unknown_addresses_and_wrong_bodies(sandbox: RunningSandbox) -> None:
    account = login(sandbox)
    assert refusal(account.get("/nowhere")) == (404, None)
    assert account.http.post("/nodes/folders", content=b"{").status_code == 400
    assert account.http.post("/nodes/folders", content=b"[]").status_code == 400
