"""How a command ends: exit codes (sysexits.h where it has one) and messages that say what to do next."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from mountcloud.daemon.control import ControlError, NotRunning
from mountcloud.daemon.paths import InvalidAccountName
from mountcloud.daemon.settings import SettingsError
from mountcloud.model import errors
from mountcloud.policy.printable import printable

_LATER = "(try again later; mountcloud doctor looks at what is needed)"


class CommandFailed(click.ClickException):
    """Ends the command with a message on stderr and this exit code."""

    exit_code = 1

    def format_message(self) -> str:
        """It may name what others named."""
        return printable(super().format_message(), keep="\n")


class NoDaemon(CommandFailed):
    """The account is not mounted; the code is that of init scripts for "program is not running"."""

    exit_code = 3


class Unreachable(CommandFailed):
    """The service gave no usable answer (EX_UNAVAILABLE)."""

    exit_code = 69


class NotNow(CommandFailed):
    """Later it may work (EX_TEMPFAIL)."""

    exit_code = 75


class Denied(CommandFailed):
    """The service refused these credentials or this action (EX_NOPERM)."""

    exit_code = 77


class Misconfigured(CommandFailed):
    """Settings or arguments must be changed; systemd need not try again (EX_CONFIG)."""

    exit_code = 78


@contextmanager
def explained() -> Iterator[None]:
    """Turn the failures that a user can meet into a message and an exit code; others stay tracebacks."""
    try:
        with ungrouped():
            yield
    except (SettingsError, InvalidAccountName) as error:
        raise Misconfigured(str(error)) from error
    except NotRunning as error:
        raise NoDaemon(str(error)) from error
    except ControlError as error:
        raise CommandFailed(str(error)) from error
    except errors.Failure as failure:
        raise _ending(failure)(_with_a_hint(failure)) from failure


@contextmanager
def ungrouped() -> Iterator[None]:
    """Nurseries wrap what their tasks raise; a single failure is meant as itself."""
    try:
        yield
    except BaseExceptionGroup as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]
        raise error from error.__cause__


def _with_a_hint(failure: errors.Failure) -> str:
    without = isinstance(failure, errors.Unavailable) and not failure.hint
    return f"{failure} {_LATER}" if without else str(failure)


def _ending(failure: errors.Failure) -> type[CommandFailed]:
    match failure:
        case errors.AuthenticationRequired() | errors.AccountBlocked() | errors.Forbidden():
            return Denied
        case errors.Unavailable():
            return Unreachable
        case errors.InvalidArgument() | errors.Unsupported():
            return Misconfigured
        case _:
            return NotNow if failure.transient else CommandFailed
