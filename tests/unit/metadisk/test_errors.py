"""Every answer of the service as one of our failures."""

import json

import pytest

from mountcloud.model.errors import (
    AccountBlocked,
    AuthenticationRequired,
    Exists,
    Failure,
    Forbidden,
    InvalidArgument,
    NotFound,
    Refused,
    Throttled,
    Unavailable,
)
from mountcloud.net.http import Response
from mountcloud.providers.metadisk.errors import NonceRefused, TokenSpent, failure_for


def answer(status: int, text: str | None = None, **headers: str) -> Response:
    return Response(status, headers, b"<html>" if text is None else json.dumps({"error": text}).encode())


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        (400, "Invalid activation token", InvalidArgument),
        (400, "Missing or invalid x-filesize header sent", Unavailable),
        (400, "File size exceeds declared size", Unavailable),
        (400, "File does not match the declared size", Unavailable),
        (400, "Public key is already registered", Exists),
        (400, "Invalid public key supplied: Must not contain non-hexidecimal characters", Refused),
        (401, "No authentication strategy detected", AuthenticationRequired),
        (401, "User account has not been activated", AccountBlocked),
        (401, "Invalid signature", AuthenticationRequired),
        (401, "Public key not registered", AuthenticationRequired),
        (401, "User not found", AuthenticationRequired),
        (401, "Invalid nonce supplied", NonceRefused),
        (401, "Not authorized to store in bucket", Forbidden),
        (401, "Not authorized to retrieve from bucket", Forbidden),
        (404, "Bucket not found", NotFound),
        (404, "File not found", NotFound),
        (404, "The requested file was not found", NotFound),
        (404, "Public key was not found", NotFound),
        (404, "Failed to find the shard contract", Unavailable),
        (404, "Could not find the farmer", Unavailable),
        (500, "Email is already registered", Exists),
        (500, "Password must be hex encoded SHA-256 hash", Refused),
        (500, "Invalid email or password", AuthenticationRequired),
        (500, "Invalid or expired token", TokenSpent),
        (500, 'Cast to ObjectId failed for value "x" at path "_id"', NotFound),
        (500, "Shard not found", Unavailable),
    ],
)
def test_the_words_of_the_service(status: int, text: str, kind: type[Failure]) -> None:
    assert type(failure_for(answer(status, text))) is kind


@pytest.mark.parametrize("status", [*range(100, 200), *range(300, 600), 999])
def test_any_other_answer_is_a_failure_and_never_a_deletion(status: int) -> None:
    for failure in (failure_for(answer(status)), failure_for(answer(status, "x" * 1000))):
        assert not isinstance(failure, NotFound)
        assert len(str(failure)) < 400


def test_the_words_count_only_with_their_number() -> None:
    assert type(failure_for(answer(502, "Bucket not found"))) is Unavailable
    assert type(failure_for(answer(400, "Invalid email or password"))) is Refused


def test_who_asks_for_patience_may_say_for_how_long() -> None:
    failure = failure_for(answer(503, **{"retry-after": "7"}))
    assert isinstance(failure, Throttled)
    assert failure.retry_after == 7


def test_what_helps_is_said() -> None:
    assert "login" in failure_for(answer(401, "Invalid signature")).hint
    assert "clocks" in failure_for(answer(401, "Invalid nonce supplied")).hint
