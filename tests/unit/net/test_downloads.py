"""Ranges on their way: silence and broken connections cost nothing that came already."""

from collections.abc import Awaitable, Callable

import pytest
import trio

from mountcloud.model.arrival import Piece
from mountcloud.model.errors import Unavailable
from mountcloud.model.span import StoredSpan
from mountcloud.net.http import Client, ClientSettings
from tests.unit.net.server import Reply, Seen, Server, serving

CONTENT = bytes(range(256)) * 64
WHOLE = StoredSpan(0, len(CONTENT))
STALL_S = 1.5
"""Long enough that a busy machine answers in time, short enough to be waited for."""


def wanted(request: Seen) -> tuple[int, int]:
    start, last = (int(text) for text in request.headers["range"].removeprefix("bytes=").split("-"))
    return start, last + 1


def ranged(request: Seen, *, tag: str = '"1"', stall_after: int | None = None, stop_after: int | None = None) -> Reply:
    start, end = wanted(request)
    headers = {"content-range": f"bytes {start}-{end - 1}/{len(CONTENT)}", "etag": tag}
    return Reply(206, headers, CONTENT[start:end], stop_after=stop_after, stall_after=stall_after)


def converse(
    handler: Callable[[Seen], Reply | None],
    action: Callable[[Client, Server], Awaitable[None]],
    stall_s: float = STALL_S,
    concurrency: int = 8,
    thread_from: int = 1,
) -> None:
    """Run the action against a server that answers with the handler; None is silence."""

    async def answer(request: Seen) -> Reply:
        reply = handler(request)
        return reply or await trio.sleep_forever()

    async def main() -> None:
        async with serving(answer) as server:
            settings = ClientSettings(server.url, stall_s=stall_s, concurrency=concurrency, thread_from=thread_from)
            client = Client(settings)
            try:
                with trio.fail_after(100):
                    await action(client, server)
            finally:
                await client.aclose()

    trio.run(main)


def in_turn(*replies: Callable[[Seen], Reply | None]) -> Callable[[Seen], Reply | None]:
    """One for each request, the last one for all that follow."""
    waiting = iter(replies)

    def answer(request: Seen) -> Reply | None:
        return next(waiting, replies[-1])(request)

    return answer


def stalling(request: Seen) -> Reply:
    return ranged(request, stall_after=4000)


def test_a_stalled_download_goes_on_where_it_stopped_over_another_connection() -> None:
    async def action(client: Client, server: Server) -> None:
        warm = await client.get_range(f"{server.url}/f", StoredSpan(0, 1), len(CONTENT))
        assert warm.body == CONTENT[:1]
        response = await client.get_range(f"{server.url}/f", WHOLE, len(CONTENT))
        assert response.body == CONTENT
        assert [wanted(seen) for seen in server.seen[1:]] == [(0, len(CONTENT)), (4000, len(CONTENT))]
        assert server.seen[2].connection != server.seen[1].connection

    converse(in_turn(ranged, stalling, ranged), action)


def test_a_silent_connection_that_was_kept_is_left_for_a_new_one() -> None:
    async def action(client: Client, server: Server) -> None:
        for _ in range(2):
            response = await client.get_range(f"{server.url}/f", WHOLE, len(CONTENT))
            assert response.body == CONTENT
        first, second, third = server.seen
        assert first.connection == second.connection != third.connection

    converse(in_turn(ranged, lambda _: None, ranged), action)


def test_patience_grows_while_nothing_comes_and_then_ends() -> None:
    async def action(client: Client, server: Server) -> None:
        with pytest.raises(Unavailable, match="in time"):
            await client.get_range(f"{server.url}/f", WHOLE, len(CONTENT))
        first, second, third = (seen.at for seen in server.seen)
        assert second - first > 0.3 * 0.9
        assert third - second > 0.3 * 1.8

    converse(lambda _: None, action, stall_s=0.3)


def test_a_download_that_stalls_again_and_again_arrives_as_long_as_something_comes() -> None:
    async def action(client: Client, server: Server) -> None:
        response = await client.get_range(f"{server.url}/f", WHOLE, len(CONTENT))
        assert response.body == CONTENT
        assert [wanted(seen)[0] for seen in server.seen] == [0, 4000, 8000, 12000, 16000]

    converse(stalling, action, stall_s=1.0)


def test_bytes_are_handed_on_as_they_come_and_stay_right_when_it_fails() -> None:
    pieces: list[Piece] = []

    async def action(client: Client, server: Server) -> None:
        with pytest.raises(Unavailable):
            await client.get_range(f"{server.url}/f", WHOLE, len(CONTENT), pieces.append)
        assert b"".join(pieces) == CONTENT[:4000]
        rest = await client.get_range(f"{server.url}/f", StoredSpan(4000, len(CONTENT)), len(CONTENT), pieces.append)
        assert (rest.body, b"".join(pieces)) == (b"", CONTENT)

    refused = Reply(silent=True)
    converse(in_turn(lambda seen: ranged(seen, stop_after=4000), lambda _: refused, ranged), action)


def test_the_rest_of_another_version_is_not_taken() -> None:
    async def action(client: Client, server: Server) -> None:
        with pytest.raises(Unavailable, match="other content"):
            await client.get_range(f"{server.url}/f", WHOLE, len(CONTENT))

    converse(in_turn(stalling, lambda seen: ranged(seen, tag='"2"')), action)


def test_a_refusal_in_the_middle_leaves_what_came() -> None:
    pieces: list[Piece] = []

    async def action(client: Client, server: Server) -> None:
        response = await client.get_range(f"{server.url}/f", WHOLE, len(CONTENT), pieces.append)
        assert (response.status, response.body, b"".join(pieces)) == (403, b"over", CONTENT[:4000])

    converse(in_turn(stalling, lambda _: Reply(403, {}, b"over")), action)


def test_who_asks_for_less_gets_less() -> None:
    """Eight at once, then one burst of 503, then no more than four."""
    running = most = 0
    refusing = True

    async def answer(request: Seen) -> Reply:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await trio.sleep(0.7)
        running -= 1
        return Reply(503) if refusing else ranged(request)

    async def main() -> None:
        nonlocal most, refusing
        async with serving(answer) as server:
            client = Client(ClientSettings(server.url))

            async def burst(requests: int) -> None:
                async with trio.open_nursery() as nursery:
                    for _ in range(requests):
                        nursery.start_soon(client.get_range, f"{server.url}/f", WHOLE, len(CONTENT))

            with trio.fail_after(100):
                await burst(8)
                assert most == 8
                refusing, most = False, 0
                await burst(6)
                assert most == 4
            await client.aclose()

    trio.run(main)
