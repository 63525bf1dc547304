import base64
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
import trio

from mountcloud.model.errors import AuthenticationRequired, Unavailable
from mountcloud.net.http import Client, ClientSettings
from mountcloud.net.oauth2 import OAuthSettings, TokenSource
from tests.unit.net.server import Reply, Seen, Server, serving


class MemorySecrets:
    def __init__(self, **values: str) -> None:
        self.values = values

    def get(self, name: str) -> str | None:
        return self.values.get(name)

    def put(self, name: str, value: str) -> None:
        self.values[name] = value

    def delete(self, name: str) -> None:
        self.values.pop(name, None)


class LoginService:
    """Hands out access tokens a1, a2 ... and refresh tokens r1, r2 ...; a used refresh token is dead."""

    def __init__(self, lifetime: float = 3600) -> None:
        self.issued = 0
        self.lifetime = lifetime
        self.valid_refresh: set[str] = set()
        self.passwords = {"right"}
        self.forms: list[dict[str, str]] = []
        self.refusal: Reply | None = None

    async def answer(self, request: Seen) -> Reply:
        form = dict(parse_qsl(request.body.decode()))
        self.forms.append(form)
        await trio.lowlevel.checkpoint()
        if self.refusal is not None:
            return self.refusal
        if request.target == "/oauth/revoke":
            return Reply()
        if not self._granted(form):
            return Reply(400, {}, b'{"error": "invalid_grant"}')
        self.issued += 1
        self.valid_refresh = {f"r{self.issued}"}
        answer = f'"access_token": "a{self.issued}", "refresh_token": "r{self.issued}", "expires_in": {self.lifetime}'
        return Reply(200, {}, f'{{"token_type": "bearer", {answer}}}'.encode())

    def _granted(self, form: dict[str, str]) -> bool:
        match form["grant_type"]:
            case "refresh_token":
                return form["refresh_token"] in self.valid_refresh
            case "password":
                return form["password"] in self.passwords
            case _:
                return form["code"] == "good"


SETTINGS = OAuthSettings("client", username="user", redirect_uri="http://127.0.0.1/callback")


def converse(
    service: LoginService, secrets: MemorySecrets, action: Callable[[TokenSource, Server], Awaitable[None]]
) -> None:
    async def main() -> None:
        async with serving(service.answer) as server:
            client = Client(ClientSettings(server.url))
            try:
                with trio.fail_after(100):
                    await action(TokenSource(client, SETTINGS, secrets), server)
            finally:
                await client.aclose()

    trio.run(main)


def test_the_password_is_used_once_and_the_refresh_token_kept() -> None:
    service, secrets = LoginService(), MemorySecrets(password="right", client_secret="hush")

    async def action(tokens: TokenSource, server: Server) -> None:
        first = await tokens.token()
        assert (first.value, await tokens.token()) == ("a1", first)
        assert secrets.values["refresh_token"] == "r1"
        assert "access_token" not in secrets.values
        assert service.forms == [{"grant_type": "password", "username": "user", "password": "right"}]
        basic = server.seen[0].headers["authorization"].removeprefix("Basic ")
        assert base64.b64decode(basic) == b"client:hush"

    converse(service, secrets, action)


def test_fifty_requests_share_one_refresh() -> None:
    service, secrets = LoginService(), MemorySecrets(password="right")

    async def action(tokens: TokenSource, server: Server) -> None:
        expired = await tokens.token()
        got: list[str] = []

        async def one() -> None:
            got.append((await tokens.renew(expired)).value)

        async with trio.open_nursery() as nursery:
            for _ in range(50):
                nursery.start_soon(one)
        assert got == ["a2"] * 50
        assert [form["grant_type"] for form in service.forms] == ["password", "refresh_token"]

    converse(service, secrets, action)


def test_a_token_is_replaced_before_its_time_is_over() -> None:
    service, secrets = LoginService(lifetime=0.02), MemorySecrets(password="right")

    async def action(tokens: TokenSource, server: Server) -> None:
        first = await tokens.token()
        await trio.sleep_until(first.expires_at)
        assert (await tokens.token()).value == "a2"

    converse(service, secrets, action)


def test_each_rotated_token_is_stored_before_the_next_use() -> None:
    service, secrets = LoginService(), MemorySecrets(password="right")

    async def action(tokens: TokenSource, server: Server) -> None:
        token = await tokens.token()
        for number in (2, 3, 4):
            token = await tokens.renew(token)
            assert secrets.values["refresh_token"] == f"r{number}"

    converse(service, secrets, action)


def test_a_cancelled_caller_does_not_lose_the_rotated_token() -> None:
    secrets = MemorySecrets(password="right")
    service = LoginService()
    asked = trio.Event()

    async def slow(request: Seen) -> Reply:
        asked.set()
        return await service.answer(request)

    async def main() -> None:
        async with serving(slow) as server:
            client = Client(ClientSettings(server.url))
            tokens = TokenSource(client, SETTINGS, secrets)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(tokens.token)
                await asked.wait()
                nursery.cancel_scope.cancel()
            assert secrets.values["refresh_token"] == "r1"
            await client.aclose()

    trio.run(main)


def test_a_dead_refresh_token_leads_back_to_the_password() -> None:
    service, secrets = LoginService(), MemorySecrets(password="right", refresh_token="dead")

    async def action(tokens: TokenSource, server: Server) -> None:
        assert (await tokens.token()).value == "a1"
        assert [form["grant_type"] for form in service.forms] == ["refresh_token", "password"]

    converse(service, secrets, action)


def test_a_token_that_another_process_rotated_is_found() -> None:
    service, secrets = LoginService(), MemorySecrets(refresh_token="old")
    service.valid_refresh = {"new"}

    class Rotating(MemorySecrets):
        def get(self, name: str) -> str | None:
            value = secrets.get(name)
            if name == "refresh_token":
                secrets.values["refresh_token"] = "new"
            return value

        def put(self, name: str, value: str) -> None:
            secrets.put(name, value)

    async def action(tokens: TokenSource, server: Server) -> None:
        assert (await tokens.token()).value == "a1"

    converse(service, Rotating(), action)


def test_a_refused_password_is_not_sent_again() -> None:
    service, secrets = LoginService(), MemorySecrets(password="wrong")

    async def action(tokens: TokenSource, server: Server) -> None:
        for _ in range(3):
            with pytest.raises(AuthenticationRequired, match="login"):
                await tokens.token()
        assert len(service.forms) == 1
        secrets.put("password", "right")
        assert (await tokens.token()).value == "a1"

    converse(service, secrets, action)


def test_without_credentials_the_user_is_asked() -> None:
    async def action(tokens: TokenSource, server: Server) -> None:
        with pytest.raises(AuthenticationRequired):
            await tokens.token()
        assert server.seen == []

    converse(LoginService(), MemorySecrets(), action)


def test_a_service_that_refuses_fresh_tokens_gets_no_storm() -> None:
    service, secrets = LoginService(), MemorySecrets(password="right")

    async def action(tokens: TokenSource, server: Server) -> None:
        refused = 0
        for _ in range(50):
            try:
                await tokens.renew(await tokens.token())
            except AuthenticationRequired:
                refused += 1
        assert refused > 40
        assert len(server.seen) == 5

    converse(service, secrets, action)


@pytest.mark.parametrize(
    ("reply", "failure"),
    [
        (Reply(503), Unavailable),
        (Reply(400, {}, b"<html>"), Unavailable),
        (Reply(404, {}, b"{}"), Unavailable),
        (Reply(200, {}, b"{}"), Unavailable),
        (Reply(401, {}, b'{"error": "unauthorized_client"}'), AuthenticationRequired),
        (Reply(400, {}, b'{"error": "invalid_client"}'), AuthenticationRequired),
    ],
)
def test_refusals_of_the_login_service(reply: Reply, failure: type[Exception]) -> None:
    service, secrets = LoginService(), MemorySecrets(password="right", refresh_token="r0")
    service.refusal = reply

    async def action(tokens: TokenSource, server: Server) -> None:
        with pytest.raises(failure):
            await tokens.token()
        assert secrets.values["refresh_token"] == "r0"

    converse(service, secrets, action)


def test_a_code_is_redeemed_and_all_is_revoked_at_the_end() -> None:
    service, secrets = LoginService(), MemorySecrets()

    async def action(tokens: TokenSource, server: Server) -> None:
        with pytest.raises(AuthenticationRequired):
            await tokens.redeem("bad")
        await tokens.redeem("good")
        assert service.forms[-1]["redirect_uri"] == SETTINGS.redirect_uri
        assert (await tokens.token()).value == "a1"
        await tokens.revoke()
        assert [form["token"] for form in service.forms[-2:]] == ["a1", "r1"]
        assert "refresh_token" not in secrets.values

    converse(service, secrets, action)


def test_the_authorize_address() -> None:
    tokens = TokenSource(Client(ClientSettings("http://127.0.0.1:9")), SETTINGS, MemorySecrets())
    url = urlsplit(tokens.authorize_url("https://host/", "state 1"))
    assert (url.netloc, url.path) == ("host", "/oauth/authorize")
    assert parse_qs(url.query) == {
        "response_type": ["code"],
        "client_id": ["client"],
        "redirect_uri": [SETTINGS.redirect_uri],
        "scope": ["all"],
        "state": ["state 1"],
    }


def test_tokens_hide_their_value() -> None:
    async def action(tokens: TokenSource, server: Server) -> None:
        assert "a1" not in repr(await tokens.token())

    converse(LoginService(), MemorySecrets(password="right"), action)


def test_a_service_that_is_away_refuses_nobody() -> None:
    service, secrets = LoginService(), MemorySecrets(password="right")
    service.refusal = Reply(503)

    async def action(tokens: TokenSource, _: Server) -> None:
        for _attempt in range(20):
            with pytest.raises(Unavailable):
                await tokens.token()
        service.refusal = None
        assert (await tokens.token()).value == "a1"

    converse(service, secrets, action)
