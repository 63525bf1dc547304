"""Tokens: the three grants, both ways of client authentication, rotation, expiry, revocation (DRACOON facts, 3)."""

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.sandbox.account import fresh, login, ok, plain, refusal, token_request
from tests.sandbox.fixture import RunningSandbox

CONFIDENTIAL = ("mountcloud-test", "mountcloud-test-secret")


def user_of(server: RunningSandbox, token: str) -> httpx.Response:
    return plain().get(f"{server.base_url}/api/v4/user/account", headers={"authorization": f"Bearer {token}"})


def make_user(server: RunningSandbox) -> str:
    name = fresh("user")
    server.control.add_user(name, "pässword")
    return name


@pytest.mark.parametrize("client", [("dracoon_legacy_scripting", ""), CONFIDENTIAL])
@pytest.mark.parametrize("in_form", [False, True])
def test_password_grant(sandbox: RunningSandbox, client: tuple[str, str], in_form: bool) -> None:
    name = make_user(sandbox)
    form = {"grant_type": "password", "username": name, "password": "pässword"}
    if in_form:
        form |= {"client_id": client[0], "client_secret": client[1]}
        tokens = ok(plain().post(f"{sandbox.base_url}/oauth/token", data=form))
    else:
        tokens = ok(token_request(sandbox, client, **form))
    assert tokens["token_type"] == "bearer"
    assert tokens["expires_in"] == 28_800
    assert ok(user_of(sandbox, tokens["access_token"]))["userName"] == name


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"password": "wrong"}, "invalid_grant"),
        ({"username": "nobody"}, "invalid_grant"),
        ({"grant_type": "magic"}, "unsupported_grant_type"),
        ({"client_id": "unknown"}, "invalid_client"),
        ({"client_id": CONFIDENTIAL[0], "client_secret": "wrong"}, "invalid_client"),
    ],
)
def test_refused_grants(sandbox: RunningSandbox, change: dict[str, str], error: str) -> None:
    form = {"grant_type": "password", "username": make_user(sandbox), "password": "pässword"}
    answer = token_request(sandbox, ("unused", ""), **(form | {"client_id": "dracoon_legacy_scripting"} | change))
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_a_refresh_token_works_once(sandbox: RunningSandbox) -> None:
    first = ok(token_request(sandbox, grant_type="password", username=make_user(sandbox), password="pässword"))
    second = ok(token_request(sandbox, grant_type="refresh_token", refresh_token=first["refresh_token"]))
    assert second["refresh_token"] != first["refresh_token"]
    assert user_of(sandbox, second["access_token"]).status_code == 200
    again = token_request(sandbox, grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


def test_rotation_can_be_switched_off(calm_sandbox: RunningSandbox) -> None:
    calm_sandbox.control.set(refresh_rotation=False)
    first = ok(
        token_request(calm_sandbox, grant_type="password", username=make_user(calm_sandbox), password="pässword")
    )
    for _ in range(2):
        ok(token_request(calm_sandbox, grant_type="refresh_token", refresh_token=first["refresh_token"]))


def test_authorization_code(calm_sandbox: RunningSandbox) -> None:
    name, target = make_user(calm_sandbox), "http://127.0.0.1:9/back"
    calm_sandbox.control.set(authorize_as=name)
    query = {"response_type": "code", "client_id": CONFIDENTIAL[0], "redirect_uri": target, "state": "s"}
    query |= {"code_challenge": "x", "code_challenge_method": "S256"}
    redirect = plain().get(f"{calm_sandbox.base_url}/oauth/authorize", params=query)
    assert redirect.status_code == 302
    assert redirect.headers["location"].startswith(f"{target}?")
    answer = parse_qs(urlsplit(redirect.headers["location"]).query)
    assert answer["state"] == ["s"]
    form = {"grant_type": "authorization_code", "code": answer["code"][0]}
    wrong = token_request(calm_sandbox, CONFIDENTIAL, **form, redirect_uri="http://elsewhere")
    assert wrong.json()["error"] == "invalid_grant"
    tokens = ok(token_request(calm_sandbox, CONFIDENTIAL, **form, redirect_uri=target))
    assert ok(user_of(calm_sandbox, tokens["access_token"]))["userName"] == name
    assert token_request(calm_sandbox, CONFIDENTIAL, **form, redirect_uri=target).json()["error"] == "invalid_grant"


def test_authorization_without_a_user_is_denied(calm_sandbox: RunningSandbox) -> None:
    query = {"response_type": "code", "client_id": CONFIDENTIAL[0], "login_hint": "nobody"}
    redirect = plain().get(f"{calm_sandbox.base_url}/oauth/authorize", params=query)
    assert parse_qs(urlsplit(redirect.headers["location"]).query)["error"] == ["access_denied"]


def test_revoked_tokens_are_over(sandbox: RunningSandbox) -> None:
    tokens = ok(token_request(sandbox, grant_type="password", username=make_user(sandbox), password="pässword"))
    for kind in ("access_token", "refresh_token"):
        form = {"token": tokens[kind], "token_type_hint": kind, "client_id": "dracoon_legacy_scripting"}
        assert plain().post(f"{sandbox.base_url}/oauth/revoke", data=form).status_code == 200
    assert refusal(user_of(sandbox, tokens["access_token"])) == (401, -10012)
    again = token_request(sandbox, grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert again.json()["error"] == "invalid_grant"


def test_tokens_expire_at_will(sandbox: RunningSandbox) -> None:
    account = login(sandbox)
    other = login(sandbox)
    sandbox.control.expire("access", user=account.id)
    assert refusal(account.get("/user/account")) == (401, -10012)
    assert other.get("/user/account").status_code == 200


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer wrong"}, {"authorization": "Basic eDp5"}])
def test_nothing_without_a_token(sandbox: RunningSandbox, headers: dict[str, str]) -> None:
    assert refusal(plain().get(f"{sandbox.base_url}/api/v4/nodes", headers=headers)) == (401, -10012)


def test_a_locked_user_is_refused(sandbox: RunningSandbox) -> None:
    account = login(sandbox)
    sandbox.control.lock_user(account.id)
    assert refusal(account.get("/user/account")) == (403, -10003)
    assert token_request(sandbox, grant_type="password", username=account.name, password="secret").status_code == 400
    sandbox.control.lock_user(account.id, locked=False)
    assert account.get("/user/account").status_code == 200
