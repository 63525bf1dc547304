"""What is remembered of a file's versions."""

from mountcloud.model.ids import Version
from mountcloud.providers.smartfile.facts import RACY, Binding, Facts
from mountcloud.providers.smartfile.wire import Token

TOKEN = Token("2026-11-21T13:29:05", 20)
SOON, LATER = Version(f"{TOKEN.text}{RACY}"), Version(TOKEN.text)


def test_a_version_seen_too_soon_and_the_same_seen_later_are_one_content() -> None:
    """A list saw it without doubt while an open waited for the doubt to pass, and wrote its own version down."""
    facts = Facts().bound(Binding(TOKEN, SOON))
    assert facts.expected(SOON) == TOKEN
    assert facts.expected(LATER) == TOKEN


def test_a_version_whose_token_stands_for_another_is_gone() -> None:
    facts = Facts().bound(Binding(TOKEN, Version(f"{TOKEN.text}#1234")))
    assert facts.expected(LATER) is None
    assert facts.expected(SOON) is None
