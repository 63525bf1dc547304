"""One shard from whoever stores it: a text out, bytes in, and the hash decides (Metadisk facts, 6)."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import trio

from mountcloud.crypt.ripemd160 import ContentHash
from mountcloud.model.errors import Corrupt, Failure, Unavailable
from mountcloud.net.failures import BrokenOff, Silence
from mountcloud.net.websocket import Message, Patience, Way, exchange
from mountcloud.providers.metadisk.spool import Shard
from mountcloud.providers.metadisk.wire import Pointer

_FRESH_S = 60.0
"""Half of the time after which channels that nobody used are closed (Metadisk facts, 6)."""

_ATTEMPTS = 3
_MOST_WORDS = 100


class OtherShards(Unavailable):
    """The content is cut in another way than it was."""


Find = Callable[[], Awaitable[tuple[Pointer, ...]]]
"""Asks for the pointers to all shards of a content, which takes a token."""


@dataclass(slots=True)
class Pointers:
    """The pointers of one content. Each is good for one transfer, soon; new ones are asked for when one is needed."""

    find: Find
    _found: tuple[Pointer, ...] = ()
    _unused: set[int] = field(default_factory=set)
    _since: float = 0.0
    _turn: trio.Lock = field(default_factory=trio.Lock)

    async def hashes(self) -> tuple[str, ...]:
        """Of all shards, in order."""
        async with self._turn:
            if not self._found:
                await self._renew()
            return tuple(each.hash for each in self._found)

    async def take(self, number: int, hash_: str) -> Pointer:
        """One that nobody used; raises ``OtherShards`` if the content was cut anew."""
        async with self._turn:
            if number not in self._unused or trio.current_time() - self._since > _FRESH_S:
                await self._renew()
            if number not in self._unused or self._found[number].hash != hash_:
                raise OtherShards("the service has cut the content into other shards")
            self._unused.discard(number)
            return self._found[number]

    async def _renew(self) -> None:
        self._found = await self.find()
        self._unused = set(range(len(self._found)))
        self._since = trio.current_time()


class Farmers:
    """Transfers of one account; so many go at a time."""

    def __init__(self, patience: Patience, way: Way, most: int) -> None:
        self._patience = patience
        self._way = way
        self._places = trio.CapacityLimiter(most)
        self.most = most

    async def fetch(self, pointers: Pointers, number: int, hash_: str, shard: Shard, limit: int) -> None:
        """A whole shard of at most ``limit`` bytes, checked. What came of it before a failure is fetched again.

        Raises ``Corrupt`` if nobody has the right bytes, ``Unavailable``.
        """
        failure: Failure | None = None
        for attempt in range(_ATTEMPTS):
            shard.begin()
            patience = Patience(self._patience.connect_s, self._patience.stall_s * 2**attempt)
            # A pointer ages while it waits for its turn, so it is taken when it can be followed.
            async with self._places:
                pointer = await pointers.take(number, hash_)
                try:
                    return await self._receive(pointer, shard, limit, patience)
                except (Unavailable, Corrupt) as trouble:
                    failure = trouble
        assert failure is not None
        raise failure

    async def _receive(self, pointer: Pointer, shard: Shard, limit: int, patience: Patience) -> None:
        digest = ContentHash()

        def take(message: Message) -> None:
            if message.is_text:
                _check_words(message.data)
                return
            if shard.size + len(message.data) > limit:
                raise Corrupt("more came of a shard than the file holds")
            digest.update(message.data)
            shard.take(message.data)

        wish = {"token": pointer.token, "hash": pointer.hash, "operation": "PULL"}
        try:
            await exchange(pointer.channel, json.dumps(wish), take, patience, self._way)
        except (Silence, BrokenOff):
            # How it ends says nothing: late farmers close with codes of their own after all bytes came.
            if digest.hexdigest() != pointer.hash:
                raise
        if digest.hexdigest() != pointer.hash:
            raise Corrupt(f"{shard.size} bytes came that are not the shard which was asked for")


def _check_words(text: bytes) -> None:
    """Raises ``Unavailable`` for anything but a success."""
    try:
        said = json.loads(text)
    except ValueError:
        said = {}
    if isinstance(said, dict) and said.get("code") == 200:
        return
    words = said.get("message") if isinstance(said, dict) else None
    told = f": {words[:_MOST_WORDS]}" if isinstance(words, str) else ""
    raise Unavailable(f"who stores a shard does not give it{told}")
