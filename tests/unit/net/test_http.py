import gzip
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

import httpcore
import httpx
import pytest
import trio

from mountcloud.model.errors import Corrupt, Unavailable
from mountcloud.model.span import StoredSpan
from mountcloud.net.http import USER_AGENT, Client, ClientSettings, Response
from tests.unit.net.server import Reply, Seen, Server, serving

CONTENT = bytes(range(256)) * 64


def converse(
    handler: Callable[[Seen], Reply], action: Callable[[Client, Server], Awaitable[None]], timeout_s: float = 5.0
) -> None:
    """Run the action against a server that answers with the handler."""

    async def answer(request: Seen) -> Reply:
        return handler(request)

    async def main() -> None:
        async with serving(answer) as server:
            client = Client(ClientSettings(server.url, read_timeout_s=timeout_s))
            try:
                with trio.fail_after(100):
                    await action(client, server)
            finally:
                await client.aclose()

    trio.run(main)


def ranged(request: Seen) -> Reply:
    start, last = (int(text) for text in request.headers["range"].removeprefix("bytes=").split("-"))
    return Reply(206, {"content-range": f"bytes {start}-{last}/{len(CONTENT)}"}, CONTENT[start : last + 1])


class Pieces:
    def __init__(self, *pieces: bytes) -> None:
        self._pieces = iter(pieces)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        for piece in self._pieces:
            return piece
        raise StopAsyncIteration


def test_request_carries_what_it_is_given() -> None:
    async def action(client: Client, server: Server) -> None:
        response = await client.request(
            "POST", "/api/x", params={"a": "1 2"}, json={"b": [1]}, authorization="Bearer secret"
        )
        assert response.json() == {"c": 2}
        assert response.headers["x-thing"] == "yes"
        (seen,) = server.seen
        assert (seen.method, seen.target, seen.body) == ("POST", "/api/x?a=1+2", b'{"b":[1]}')
        assert seen.headers["authorization"] == "Bearer secret"
        assert seen.headers["user-agent"] == USER_AGENT

    converse(lambda _: Reply(201, {"X-Thing": "yes"}, b'{"c": 2}'), action)


def test_an_address_keeps_its_own_query() -> None:
    async def action(client: Client, server: Server) -> None:
        await client.request("GET", f"{server.url}/part?signature=abc%2F")
        assert server.seen[0].target == "/part?signature=abc%2F"

    converse(lambda _: Reply(), action)


def test_credentials_never_go_to_another_origin() -> None:
    async def action(client: Client, server: Server) -> None:
        for other in ("http://localhost:1/x", "https://127.0.0.1/x", server.url.replace("127.0.0.1", "127.0.0.2")):
            with pytest.raises(ValueError, match="service alone"):
                await client.request("GET", other, authorization="Bearer secret")
        assert server.seen == []

    converse(lambda _: Reply(), action)


def test_what_is_not_json_is_trouble_and_no_crash() -> None:
    with pytest.raises(Unavailable, match="not JSON"):
        Response(200, {}, b"<html>").json()


@pytest.mark.parametrize(("start", "end"), [(0, 1), (0, len(CONTENT)), (5, 4099), (len(CONTENT) - 1, len(CONTENT))])
def test_a_range_is_exactly_what_was_asked_for(start: int, end: int) -> None:
    async def action(client: Client, server: Server) -> None:
        response = await client.get_range(f"{server.url}/f", StoredSpan(start, end), len(CONTENT))
        assert response.body == CONTENT[start:end]
        assert server.seen[0].headers["accept-encoding"] == "identity"
        assert "authorization" not in server.seen[0].headers

    converse(ranged, action)


def test_the_whole_may_come_as_200() -> None:
    async def action(client: Client, server: Server) -> None:
        response = await client.get_range(server.url, StoredSpan(0, len(CONTENT)), len(CONTENT))
        assert response.body == CONTENT

    converse(lambda _: Reply(200, {}, CONTENT), action)


@pytest.mark.parametrize(
    ("reply", "failure"),
    [
        (Reply(200, {}, CONTENT), Unavailable),
        (Reply(206, {"content-range": f"bytes 0-9/{len(CONTENT) + 1}"}, CONTENT[:10]), Corrupt),
        (Reply(206, {"content-range": f"bytes 1-10/{len(CONTENT)}"}, CONTENT[1:11]), Unavailable),
        (Reply(206, {"content-range": f"bytes 0-9/{len(CONTENT)}"}, CONTENT[:9]), Unavailable),
        (Reply(206, {"content-range": f"bytes 0-9/{len(CONTENT)}"}, CONTENT[:11]), Unavailable),
        (Reply(206, {"content-range": f"bytes 0-9/{len(CONTENT)}"}, CONTENT[:10], stop_after=4), Unavailable),
        (Reply(206, {}, CONTENT[:10]), Unavailable),
        (Reply(silent=True), Unavailable),
    ],
)
def test_wrong_ranges_are_refused(reply: Reply, failure: type[Exception]) -> None:
    async def action(client: Client, server: Server) -> None:
        with pytest.raises(failure):
            await client.get_range(server.url, StoredSpan(0, 10), len(CONTENT))

    converse(lambda _: reply, action)


def test_a_whole_of_another_length_is_corrupt() -> None:
    async def action(client: Client, server: Server) -> None:
        with pytest.raises(Corrupt):
            await client.get_range(server.url, StoredSpan(0, 10), 10)

    converse(lambda _: Reply(200, {}, CONTENT), action)


def test_refusals_of_a_range_are_answers() -> None:
    async def action(client: Client, server: Server) -> None:
        response = await client.get_range(server.url, StoredSpan(0, 10), len(CONTENT))
        assert (response.status, response.body) == (403, b"<Error/>")

    converse(lambda _: Reply(403, {}, b"<Error/>"), action)


def test_redirects_of_ranges_are_followed_but_not_for_ever() -> None:
    def handler(request: Seen) -> Reply:
        if request.target == "/start":
            return Reply(302, {"location": "/end"})
        return Reply(302, {"location": "/loop"}) if request.target == "/loop" else ranged(request)

    async def action(client: Client, server: Server) -> None:
        response = await client.get_range(f"{server.url}/start", StoredSpan(0, 3), len(CONTENT))
        assert response.body == CONTENT[:3]
        with pytest.raises(Unavailable, match="redirects"):
            await client.get_range(f"{server.url}/loop", StoredSpan(0, 3), len(CONTENT))

    converse(handler, action)


def test_a_stream_has_its_exact_length() -> None:
    async def action(client: Client, server: Server) -> None:
        response = await client.send_stream(
            "PUT", f"{server.url}/p", 5, lambda: Pieces(b"ab", b"cde"), headers={"Content-Range": "bytes 0-4/5"}
        )
        assert response.headers["etag"] == '"x"'
        (seen,) = server.seen
        assert (seen.method, seen.body, seen.headers["content-length"]) == ("PUT", b"abcde", "5")
        assert seen.headers["content-range"] == "bytes 0-4/5"
        assert "authorization" not in seen.headers

    converse(lambda _: Reply(200, {"ETag": '"x"'}), action)


def test_an_empty_stream_says_so() -> None:
    async def action(client: Client, server: Server) -> None:
        await client.send_stream("PUT", f"{server.url}/p", 0, Pieces)
        assert server.seen[0].headers["content-length"] == "0"

    converse(lambda _: Reply(), action)


def test_a_stream_of_another_length_is_trouble() -> None:
    async def action(client: Client, server: Server) -> None:
        with pytest.raises(Unavailable):
            await client.send_stream("PUT", f"{server.url}/p", 6, lambda: Pieces(b"ab", b"cde"))
        with pytest.raises(Unavailable):
            await client.send_stream("PUT", f"{server.url}/p", 4, lambda: Pieces(b"ab", b"cde"))

    converse(lambda _: Reply(), action)


def test_a_broken_source_keeps_its_own_failure() -> None:
    class Broken(Pieces):
        async def __anext__(self) -> bytes:
            raise Corrupt("the draft is damaged")

    async def action(client: Client, server: Server) -> None:
        with pytest.raises(Corrupt, match="draft"):
            await client.send_stream("PUT", f"{server.url}/p", 4, Broken)

    converse(lambda _: Reply(), action)


def test_patience_repeats_a_stream_from_its_start() -> None:
    answers = iter([Reply(429, {"Retry-After": "0"}), Reply(201)])

    async def action(client: Client, server: Server) -> None:
        response = await client.send_stream("PUT", f"{server.url}/p", 3, lambda: Pieces(b"a", b"bc"))
        assert response.status == 201
        assert [seen.body for seen in server.seen] == [b"abc", b"abc"]

    converse(lambda _: next(answers), action)


def test_patience_ends() -> None:
    async def action(client: Client, server: Server) -> None:
        response = await client.request("GET", "/x")
        assert (response.status, response.retry_after) == (429, 0.0)
        assert len(server.seen) == 3

    converse(lambda _: Reply(429, {"Retry-After": "0"}), action)


def test_nobody_listens() -> None:
    async def main() -> None:
        client = Client(ClientSettings("http://127.0.0.1:9"))
        with pytest.raises(Unavailable, match=r"127\.0\.0\.1") as caught:
            await client.request("GET", "/path?token=hidden")
        assert "hidden" not in str(caught.value)
        await client.aclose()
        await client.aclose()

    trio.run(main)


def test_silence_ends_with_the_time_limit() -> None:
    async def never(_: Seen) -> Reply:
        await trio.sleep_forever()
        raise AssertionError

    async def main() -> None:
        async with serving(never) as server:
            client = Client(ClientSettings(server.url, read_timeout_s=0.05))
            with pytest.raises(Unavailable, match="in time"):
                await client.request("GET", "/x")
            await client.aclose()

    trio.run(main)


def test_an_encrypted_service_is_not_left_for_an_open_one() -> None:
    async def main() -> None:
        client = Client(ClientSettings("https://127.0.0.1:9"))
        with pytest.raises(Unavailable, match="unencrypted"):
            await client.get_range("http://127.0.0.1:9/f", StoredSpan(0, 1), 1)
        await client.aclose()

    trio.run(main)


def test_a_malformed_address_is_trouble() -> None:
    async def main() -> None:
        client = Client(ClientSettings("http://127.0.0.1:9"))
        for address in ("ftp://x/y", "http://", "http://[::1", "nothing"):
            with pytest.raises(Unavailable):
                await client.get_range(address, StoredSpan(0, 1), 1)
        await client.aclose()

    trio.run(main)


def test_logs_and_failures_hold_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    hidden = "".join(chr(ord(letter) + 1) for letter in "rdbqds")

    async def action(client: Client, server: Server) -> None:
        await client.request("POST", "/api/x", form={"password": hidden}, authorization=f"Bearer {hidden}")
        await client.request("GET", f"{server.url}/uploads/{hidden}?token={hidden}")
        with pytest.raises(Unavailable) as caught:
            await client.request("GET", f"/{hidden}", authorization=f"Bearer {hidden}\n")
        assert hidden not in str(caught.getrepr(chain=True))

    converse(lambda _: Reply(), action)
    assert "/api/x" in caplog.text
    assert hidden == "secret"
    assert hidden not in caplog.text


def test_socket_reads_are_wide() -> None:
    Client(ClientSettings("http://127.0.0.1:9"))
    assert httpcore.AsyncHTTP11Connection.READ_NUM_BYTES == 256 * 1024


def test_proxies_of_the_environment_are_for_others_than_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy here is the scripted server, which sees an absolute address when it is asked to be one."""
    seen: list[str] = []

    async def answer(request: Seen) -> Reply:
        seen.append(request.target)
        return Reply(200, {}, b"{}")

    async def main() -> None:
        async with serving(answer) as proxy, serving(answer) as direct:
            monkeypatch.setenv("http_proxy", proxy.url)
            for base in ("http://elsewhere.invalid", direct.url):
                client = Client(ClientSettings(base))
                await client.request("GET", "/x")
                await client.aclose()
        assert seen == ["http://elsewhere.invalid/x", "/x"]

    trio.run(main)


def test_an_answer_without_an_end_is_none() -> None:
    async def action(client: Client, server: Server) -> None:
        bounded = Client(ClientSettings(server.url, most_answer=1000))
        assert len((await bounded.request("GET", "/1000")).body) == 1000
        for path in ("/1001", "/bomb"):
            with pytest.raises(Unavailable, match="more than 1000"):
                await bounded.request("GET", path)
        await bounded.aclose()

    def answer(request: Seen) -> Reply:
        if request.target == "/bomb":
            return Reply(200, {"content-encoding": "gzip"}, gzip.compress(bytes(1_000_000)))
        return Reply(200, {}, bytes(int(request.target[1:])))

    converse(answer, action)


def test_an_answer_that_is_too_deep_is_no_json() -> None:
    with pytest.raises(Unavailable, match="not JSON"):
        Response(200, {}, b"[" * 1_000_000).json()


def test_another_port_of_the_same_host_gets_no_credentials() -> None:
    async def stored(request: Seen) -> Reply:
        return ranged(request)

    async def main() -> None:
        async with serving(stored) as storage:

            async def sends_away(_: Seen) -> Reply:
                return Reply(302, {"location": f"{storage.url}/bytes"})

            async with serving(sends_away) as service:
                client = Client(ClientSettings(service.url), auth=httpx.BasicAuth("me", "secret"))
                got = await client.get_range("/file", StoredSpan(0, 10), len(CONTENT))
                assert got.body == CONTENT[:10]
                assert "authorization" in service.seen[0].headers
                assert "authorization" not in storage.seen[0].headers
                with pytest.raises(ValueError, match="credentials"):
                    await client.request("GET", f"{storage.url}/x", authorization="Bearer secret")
                assert len(storage.seen) == 1
                await client.aclose()

    trio.run(main)
