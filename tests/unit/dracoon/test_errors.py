import re

import pytest

from mountcloud.model import errors
from mountcloud.model.errors import Failure
from mountcloud.providers.dracoon.api import Answer
from mountcloud.providers.dracoon.errors import failure_for

SHEET = """
400 -40755 InvalidName
400 -41200 NameTooLong
400 -80007 NameTooLong
400 -80000 Refused
400 -80024 Refused
400 -80006 InvalidArgument
400 -80008 InvalidArgument
400 -80021 Unavailable
400 -80037 TooLarge
400 -80045 Unavailable
400 -80046 Unavailable
400 -80063 Refused
400 -20503 Unavailable
400 -40001 CrossesBoundary
400 -40002 CrossesBoundary
400 -40014 NoKey
400 -41052 NotPermitted
400 -41053 NotADirectory
400 -41054 InvalidArgument
400 -41302 InvalidArgument
400 -41303 InvalidArgument
400 -40008 Busy
400 -40012 Busy
400 -40023 Busy
400 -40009 NotPermitted
400 -40017 NotPermitted
400 -40006 NotPermitted
400 -40013 CrossesBoundary
400 -70020 NoKey
400 -70027 NoKey
400 -90033 Unavailable
400 none Refused
401 -10006 AuthenticationRequired
401 -10011 AuthenticationRequired
401 -10012 AuthenticationRequired
401 none AuthenticationRequired
401 -20502 Unavailable
402 none NotPermitted
403 none Forbidden
403 -10003 AccountBlocked
403 -10004 AccountBlocked
403 -10005 AccountBlocked
403 -10007 AccountBlocked
403 -40761 NoKey
403 -70020 NoKey
403 -40764 Blocked
403 -40765 Blocked
901 none Blocked
404 -40000 NotFound
404 -40751 NotFound
404 -41000 NotFound
404 -41050 NotFound
404 -41051 NotFound
404 -41100 NotFound
404 -40761 NoKey
404 -20501 Unavailable
404 -90034 Unavailable
404 -70501 InvalidArgument
404 -30000 InvalidArgument
404 none NotFound
406 none Refused
409 none Exists
409 -41001 Exists
409 -40010 Conflict
409 -41304 InvalidArgument
409 -70021 Exists
412 -10103 AccountBlocked
412 -10104 AccountBlocked
412 -10106 AccountBlocked
412 -90030 Unavailable
429 none Throttled
429 -40000 Throttled
500 none Unavailable
502 none Unavailable
503 -90027 Unavailable
504 none Unavailable
507 -40200 QuotaExceeded
502 -40200 QuotaExceeded
507 -90200 OutOfSpace
507 -90201 OutOfSpace
507 -50504 QuotaExceeded
"""


@pytest.mark.parametrize("line", SHEET.strip().splitlines())
def test_each_refusal_of_the_sheet_has_its_failure(line: str) -> None:
    status, code, name = line.split()
    failure = failure_for(int(status), None if code == "none" else int(code))
    assert type(failure) is getattr(errors, name)
    assert status in str(failure) or name == "Throttled"


def test_every_number_is_some_failure() -> None:
    for status in range(1000):
        for code in (None, 0, -1, -99999, 7):
            assert isinstance(failure_for(status, code), Failure)


def test_only_the_service_itself_can_say_that_a_node_is_gone() -> None:
    assert isinstance(Answer(404, None, None, spoke_json=False).failure(), errors.Unavailable)
    assert isinstance(Answer(404, None, {}, spoke_json=True).failure(), errors.NotFound)


def test_the_scanners_mark_and_the_time_to_wait_are_kept() -> None:
    assert isinstance(failure_for(403, blocked=True), errors.Blocked)
    assert isinstance(failure_for(403, -10003, blocked=True), errors.AccountBlocked)
    throttled = failure_for(429, retry_after=7.0)
    unavailable = failure_for(503, retry_after=8.0)
    assert isinstance(throttled, errors.Throttled)
    assert isinstance(unavailable, errors.Unavailable)
    assert (throttled.retry_after, unavailable.retry_after) == (7.0, 8.0)


def test_texts_are_for_people() -> None:
    for status in (400, 401, 403, 404, 409, 500):
        assert re.fullmatch(r"[a-z'’ ,-]+ \[\d+\]", str(failure_for(status)))
