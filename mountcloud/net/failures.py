"""The HTTP library's exceptions, turned into our own."""

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from mountcloud.model.errors import Unavailable


class Silence(Unavailable):
    """Nothing came for too long."""


class BrokenOff(Unavailable):
    """The connection ended too early."""


@contextmanager
def our_failures(target: httpx.URL, task: str) -> Iterator[None]:
    """Turn the library's exceptions into ``Unavailable``.

    Only causes whose texts come from the operating system are kept: the others may quote headers or addresses.
    """
    try:
        yield
    except httpx.TimeoutException as late:
        raise Silence(f"{target.host} did not {task} in time") from late
    except httpx.NetworkError as broken:
        distrust = _distrust(broken)
        if distrust is not None:
            hint = "ca_file in the settings names an authority of your own"
            raise Unavailable(f"the certificate of {target.host} is not to be trusted: {distrust}", hint=hint) from None
        raise BrokenOff(f"{target.host} did not {task}: {_reason(broken)}") from broken
    except httpx.RemoteProtocolError as broken:
        raise BrokenOff(f"{target.host} did not {task}: {type(broken).__name__}") from None
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as other:
        raise Unavailable(f"{target.host} did not {task}: {type(other).__name__}") from None


def _reason(error: BaseException) -> str:
    """In the words of the operating system, which are somewhere among the causes, else in those of the library."""
    left: list[BaseException | None] = [error]
    while left:
        each = left.pop()
        if isinstance(each, OSError) and each.errno:
            # The numbers of name look-ups and of TLS are not the system's.
            ours = each.errno > 0 and not isinstance(each, ssl.SSLError)
            return os.strerror(each.errno) if ours else str(each.strerror)
        if each is not None:
            left += [*getattr(each, "exceptions", ()), each.__cause__ or each.__context__]
    return str(error) or type(error).__name__


def _distrust(error: BaseException | None) -> str | None:
    """What is wrong with the server's certificate, None if it is something else."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error.verify_message
        error = error.__cause__ or error.__context__
    return None
