"""Credentials as servers ask for them, and what a server that ignores ranges costs."""

from collections.abc import Awaitable, Callable

import pytest
import trio

from mountcloud.model.arrival import Piece
from mountcloud.model.errors import AuthenticationRequired, Outdated
from mountcloud.model.span import StoredSpan
from mountcloud.net.auth import Login, Scheme
from mountcloud.net.http import Client, ClientSettings, Response
from tests.unit.net.server import Reply, Seen, Server, serving
from tests.unit.net.test_http import CONTENT, Pieces

BASIC, DIGEST = 'Basic realm="x"', 'Digest realm="x", nonce="n1", qop="auth", algorithm=MD5'


def talk(
    handler: Callable[[Seen], Reply],
    action: Callable[[Client, Server], Awaitable[None]],
    login: Login | None = None,
    proxy: str = "",
    url: str = "",
) -> list[Seen]:
    """The requests that the server saw."""

    async def answer(request: Seen) -> Reply:
        return handler(request)

    async def main() -> list[Seen]:
        async with serving(answer) as server:
            settings = ClientSettings(url or server.url, proxy=server.url if proxy else "")
            client = Client(settings, auth=login)
            with trio.fail_after(100):
                await action(client, server)
            await client.aclose()
            return server.seen

    return trio.run(main)


def asking(*challenges: str, accept: str) -> Callable[[Seen], Reply]:
    def handler(request: Seen) -> Reply:
        if request.headers.get("authorization", "").startswith(accept):
            return Reply(200, body=b"welcome")
        return Reply(401, {"www-authenticate": ", ".join(challenges)})

    return handler


async def look(client: Client, server: Server) -> None:
    for _ in range(2):
        assert (await client.request("GET", "/x")).status == 200


def test_the_first_challenge_decides_and_is_remembered() -> None:
    seen = talk(asking(BASIC, accept="Basic"), look, Login("me", lambda: "secret"))
    assert [request.headers.get("authorization", "")[:6] for request in seen] == ["", "Basic ", "Basic "]


def test_a_digest_is_preferred_and_the_password_stays_here() -> None:
    seen = talk(asking(DIGEST, BASIC, accept="Digest"), look, Login("me", lambda: "secret"))
    assert [request.headers.get("authorization", "")[:6] for request in seen] == ["", "Digest", "Digest"]


def test_a_digest_that_cannot_be_read_is_no_obstacle() -> None:
    for challenges in ([BASIC, DIGEST], ['Digest realm="x", nonce="1", qop="auth-int"', BASIC]):
        seen = talk(asking(*challenges, accept="Basic"), look, Login("me", lambda: "secret"))
        assert [request.headers.get("authorization", "")[:6] for request in seen] == ["", "Basic ", "Basic "]


def test_a_token_is_borne_at_once() -> None:
    seen = talk(asking(accept="Bearer token"), look, Login("me", lambda: "token", Scheme.BEARER))
    assert len(seen) == 2


def test_a_body_is_sent_again_after_the_challenge() -> None:
    async def action(client: Client, server: Server) -> None:
        answer = await client.send_stream("PUT", "/file", 6, lambda: Pieces(b"abc", b"def"))
        assert answer.status == 200

    seen = talk(asking(DIGEST, accept="Digest"), action, Login("me", lambda: "secret"))
    assert [request.body for request in seen] == [b"abcdef", b"abcdef"]


def test_a_new_password_is_used_after_the_old_one_was_refused() -> None:
    passwords = iter(["old", "new"])

    async def action(client: Client, server: Server) -> None:
        assert (await client.request("GET", "/x")).status == 401
        assert (await client.request("GET", "/x")).status == 200

    new = "Basic bWU6bmV3"  # me:new
    talk(asking(BASIC, accept=new), action, Login("me", lambda: next(passwords)))


def test_a_missing_password_says_what_helps() -> None:
    async def action(client: Client, server: Server) -> None:
        with pytest.raises(AuthenticationRequired, match="login"):
            await client.request("GET", "/x")

    talk(asking(BASIC, accept="Basic"), action, Login("me", lambda: None))


def test_credentials_are_for_the_service_alone() -> None:
    async def action(client: Client, server: Server) -> None:
        elsewhere = server.url.replace("127.0.0.1", "localhost")
        answer = await client.request("GET", f"{elsewhere}/x")
        assert answer.status == 401

    seen = talk(asking(BASIC, accept="Basic"), action, Login("me", lambda: "secret", Scheme.BASIC))
    assert all("authorization" not in request.headers for request in seen)


def test_a_proxy_of_the_settings_is_used() -> None:
    async def action(client: Client, server: Server) -> None:
        assert (await client.request("GET", "/x")).body == b"by proxy"

    seen = talk(lambda _: Reply(200, body=b"by proxy"), action, proxy="yes", url="http://cloud.invalid")
    assert [request.target for request in seen] == ["http://cloud.invalid/x"]


@pytest.mark.parametrize(("start", "end"), [(0, 10), (1000, 5000), (len(CONTENT) - 1, len(CONTENT))])
def test_a_part_is_taken_out_of_a_whole_where_ranges_are_ignored(start: int, end: int) -> None:
    async def action(client: Client, server: Server) -> None:
        answer = await client.get_range("/file", StoredSpan(start, end), len(CONTENT), judge=lambda _: None)
        assert answer.body == CONTENT[start:end]
        assert (await client.request("GET", "/file")).body == CONTENT

    talk(lambda _: Reply(200, body=CONTENT), action)


def test_the_judge_sees_the_headers_before_any_byte_is_taken() -> None:
    def judge(answer: Response) -> None:
        assert answer.headers["etag"] == '"other"'
        raise Outdated("another version")

    taken: list[Piece] = []

    async def action(client: Client, server: Server) -> None:
        with pytest.raises(Outdated):
            await client.get_range("/file", StoredSpan(0, 10), len(CONTENT), taken.append, judge)

    talk(lambda _: Reply(200, {"etag": '"other"'}, CONTENT), action)
    assert taken == []
