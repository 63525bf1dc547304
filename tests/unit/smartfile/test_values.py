"""Times without a zone, tokens, forms, refusals: what can be judged without a server."""

import email
from email.message import Message

import pytest
import trio

from mountcloud.model import errors
from mountcloud.model.errors import Exists, Failure, Forbidden, NotEmpty, NotFound, Refused, Throttled, Unavailable
from mountcloud.model.ids import Version
from mountcloud.model.node import Rights
from mountcloud.net.forms import Form
from mountcloud.net.http import Response
from mountcloud.providers.smartfile import clock, wire
from mountcloud.providers.smartfile.errors import BY_STATUS, failure_for, failure_of_task, softly_refused
from mountcloud.providers.smartfile.facts import Binding, Facts, facts_of
from mountcloud.providers.smartfile.wire import Token

SUMMER, WINTER, REPEATED, SKIPPED = (
    "2023-07-22T00:26:40",
    "2023-11-14T17:13:20",
    "2023-11-05T01:30:00",
    "2023-03-12T02:30:00",
)


def test_times_are_those_of_indianapolis() -> None:
    assert clock.moments(SUMMER) == (1_690_000_000,)
    assert clock.moments(WINTER) == (1_700_000_000,)
    assert clock.seconds(WINTER) == 1_700_000_000
    assert clock.moments("2023-11-14T17:13:20+00:00") == (1_699_982_000,)


def test_an_hour_that_repeats_is_two_moments() -> None:
    first, second = clock.moments(REPEATED)
    assert second - first == 3600
    assert clock.seconds(REPEATED) == first
    token = Token(REPEATED, 1)
    assert [token.is_young(first + ahead, 2) for ahead in (0, 1, 2, 1800, 3599, 3602)] == [
        True,
        True,
        False,
        False,
        True,
        False,
    ]


@pytest.mark.parametrize("text", ["", "yesterday", "0000", "2023-13-01T00:00:00"])
def test_what_is_no_time_is_the_epoch(text: str) -> None:
    assert (clock.moments(text), clock.seconds(text)) == ((), 0)


def test_an_hour_that_is_left_out_is_some_moment() -> None:
    assert clock.seconds(SKIPPED) > 0


def test_tokens_are_read_back() -> None:
    token = Token(WINTER, 5)
    assert wire.parsed(token.text) == token
    assert wire.parsed(f"{token.text}#1234") is None
    assert wire.parsed("") is None


def test_facts_are_read_back_and_hide_older_ones() -> None:
    token, other = Token(WINTER, 5), Token(SUMMER, 5)
    facts = Facts().bound(Binding(token, Version("1"))).bound(Binding(other, Version("2"), 7))
    assert facts_of(facts.text) == facts
    assert facts_of("") == Facts()
    assert (facts.expected(Version("1")), facts.expected(Version("2"))) == (token, other)
    again = facts.bound(Binding(token, Version("3")))
    assert (again.expected(Version("1")), again.expected(Version("3"))) == (None, token)
    assert facts.expected(Version(f"{SUMMER};6")) == Token(SUMMER, 6)
    assert facts.expected(Version(f"{SUMMER};6~")) == Token(SUMMER, 6)
    assert facts.expected(Version(other.text)) is None


def answer(**more: object) -> dict[str, object]:
    return {"name": "f", "isdir": False, "size": 3, "time": WINTER, "acl": {"write": False}} | more


def test_an_entry() -> None:
    entry = wire.entry_of([answer(attributes={"a": 1})], now=9)
    assert (entry.name, entry.size, entry.time, entry.now, entry.modified) == ("f", 3, WINTER, 9, 1_700_000_000)
    assert entry.attributes == {"a": "1"}
    assert Rights.READ | Rights.DELETE in entry.rights
    assert Rights.WRITE not in entry.rights
    assert wire.entry_of(answer(acl=None)).rights == Rights.ALL
    assert wire.entry_of(answer(isdir=True, size=None)).is_directory


@pytest.mark.parametrize("told", [None, 0, -1, True, "7", 1.5])
def test_what_cannot_tell_one_node_from_all_others_is_no_number(told: object) -> None:
    assert wire.entry_of(answer(id=told)).number == ""
    assert wire.entry_of(answer(id=7)).number == "7"


@pytest.mark.parametrize(
    "broken",
    [None, [], [answer(), answer()], {}, answer(size=None), answer(size=-1), answer(name="a/b"), answer(time=3)],
)
def test_half_an_entry_is_none(broken: object) -> None:
    with pytest.raises(Unavailable):
        wire.entry_of(broken)


@pytest.mark.parametrize("broken", [None, {}, {"children": {}}, {"children": [], "pages": "2"}, {"children": [{}]}])
def test_half_a_list_is_none(broken: object) -> None:
    with pytest.raises(Unavailable):
        wire.page_of(broken, 0)


def test_names_are_encoded_each_by_itself() -> None:
    assert wire.quoted(("a b", "ü?#%/", "..")) == "a%20b/%C3%BC%3F%23%25%2F/../"
    assert wire.quoted(()) == ""
    assert (wire.absolute(()), wire.absolute(("a", "b c"))) == ("/", "/a/b c")


class _Source:
    size = 600_000

    async def pread(self, size: int, offset: int) -> bytes:
        return (b"0123456789" * 60_000)[offset : offset + size]


def test_a_form_is_as_long_as_it_says_and_holds_the_file() -> None:
    form = Form(_Source(), "file", ".mountcloud-upload-1")

    async def gathered() -> bytes:
        return b"".join([piece async for piece in form.body()])

    body = trio.run(gathered)
    assert len(body) == form.size
    assert trio.run(gathered) == body
    parsed: Message = email.message_from_bytes(f"Content-Type: {form.headers['Content-Type']}\n\n".encode() + body)
    part = parsed.get_payload(0)
    assert isinstance(part, Message)
    assert part.get_filename() == ".mountcloud-upload-1"
    assert part.get_payload(decode=True) == b"0123456789" * 60_000


def test_every_status_is_a_failure() -> None:
    for status in range(300, 600):
        failure = failure_for(Response(status, {}, b""))
        assert type(failure).__name__ in vars(errors)
        if status in BY_STATUS:
            assert type(failure) is BY_STATUS[status][0]


def test_refusals_by_their_words() -> None:
    assert isinstance(failure_for(Response(400, {}, b'{"src": ["gone"]}')), NotFound)
    assert isinstance(failure_for(Response(400, {}, b'{"path": ["gone"]}')), NotFound)
    assert isinstance(failure_for(Response(400, {}, b'{"dst": ["odd"]}')), Refused)
    assert "too odd" in str(failure_for(Response(400, {}, b'{"field_errors": {"name": ["too odd"]}}')))
    throttled = failure_for(Response(503, {"x-throttle": "throttled; next=0.5 sec"}, b""))
    assert isinstance(throttled, Throttled)
    assert throttled.retry_after == 0.5
    assert not isinstance(failure_for(Response(503, {}, b"")), Throttled)
    assert len(str(failure_for(Response(403, {}, b'{"detail": "' + b"x" * 9999 + b'"}')))) < 400


def test_a_refusal_inside_of_a_success() -> None:
    soft = softly_refused(Response(200, {}, b'{"status": 403, "detail": "no"}'))
    assert isinstance(failure_for(soft), Forbidden)
    for body in (b'{"path": "/f", "detail": "x", "status": 404}', b'{"status": 200, "detail": "x"}', b"[]", b"", b"x"):
        whole = Response(200, {}, body)
        assert softly_refused(whole) is whole


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("Directory is not empty", NotEmpty),
        ("No such file", NotFound),
        ("Permission denied", Forbidden),
        ("File exists", Exists),
        ("Bad luck", Refused),
    ],
)
def test_what_a_task_says_of_a_path(reason: str, kind: type[Failure]) -> None:
    failure = failure_of_task({"/a": reason})
    assert type(failure) is kind
    assert reason in str(failure)
