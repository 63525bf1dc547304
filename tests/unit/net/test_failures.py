import socket
import ssl

import httpx
import pytest

from mountcloud.model.errors import Unavailable
from mountcloud.net.failures import our_failures

TARGET = httpx.URL("https://cloud.example/secret/path")


def as_raised_by_the_library(cause: Exception) -> httpx.ConnectError:
    """Several attempts end in a group, which ends in an error of the library's own words."""
    error = httpx.ConnectError("all attempts to connect to cloud.example:443 failed")
    error.__cause__ = OSError("all attempts failed")
    error.__cause__.__cause__ = ExceptionGroup("attempts", [cause])
    return error


@pytest.mark.parametrize(
    ("cause", "told"),
    [
        (
            ConnectionRefusedError(111, "Error connecting to ('192.0.2.1', 443): Connection refused"),
            "Connection refused",
        ),
        (socket.gaierror(-2, "Name or service not known"), "Name or service not known"),
        (
            ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number"),
            "[SSL: WRONG_VERSION_NUMBER] wrong version number",
        ),
        (ValueError("of no system"), "all attempts to connect to cloud.example:443 failed"),
    ],
)
def test_what_kept_us_from_connecting_is_told_as_the_system_says_it(cause: Exception, told: str) -> None:
    with pytest.raises(Unavailable) as caught, our_failures(TARGET, "answer"):
        raise as_raised_by_the_library(cause)
    assert caught.value.message == f"cloud.example did not answer: {told}"
