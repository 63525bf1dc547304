import pytest

from mountcloud.cli.outcome import CommandFailed, explained
from mountcloud.daemon.control import ControlError, NotRunning
from mountcloud.daemon.paths import InvalidAccountName
from mountcloud.daemon.settings import SettingsError
from mountcloud.model import errors


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SettingsError("x"), 78),
        (InvalidAccountName("x"), 78),
        (NotRunning("x"), 3),
        (ControlError("x"), 1),
        (errors.AuthenticationRequired("x"), 77),
        (errors.AccountBlocked("x"), 77),
        (errors.Forbidden("x"), 77),
        (errors.Unavailable("x"), 69),
        (errors.Throttled("x"), 69),
        (errors.InvalidArgument("x"), 78),
        (errors.Busy("x"), 75),
        (errors.Refused("x"), 1),
        (ExceptionGroup("nursery", [ExceptionGroup("inner", [errors.Unavailable("x")])]), 69),
    ],
)
def test_exit_codes(error: Exception, code: int) -> None:
    with pytest.raises(CommandFailed, match="x") as caught, explained():
        raise error
    assert caught.value.exit_code == code


def test_the_hint_is_part_of_the_message() -> None:
    with pytest.raises(CommandFailed, match=r"no room \(delete something\)"), explained():
        raise errors.OutOfSpace("no room", hint="delete something")


def test_a_service_that_is_away_has_a_next_step() -> None:
    with pytest.raises(CommandFailed, match=r"no answer \(try again later; mountcloud doctor"), explained():
        raise errors.Unavailable("no answer")


def test_bugs_and_several_failures_stay_what_they_are() -> None:
    with pytest.raises(ZeroDivisionError), explained():
        raise ZeroDivisionError
    with pytest.raises(ExceptionGroup, match="both"), explained():
        raise ExceptionGroup("both", [errors.Busy("a"), errors.Busy("b")])


def test_an_interrupt_inside_a_nursery_is_an_interrupt() -> None:
    with pytest.raises(KeyboardInterrupt), explained():
        raise BaseExceptionGroup("nursery", [KeyboardInterrupt()])
