import trio
from trio.testing import MockClock

from mountcloud.net.throttle import MAX_PAUSE_S, Throttle


def test_no_more_than_the_limit_at_a_time() -> None:
    running, most = 0, 0

    async def one(throttle: Throttle) -> None:
        nonlocal running, most
        async with throttle.slot("host", "call"):
            running += 1
            most = max(most, running)
            await trio.sleep(1)
            running -= 1

    async def main() -> None:
        throttle = Throttle(3)
        async with trio.open_nursery() as nursery:
            for _ in range(10):
                nursery.start_soon(one, throttle)

    trio.run(main, clock=MockClock(autojump_threshold=0))
    assert most == 3


def test_a_pause_holds_every_purpose_of_the_host_and_no_other_host() -> None:
    arrivals: dict[tuple[str, str], float] = {}

    async def one(throttle: Throttle, host: str, purpose: str) -> None:
        async with throttle.slot(host, purpose):
            arrivals[host, purpose] = trio.current_time()

    async def main() -> None:
        throttle, start = Throttle(1), trio.current_time()
        throttle.pause("slow", 5)
        async with trio.open_nursery() as nursery:
            for host, purpose in (("slow", "call"), ("slow", "transfer"), ("quick", "call")):
                nursery.start_soon(one, throttle, host, purpose)
        assert {place: when - start for place, when in arrivals.items()} == {
            ("slow", "call"): 5,
            ("slow", "transfer"): 5,
            ("quick", "call"): 0,
        }

    trio.run(main, clock=MockClock(autojump_threshold=0))


def test_a_pause_can_be_prolonged_but_not_shortened() -> None:
    async def main() -> None:
        throttle, start = Throttle(1), trio.current_time()
        throttle.pause("host", 5)

        async def interfere() -> None:
            await trio.sleep(4)
            throttle.pause("host", 0)
            throttle.pause("host", 6)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(interfere)
            async with throttle.slot("host", "call"):
                assert trio.current_time() - start == 10

    trio.run(main, clock=MockClock(autojump_threshold=0))


def test_no_host_can_silence_us_for_ever() -> None:
    async def main() -> None:
        throttle, start = Throttle(1), trio.current_time()
        throttle.pause("host", 1e9)
        async with throttle.slot("host", "call"):
            assert trio.current_time() - start == MAX_PAUSE_S

    trio.run(main, clock=MockClock(autojump_threshold=0))


async def _most_at_once(throttle: Throttle, requests: int) -> int:
    running, most = 0, 0

    async def one() -> None:
        nonlocal running, most
        async with throttle.slot("host", "transfer"):
            running += 1
            most = max(most, running)
            await trio.sleep(1)
            running -= 1

    async with trio.open_nursery() as nursery:
        for _ in range(requests):
            nursery.start_soon(one)
    return most


def test_after_a_refusal_half_as_many_go_and_with_success_all_again() -> None:
    async def main() -> None:
        throttle = Throttle(8)
        async with throttle.slot("host", "transfer") as one, throttle.slot("host", "transfer") as other:
            one.refused()
            other.refused()
        assert await _most_at_once(throttle, 20) == 4
        for _ in range(64):
            async with throttle.slot("host", "transfer") as turn:
                turn.borne()
        assert await _most_at_once(throttle, 20) == 8

    trio.run(main, clock=MockClock(autojump_threshold=0))


def test_who_gives_up_waiting_leaves_its_place_to_others() -> None:
    async def main() -> None:
        throttle = Throttle(1)
        async with trio.open_nursery() as nursery, throttle.slot("host", "call"):
            with trio.move_on_after(1):
                async with throttle.slot("host", "call"):
                    raise AssertionError
            nursery.start_soon(_most_at_once, throttle, 3)
        assert await _most_at_once(throttle, 3) == 1

    trio.run(main, clock=MockClock(autojump_threshold=0))
