"""Small files go up in one request on servers that were seen to do that safely."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import httpx
import pytest
import trio

from mountcloud.model.errors import Conflict, Exists, Unavailable
from mountcloud.net.http import Response
from mountcloud.providers.book import ROOT
from mountcloud.providers.memory_places import MemoryPlaces
from mountcloud.providers.webdav.abilities import abilities_of
from mountcloud.providers.webdav.address import Path
from mountcloud.providers.webdav.facts import facts_of
from mountcloud.providers.webdav.provider import ABILITIES, WebdavProvider
from mountcloud.providers.webdav.small import SMALL
from tests.conformance.content import MTIME_NS
from tests.webdav.client import Bench, new_client, on

HONEST = ("apache", "lighttpd")


@dataclass
class Requests:
    """Counts what a client asks for. With ``breaks`` the line breaks before the answer to a PUT comes through."""

    client: WebdavProvider
    breaks: bool = False
    broken: bool = False
    methods: "Counter[str]" = field(default_factory=Counter)

    def __post_init__(self) -> None:
        http = self.client._client
        exchange = http._exchange

        async def counted(request: httpx.Request) -> Response:
            self.methods[request.method] += 1
            if self.broken:
                raise Unavailable("the line is broken")
            answer = await exchange(request)
            self.broken = self.breaks and request.method == "PUT"
            if self.broken:
                raise Unavailable("the answer is lost")
            return answer

        http._exchange = counted  # type: ignore[method-assign]  # what a proxy would do, without one

    def mend(self) -> None:
        self.breaks = self.broken = False


async def strong_tags(b: Bench) -> None:
    """Apache's tags are no conditions within a second of a change."""
    if b.kind == "apache":
        await trio.sleep(1.1)


@on(*HONEST)
async def test_a_small_file_takes_one_request_under_its_final_name(b: Bench) -> None:
    requests = Requests(b.client)
    made = await b.put("file", b"first")
    assert requests.methods == {"PUT": 1, "PROPFIND": 1, "PROPPATCH": 1}
    requests.methods.clear()
    await strong_tags(b)
    newer = await b.put("file", b"second", replaces=made)
    assert (newer.id, newer.version != made.version, newer.mtime_ns) == (made.id, True, MTIME_NS)
    assert requests.methods == {"PUT": 1, "PROPFIND": 1, "PROPPATCH": 1}
    assert await b.named("file") == newer
    assert await b.read(newer) == b"second"


@on("lighttpd")
async def test_a_larger_one_goes_beside(b: Bench) -> None:
    requests = Requests(b.client)
    await b.put("file", bytes(SMALL + 1))
    assert requests.methods["MOVE"] == 1
    assert b.files == {"file"}


@on(*HONEST)
async def test_a_server_that_may_tear_files_gets_none_this_way(b: Bench) -> None:
    """Each ability by itself is not enough."""
    found = abilities_of(b.places.note(ABILITIES))
    assert found is not None
    lacking = (
        replace(found, whole_put=False),
        replace(found, put_if_none=False),
        replace(found, precise=False),
    )
    for number, each in enumerate(lacking):
        places = MemoryPlaces()
        places.set_note(ABILITIES, each.text)
        client = new_client(b.url, places)
        requests = Requests(client)
        await Bench(b.kind, b.url, b.data, places, client, b.outsider).put(str(number), b"x")
        assert requests.methods["MOVE"] == 1
        await client.aclose()


@on(*HONEST)
async def test_a_file_whose_answer_was_lost_is_known_by_its_bytes(b: Bench) -> None:
    """As who starts anew would see it: with our time, so that nobody takes it for another's."""
    requests = Requests(b.client, breaks=True)
    with pytest.raises(Unavailable):
        await b.put("file", b"content")
    again = new_client(b.url, b.places)
    [seen] = await again.children(ROOT)
    assert (seen.name, seen.size, seen.mtime_ns) == ("file", 7, MTIME_NS)
    await again.aclose()
    requests.mend()
    newer = await b.put("file", b"newer", replaces=seen)
    await strong_tags(b)
    requests.breaks = True
    with pytest.raises(Unavailable):
        await b.put("file", b"newest", replaces=newer)
    requests.mend()
    last = await b.client.node(newer.ref)
    assert (last.id, last.size, last.mtime_ns) == (seen.id, 6, MTIME_NS)
    assert last.version != newer.version
    assert not facts_of(b.places.get(last.id).facts).sent  # type: ignore[union-attr]  # it is there


@on(*HONEST)
async def test_a_lost_answer_is_made_good_at_once_where_the_line_is_not_broken(b: Bench) -> None:
    requests = Requests(b.client, breaks=True)
    exchange = b.client._client._exchange

    async def mended(request: httpx.Request) -> Response:
        if requests.broken:
            requests.mend()
        return await exchange(request)

    b.client._client._exchange = mended  # type: ignore[method-assign]  # as above
    made = await b.put("file", b"content")
    assert (made.mtime_ns, await b.read(made)) == (MTIME_NS, b"content")
    assert requests.methods["PUT"] == 1


@on("lighttpd")
async def test_a_file_that_another_client_removes_at_once_is_sent_again(b: Bench) -> None:
    """Nothing says that its directory is gone, so nobody has to act."""
    put = b.client._dav.put_whole

    async def removed(path: Path, content: bytes, headers: Mapping[str, str]) -> Response:
        answer = await put(path, content, headers)
        b.outsider.remove("file")
        return answer

    b.client._dav.put_whole = removed  # type: ignore[method-assign]  # as above
    with pytest.raises(Unavailable):
        await b.put("file", b"content")
    b.client._dav.put_whole = put  # type: ignore[method-assign]  # as above
    made = await b.put("file", b"content")
    assert await b.read(made) == b"content"


@on(*HONEST)
async def test_the_same_bytes_again_are_no_conflict(b: Bench) -> None:
    requests = Requests(b.client, breaks=True)
    with pytest.raises(Unavailable):
        await b.put("file", b"content")
    b.places.change(remove=[each.id for each in b.places.below(ROOT)])
    requests.mend()
    made = await b.put("file", b"content")
    assert requests.methods["PUT"] == 2
    assert await b.named("file") == made
    assert b.files == {"file"}


@on(*HONEST)
async def test_an_outsider_with_as_many_bytes_is_no_answer_that_was_lost(b: Bench) -> None:
    """The request never came through, and another client took the name."""
    requests = Requests(b.client, breaks=True)
    with pytest.raises(Unavailable):
        await b.put("file", b"mine")
    requests.mend()
    b.outsider.put("file", b"them")
    theirs = await b.named("file")
    assert theirs.mtime_ns != MTIME_NS
    with pytest.raises(Exists):
        await b.put("file", b"mine")
    assert b.outsider.get("file") == b"them"


@on(*HONEST)
async def test_what_another_client_wrote_is_not_overwritten(b: Bench) -> None:
    base = await b.put("file", b"base")
    b.outsider.put("file", b"them")
    with pytest.raises(Conflict):
        await b.put("file", b"mine", replaces=base)
    b.outsider.put("other", b"them")
    with pytest.raises(Exists):
        await b.put("other", b"mine")
    assert (b.outsider.get("file"), b.outsider.get("other")) == (b"them", b"them")
    b.outsider.make_directory("folder")
    with pytest.raises(Exists):
        await b.put("folder", b"mine")
    assert b.files == {"file", "other", "folder"}
