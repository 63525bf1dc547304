"""What all services ask of the addresses that the user wrote."""

import pytest

from mountcloud.model.errors import InvalidArgument
from mountcloud.providers.checking import check_proxy, checked_url

EXAMPLE = "https://cloud.example/dav"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("https://cloud.example", "https://cloud.example"),
        ("https://cloud.example:8443/dav//", "https://cloud.example:8443/dav"),
        ("http://127.0.0.1:80/", "http://127.0.0.1:80"),
        ("http://[::1]:80/", "http://[::1]:80"),
        ("http://localhost/dav", "http://localhost/dav"),
    ],
)
def test_an_address_ends_without_a_slash(text: str, found: str) -> None:
    assert checked_url("url", text, EXAMPLE) == found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        *((text, f"url must look like {EXAMPLE}") for text in ("", "cloud.example", "ftp://cloud.example", "https://")),
        *((text, f"url must look like {EXAMPLE}") for text in ("https://[::1", "https://cloud.example:port")),
        *(
            (f"https://{text}", "credentials, a query")
            for text in ("me:pw@cloud.example", "x.example?a", "x.example#a")
        ),
        ("http://cloud.example", "url must begin with https"),
        ("http://localhost.example", "url must begin with https"),
    ],
)
def test_what_is_none_is_told_with_an_example(text: str, words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        checked_url("url", text, EXAMPLE)


def test_where_the_user_may_allow_it_the_hint_says_so() -> None:
    assert checked_url("url", "http://cloud.example", EXAMPLE, allow_http=True) == "http://cloud.example"
    for allowed, hint in ((None, ""), (False, "allow_http = true")):
        with pytest.raises(InvalidArgument) as refused:
            checked_url("url", "http://cloud.example", EXAMPLE, allow_http=allowed)
        assert refused.value.hint.startswith(hint)
        assert bool(refused.value.hint) is (allowed is not None)


@pytest.mark.parametrize("proxy", ["", "http://proxy.example:3128", "https://x", "socks5://[::1]:1080"])
def test_proxies(proxy: str) -> None:
    check_proxy(proxy)


@pytest.mark.parametrize("proxy", ["proxy.example", "ftp://x", "http://[::1", "http://x:port"])
def test_what_is_no_proxy(proxy: str) -> None:
    with pytest.raises(InvalidArgument, match="proxy must look like"):
        check_proxy(proxy)
