"""``status``, ``refresh`` and ``sync``: asking a daemon that runs."""

import json
from pathlib import Path

import click

from mountcloud.cli.outcome import NoDaemon, explained
from mountcloud.daemon.control import ControlError, NotRunning, call
from mountcloud.daemon.paths import AccountPaths, config_file
from mountcloud.daemon.settings import load

_ANSWER_WITHIN_S = 10.0


@click.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_context
def status(context: click.Context, name: str | None, *, as_json: bool) -> None:
    """Show how the mount NAME is, or all accounts.

    Exit code 3 if the daemon of NAME does not run.
    """
    with explained():
        names = [name] if name else sorted(load(config_file()).accounts)
        reports = {each: _report(each) for each in names}
    if as_json:
        click.echo(json.dumps(reports, indent=2))
    else:
        click.echo("\n\n".join(_readable(each, report) for each, report in reports.items()) or _nothing_yet())
    if name and reports[name].get("state") == "not running":
        context.exit(NoDaemon.exit_code)


@click.command()
@click.argument("name")
@click.argument("path", required=False)
def refresh(name: str, path: str | None) -> None:
    """Ask the service now what is in the account NAME (below PATH, counted from the mount point)."""
    with explained():
        call(account_socket(name), "refresh", path=_below_mount(path))
    click.echo("Up to date.")


@click.command()
@click.argument("name")
@click.argument("path", required=False)
@click.option("--wait", is_flag=True, help="Return when nothing is owed to the service any more.")
def sync(name: str, path: str | None, *, wait: bool) -> None:
    """Try again what could not be sent, and with --wait wait until everything (below PATH) is on the service."""
    with explained():
        retried = call(account_socket(name), "retry_parked", timeout_s=_ANSWER_WITHIN_S)
        if retried:
            click.echo(f"Trying {retried} given-up operations again.")
        if wait:
            call(account_socket(name), "sync", path=_below_mount(path))
            click.echo("Everything is on the service.")
            return
        owed = _status(name).get("owed", 0)
    click.echo(f"{owed} operations are on their way to the service; --wait waits for them.")


def _report(name: str) -> dict[str, object]:
    try:
        return _status(name)
    except NotRunning:
        return {"state": "not running", "message": f"start it with: mountcloud mount {name}"}


def _status(name: str) -> dict[str, object]:
    answer = call(account_socket(name), "status", timeout_s=_ANSWER_WITHIN_S)
    if isinstance(answer, dict):
        return answer
    raise ControlError("the daemon gave a status that is none", hint="is it of another version?")


def account_socket(name: str) -> Path:
    """Where the account's daemon listens."""
    return AccountPaths.of(name).control


def _below_mount(path: str | None) -> str | None:
    return path.strip("/") or None if path else None


def _readable(name: str, report: dict[str, object]) -> str:
    told = {key: value for key, value in report.items() if value not in ("", None, [])}
    width = max(map(len, told), default=0)
    return "\n".join([name, *(f"  {key:<{width}}  {_word(value)}" for key, value in told.items())])


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _nothing_yet() -> str:
    return "No account yet. Try: mountcloud demo, or: mountcloud login NAME"
