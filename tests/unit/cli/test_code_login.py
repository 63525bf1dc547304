import threading
from collections.abc import Callable

import httpx
import pytest

from mountcloud.cli import code_login
from mountcloud.cli.code_login import Listener, redirect_options
from mountcloud.model.errors import AuthenticationRequired, InvalidArgument

BROWSERS = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "SSH_CONNECTION")


@pytest.fixture
def no_browser(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in BROWSERS:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def visiting(listener: Listener, *queries: str) -> list[int]:
    """What a browser gets that comes back with these, one after the other."""
    answers: list[int] = []

    def visit() -> None:
        with httpx.Client(trust_env=False, timeout=20) as browser:
            address = listener.address.replace("localhost", "127.0.0.1")
            answers.extend(browser.get(f"{address}?{query}").status_code for query in queries)

    thread = threading.Thread(target=visit)
    thread.start()
    try:
        answers.append(len(listener.wait("mine", 20)))
    finally:
        thread.join(30)
    return answers


def test_the_code_comes_from_the_browser() -> None:
    assert sorted(visiting(Listener.open(""), "", "code=12345&state=mine")) == [5, 200, 400]


def test_a_code_for_another_log_in_is_not_taken() -> None:
    assert sorted(visiting(Listener.open(""), "code=1&state=theirs", "code=123&state=mine")) == [3, 200, 200]


def test_a_refusal_ends_it() -> None:
    with pytest.raises(AuthenticationRequired, match="access_denied"):
        visiting(Listener.open(""), "error=access_denied&state=mine")


def test_nobody_waits_for_ever() -> None:
    with pytest.raises(AuthenticationRequired, match="nobody granted"):
        Listener.open("").wait("mine", 0.3)


def test_the_address_of_the_settings_is_listened_at() -> None:
    first = Listener.open("")
    with pytest.raises(InvalidArgument, match="nothing can listen"):
        Listener.open(first.address)
    with pytest.raises(AuthenticationRequired):
        first.wait("mine", 0.0)
    again = Listener.open(first.address)
    assert again.address == first.address
    with pytest.raises(AuthenticationRequired):
        again.wait("mine", 0.0)


@pytest.mark.parametrize(
    ("environment", "options", "paste", "listens"),
    [
        ({}, {}, False, False),
        ({"BROWSER": "firefox"}, {}, False, True),
        ({"BROWSER": "firefox"}, {}, True, False),
        ({"BROWSER": "firefox"}, {"redirect_uri": "https://dracoon.example/oauth/callback"}, False, False),
        ({"DISPLAY": ":0", "SSH_CONNECTION": "1 2 3 4"}, {}, False, False),
    ],
)
def test_a_browser_elsewhere_cannot_come_back(
    no_browser: pytest.MonkeyPatch, environment: dict[str, str], options: dict[str, object], paste: bool, listens: bool
) -> None:
    for name, value in environment.items():
        no_browser.setenv(name, value)
    more, listener = redirect_options(options, paste=paste)
    assert (listener is not None, "redirect_uri" in more) == (listens, listens)
    if listener is not None:
        with pytest.raises(AuthenticationRequired):
            listener.wait("mine", 0.0)


@pytest.mark.parametrize(
    ("text", "code"),
    [(" abc \n", "abc"), ("https://x.example/oauth/callback?code=abc&state=mine", "abc"), ("?code=abc", "abc")],
)
def test_a_code_is_pasted_alone_or_with_its_address(text: str, code: str) -> None:
    pasted: Callable[[str, str], str] = code_login._pasted
    assert pasted(text, "mine") == code
    with pytest.raises(AuthenticationRequired, match="another log-in"):
        pasted("https://x.example/?code=abc&state=theirs", "mine")
