"""The two ways up: in order through the service, or in parallel straight to its storage (DRACOON facts, 12)."""

from dataclasses import dataclass
from typing import Protocol

import trio

from mountcloud.model.errors import NotFound, Unavailable
from mountcloud.net.bodies import Body
from mountcloud.net.http import Client, Response
from mountcloud.providers.dracoon import wire
from mountcloud.providers.dracoon.api import Answer, Api, answer_of
from mountcloud.providers.dracoon.errors import CHANNEL_CLOSED
from mountcloud.providers.dracoon.parts import Feed, Part, content_range, cut
from mountcloud.providers.dracoon.resuming import Ledger
from mountcloud.providers.dracoon.wire import RemoteNode

_PART_TRIES = 4
_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 2.0
_PATIENCE_S = 60.0
_BYTES_PER_S = 20_000_000
"""The storage is given a second more for each of these when it puts the parts together."""

_UNKNOWN_REPEATS = 2


class Refusal(Exception):
    """The service refused a step of an upload; the errorCode may tell that another way would work."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"{answer.status} {answer.code}")
        self.answer = answer


def channel_path(upload: str) -> str:
    """The address of an upload's channel."""
    return f"/v4/nodes/files/uploads/{upload}"


@dataclass(frozen=True, slots=True)
class OpenUpload:
    """A channel that the service opened for us, and the way in which the file is cut."""

    id: str
    url: str
    size: int
    part_size: int

    @property
    def path(self) -> str:
        """The channel's own address."""
        return channel_path(self.id)


class Transfer(Protocol):
    """One way up. ``settled``: a completed file can be asked for at once."""

    @property
    def settled(self) -> bool:
        """False where it may answer 404 for a moment (DRACOON facts, 12.2)."""

    async def send(self, feed: Feed) -> None:
        """Send all bytes; raises ``Refusal`` or a failure."""

    async def complete(self, completion: dict[str, object]) -> RemoteNode:
        """Make the file appear; raises ``Refusal``, or ``Unavailable`` if it may or may not have appeared."""


class ClassicTransfer:
    """Chunks in order through the service."""

    settled = False

    def __init__(self, api: Api, client: Client, upload: OpenUpload) -> None:
        self._api = api
        self._client = client
        self._upload = upload

    async def send(self, feed: Feed) -> None:
        """An empty file has no chunk at all (DRACOON facts, 12.2)."""
        for part in cut(self._upload.size, self._upload.part_size):
            if part.size:
                headers = {"Content-Range": content_range(part, self._upload.size)}
                body = await feed.body(part)
                response = await self._client.send_stream("POST", self._upload.url, part.size, body, headers=headers)
                if not response.ok:
                    raise Refusal(_of_transfer(response))

    async def complete(self, completion: dict[str, object]) -> RemoteNode:
        """Answered with the node."""
        answer = await self._api.send("PUT", self._upload.path, json=completion)
        return wire.remote_node(_completed(answer).body)


class DirectTransfer:
    """Parts straight to the storage, some at a time; those that the ledger knows to be there are left out.

    The service tells of the file when its storage is done with it, so nobody needs to look for it after that.
    """

    settled = True

    def __init__(self, api: Api, client: Client, upload: OpenUpload, parallel: int, ledger: Ledger | None) -> None:
        self._api = api
        self._client = client
        self._upload = upload
        self._parallel = parallel
        self._parts = cut(upload.size, upload.part_size)
        self._asking = trio.Lock()
        self._urls: dict[int, str] = {}
        self._ledger = ledger
        self._etags: dict[int, str] = {} if ledger is None else ledger.etags
        self._problem: Exception | None = None

    async def send(self, feed: Feed) -> None:
        """No more than ``parallel`` parts are held at a time; the first problem ends all."""
        try:
            async with trio.open_nursery() as nursery:
                await self._dispatch(nursery, feed)
        finally:
            if self._ledger is not None:
                self._ledger.save()
        if self._problem is not None:
            raise self._problem

    async def complete(self, completion: dict[str, object]) -> RemoteNode:
        """The service works on after its answer, so ask until it is done."""
        parts = [{"partNumber": number, "partEtag": etag} for number, etag in sorted(self._etags.items())]
        answer = await self._api.send("PUT", f"{self._upload.path}/s3", json={**completion, "parts": parts})
        if answer.code != CHANNEL_CLOSED:  # A closed channel may be the work of a completion whose answer was lost.
            _completed(answer)
        return await self._finished()

    async def _dispatch(self, nursery: trio.Nursery, feed: Feed) -> None:
        slots = trio.Semaphore(self._parallel)
        try:
            for part in self._parts:
                await slots.acquire()
                body = await feed.body(part)
                if self._ledger is not None and await self._ledger.has_sent(part, body):
                    slots.release()
                else:
                    nursery.start_soon(self._send_part, nursery, slots, part, body)
        except Exception as problem:  # noqa: BLE001 - raised again by send, without the group a nursery makes of it
            self._give_up(nursery, problem)

    async def _send_part(self, nursery: trio.Nursery, slots: trio.Semaphore, part: Part, body: Body) -> None:
        try:
            self._etags[part.number] = await self._etag(part, body)
            slots.release()
        except Exception as problem:  # noqa: BLE001 - likewise
            self._give_up(nursery, problem)

    def _give_up(self, nursery: trio.Nursery, problem: Exception) -> None:
        self._problem = self._problem or problem
        nursery.cancel_scope.cancel()

    async def _etag(self, part: Part, body: Body) -> str:
        """Send the part until it is there: an address may run out, and sending again does no harm."""
        for attempt in range(_PART_TRIES):
            url = await self._url(part)
            try:
                response = await self._client.send_stream("PUT", url, part.size, body)
            except Unavailable:
                if attempt == _PART_TRIES - 1:
                    raise
            else:
                etag = response.headers.get("etag", "").strip('"')
                if response.ok and etag:
                    return etag
            await trio.sleep(_FIRST_PAUSE_S * 4**attempt)
        raise Unavailable(f"the storage refuses a part of the upload [{response.status}]")

    async def _url(self, part: Part) -> str:
        """A fresh address each time. They live shortly, so no more are asked for than parts are sent at a time."""
        async with self._asking:
            if part.number not in self._urls:
                following = self._parts[part.number - 1 : part.number - 1 + self._parallel]
                await self._ask([other for other in following if other.size == part.size])
            return self._urls.pop(part.number)

    async def _ask(self, parts: list[Part]) -> None:
        """The size counts for all parts of a request, so a shorter last part has its own (DRACOON facts, 12.3)."""
        wish = {"size": parts[0].size, "firstPartNumber": parts[0].number, "lastPartNumber": parts[-1].number}
        answer = await self._api.send("POST", f"{self._upload.path}/s3_urls", json=wish)
        if not answer.ok:
            raise Refusal(answer)
        for item in wire.items(wire.mapping(answer.body), "urls"):
            number = wire.integer(item, "partNumber")
            if number is not None:
                self._urls[number] = wire.text(item, "url")
        if any(part.number not in self._urls for part in parts):
            raise Unavailable("the service gave no address for a part")

    async def _finished(self) -> RemoteNode:
        """Ask with growing pauses; raises ``Unavailable`` when patience ends, though the file may appear yet."""
        give_up_at = trio.current_time() + _PATIENCE_S + self._upload.size / _BYTES_PER_S
        pause_s, unknown = _FIRST_PAUSE_S, 0
        while trio.current_time() < give_up_at:
            await trio.sleep(pause_s)
            pause_s = min(pause_s * 1.5, _LONGEST_PAUSE_S)
            answer = await self._status()
            if answer is None:
                continue
            if not answer.ok:
                unknown += 1
                if answer.status != 404 or unknown > _UNKNOWN_REPEATS:
                    raise Refusal(answer)
            elif (node := _outcome(wire.mapping(answer.body))) is not None:
                return node
        raise Unavailable("the storage is still busy with the upload")

    async def _status(self) -> Answer | None:
        """None on trouble that may pass."""
        try:
            answer = await self._api.send("GET", self._upload.path)
        except Unavailable:
            return None
        return None if answer.status >= 500 or answer.status == 429 else answer


def _outcome(status: wire.Json) -> RemoteNode | None:
    """The node when done, None while the service works; raises ``Refusal`` with what went wrong."""
    if status.get("status") == "done":
        return wire.remote_node(status.get("node"))
    if status.get("status") != "error":
        return None
    details = status.get("errorDetails")
    found = details if isinstance(details, dict) else {}
    raise Refusal(Answer(wire.integer(found, "code") or 500, wire.integer(found, "errorCode"), found))


def _completed(answer: Answer) -> Answer:
    """A refusal by a server in trouble says nothing of what happened."""
    if answer.ok:
        return answer
    failure = answer.failure()
    if answer.status >= 500 and isinstance(failure, Unavailable):
        raise failure
    raise Refusal(answer)


def _of_transfer(response: Response) -> Answer:
    """A chunk that meets a 404 has lost its channel; that says nothing about any node."""
    answer = answer_of(response)
    if isinstance(answer.failure(), NotFound):
        raise Unavailable("the upload is unknown to the service")
    return answer
