"""Tokens, facts, abilities, settings and the table of refusals."""

import pytest

from mountcloud.model import errors
from mountcloud.model.errors import Failure, InvalidArgument, Unavailable
from mountcloud.model.ids import Version
from mountcloud.net.auth import Scheme
from mountcloud.net.http import Response
from mountcloud.providers.webdav import tokens
from mountcloud.providers.webdav.abilities import Abilities, abilities_of
from mountcloud.providers.webdav.errors import BY_STATUS, failure_for
from mountcloud.providers.webdav.facts import Binding, Facts, facts_of
from mountcloud.providers.webdav.settings import settings_from
from mountcloud.providers.webdav.tokens import RACY, Token


@pytest.mark.parametrize(
    ("told", "normal"),
    [
        ('"abc"', "abc"),
        ('W/"abc"', "abc"),
        ("abc", "abc"),
        ('"abc-gzip"', "abc"),
        ('"abc;br"', "abc"),
        ('W/"abc-deflate"', "abc"),
        ("", ""),
    ],
)
def test_tags_are_compared_without_what_proxies_and_servers_do_to_them(told: str, normal: str) -> None:
    assert tokens.etag(told) == normal


@pytest.mark.parametrize(("told", "usable"), [('"abc"', '"abc"'), ("abc", '"abc"'), ('W/"abc"', ""), ("", "")])
def test_weak_tags_are_no_conditions(told: str, usable: str) -> None:
    assert tokens.strong(told) == usable


def test_tokens_agree_in_all_that_both_say() -> None:
    whole = Token("tag", 3, 100)
    assert whole.agrees(Token("", 3, 100))
    assert whole.agrees(Token("tag", 3, 0))
    assert not whole.agrees(Token("other", 3, 100))
    assert not whole.agrees(Token("tag", 4, 100))
    assert not whole.agrees(Token("tag", 3, 101))


@pytest.mark.parametrize("token", [Token("", 0, 0), Token("a;1;2", 3, 4), Token('odd"~\n', 1, 2)])
def test_a_token_is_read_from_its_version(token: Token) -> None:
    assert tokens.parsed(token.text) == tokens.parsed(token.text + RACY) == token


def test_a_version_of_our_own_is_no_token() -> None:
    assert tokens.parsed(Token("tag", 1, 2).text + "#1f") is None


OLD, NEW = Token("one", 3, 100), Token("two", 3, 100)


def test_facts_survive_the_book() -> None:
    facts = Facts((Binding(OLD, Version("1")), Binding(NEW, Version("2"), 5)))
    assert facts_of(facts.text) == facts
    assert facts_of(Facts(mtime_ns=7, modified=8).text) == Facts(mtime_ns=7, modified=8)
    assert facts_of(Facts().text) == Facts()


def test_the_last_word_on_a_token_counts() -> None:
    facts = Facts().bound(Binding(OLD, Version("1"))).bound(Binding(OLD, Version("2"), 9))
    assert facts.binding(OLD) == Binding(OLD, Version("2"), 9)
    assert (facts.expected(Version("1")), facts.expected(Version("2"))) == (None, OLD)


def test_a_version_that_is_a_token_is_expected_until_the_token_means_another() -> None:
    version = Version(OLD.text)
    assert Facts().expected(version) == OLD
    assert Facts().bound(Binding(OLD, Version("mine"))).expected(version) is None
    assert Facts().bound(Binding(NEW, Version("mine"))).expected(version) == OLD


def test_only_the_last_bindings_are_kept() -> None:
    facts = Facts()
    for number in range(10):
        facts = facts.bound(Binding(Token(str(number), 1, 1), Version(str(number))))
    assert [each.version for each in facts.bindings] == ["7", "8", "9"]


def test_abilities_survive_the_book_unless_the_probe_learned_more() -> None:
    abilities = Abilities(precise=True, quota=True)
    assert abilities_of(abilities.text) == abilities
    assert abilities_of(None) is None
    assert abilities_of('{"schema": 0, "precise": true}') is None


def answer(status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> Response:
    return Response(status, headers or {}, body)


def test_every_status_has_a_failure() -> None:
    for status in range(300, 600):
        failure = failure_for(answer(status))
        assert isinstance(failure, Failure)
        assert str(status) in str(failure) or status == 429
        if status >= 500 and status not in BY_STATUS:
            assert isinstance(failure, Unavailable)


def test_trouble_is_never_read_as_a_deletion() -> None:
    gone = {status for status in range(300, 600) if isinstance(failure_for(answer(status)), errors.NotFound)}
    assert gone == {404, 409, 410}


def test_what_sabredav_says_counts_more_than_the_status() -> None:
    body = b"<s:exception>OCA\\DAV\\Connector\\Sabre\\Exception\\InvalidPath</s:exception>"
    assert isinstance(failure_for(answer(400, body)), errors.InvalidName)
    assert isinstance(failure_for(answer(400)), errors.Refused)


def test_patience_is_passed_on() -> None:
    failure = failure_for(answer(503, headers={"retry-after": "7"}))
    assert isinstance(failure, Unavailable)
    assert failure.retry_after == 7


def test_settings() -> None:
    settings = settings_from({"url": "https://cloud.example/dav/", "username": "me", "auth": "digest"})
    assert (settings.url, settings.auth) == ("https://cloud.example/dav", Scheme.DIGEST)


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({}, "url"),
        ({"url": "ftp://x"}, "url"),
        ({"url": "https://me:secret@x"}, "credentials"),
        ({"url": "http://nas.example"}, "https"),
        ({"url": "https://x", "usrname": "me"}, "username"),
        ({"url": "https://x", "auth": "kerberos"}, "basic"),
        ({"url": "https://x", "max_concurrency": 0}, "max_concurrency"),
        ({"url": "https://x", "username": 1}, "username"),
        ({"url": "https://x", "proxy": "proxy.example"}, "proxy"),
    ],
)
def test_wrong_settings_are_named(values: dict[str, object], word: str) -> None:
    with pytest.raises(InvalidArgument) as wrong:
        settings_from(values)
    assert word in str(wrong.value)


def test_a_password_in_the_clear_must_be_asked_for() -> None:
    assert settings_from({"url": "http://nas.example", "allow_http": True}).allow_http
    assert settings_from({"url": "http://127.0.0.1:80"}).url


def test_a_version_seen_too_soon_and_the_same_seen_later_are_one_content() -> None:
    """A list saw it without doubt while an open waited for the doubt to pass, and wrote its own version down."""
    token = Token("etag", 20, 1_700_000_000)
    soon, later = Version(f"{token.text}{RACY}"), Version(token.text)
    facts = Facts().bound(Binding(token, soon, None))
    assert (facts.expected(soon), facts.expected(later)) == (token, token)
    assert Facts().bound(Binding(token, Version(f"{token.text}#1"), None)).expected(later) is None
