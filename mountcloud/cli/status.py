"""``status`` and ``info``: how mounts are, and how one file is."""

import json
import shlex
import time
from collections.abc import Iterator
from pathlib import Path

import click

from mountcloud.cli import words
from mountcloud.cli.outcome import NoDaemon, explained
from mountcloud.cli.places import Place, account_names, account_socket, mounted_place
from mountcloud.daemon.control import ControlError, NotRunning, call
from mountcloud.daemon.paths import config_file
from mountcloud.daemon.settings import load
from mountcloud.policy.printable import printable

_ANSWER_WITHIN_S = 10.0
_NOT_RUNNING = "not running"
Report = dict[str, object]


@click.command()
@click.argument("name", required=False, shell_complete=account_names)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_context
def status(context: click.Context, name: str | None, *, as_json: bool) -> None:
    """Show how the mount NAME is, or all accounts.

    Exit code 3 if the daemon of NAME does not run.
    """
    with explained():
        names = [name] if name else sorted(load(config_file()).accounts)
        reports = {each: _report(each) for each in names}
        if name and reports[name].get("state") == _NOT_RUNNING:
            load(config_file()).account(name)  # a demonstration is in no settings, but runs
    if as_json:
        click.echo(json.dumps(reports, indent=2, ensure_ascii=False))
    else:
        shown = ("\n".join(_readable(each, report)) for each, report in reports.items())
        click.echo("\n\n".join(shown) or "No account yet. Try: mountcloud demo, or: mountcloud login NAME")
    if name and reports[name].get("state") == _NOT_RUNNING:
        context.exit(NoDaemon.exit_code)


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def info(path: Path, *, as_json: bool) -> None:
    """Show how the file or directory PATH in a mount is: where its content lies, what is owed, your rights.

    The service is asked only for directories on the way to it that were never listed.
    """
    with explained():
        place = mounted_place(path)
        answer = call(place.socket, "info", timeout_s=60.0, path=place.below or None)
        if not isinstance(answer, dict):
            raise ControlError("the daemon gave an answer that is none", hint="is it of another version?")
    if as_json:
        click.echo(json.dumps(answer, indent=2, ensure_ascii=False))
        return
    lines = {"path": str(path), **{key: value for key, value in _file(answer, place) if value}}
    width = max(map(len, lines))
    click.echo("\n".join(printable(f"{key:<{width}}  {value}") for key, value in lines.items()))


def daemon_status(name: str) -> Report:
    """What the account's daemon tells; raises ``NotRunning``, ``ControlError``."""
    answer = call(account_socket(name), "status", timeout_s=_ANSWER_WITHIN_S)
    if isinstance(answer, dict):
        return answer
    raise ControlError("the daemon gave a status that is none", hint="is it of another version?")


def _report(name: str) -> Report:
    try:
        return daemon_status(name)
    except NotRunning:
        return {"state": _NOT_RUNNING, "message": f"start it with: mountcloud mount {name}"}


def _readable(name: str, report: Report) -> Iterator[str]:
    """Lines of two columns, then what is on its way and what waits for the user."""
    rows = [(key, value.replace(" NAME", f" {name}")) for key, value in _rows(report) if value]
    width = max((len(key) for key, _ in rows), default=0)
    yield click.style(name, bold=True)
    yield from (printable(f"  {key:<{width}}  {value}") for key, value in rows)
    for each in _listed(report, "uploads"):
        yield printable(f"  sending  {_upload(each)}")
    for each in _listed(report, "parked_changes"):
        yield click.style(printable(f"  failed   {each.get('path')}: {each.get('reason')}"), fg="red")
        path = printable(shlex.quote(str(each.get("path"))))
        yield f"           mountcloud queue {name} retry {path}, or discard {path}"


def _rows(report: Report) -> Iterator[tuple[str, str]]:
    state = str(report.get("state"))
    mountpoint = report.get("mountpoint")
    yield "state", f"{state} at {mountpoint}" if mountpoint else state
    if "online" in report:
        yield "online", _online(report)
    if "owed" in report:
        yield "owed", _owed(report)
    yield "cache", _cache(report)
    yield "pinned", _pinned(report)
    if "directories_left" in report:
        yield "listed", f"{report.get('directories_listed')} directories, {report.get('directories_left')} to come"
    yield "altered", ", ".join(str(each) for each in _list(report, "altered"))
    yield "message", str(report.get("message") or "")


def _online(report: Report) -> str:
    word = "yes" if report.get("online") is True else "no"
    polled = words.number(report.get("last_poll"))
    looked = f"{word}, looked for changes {words.span(time.time() - polled)} ago" if polled else word
    return f"{looked}: {report['trouble']}" if report.get("trouble") else looked


def _owed(report: Report) -> str:
    owed = words.number(report.get("owed")) or 0
    sent = "nothing" if not owed else words.counted(int(owed), "change")
    return f"{sent}, paused" if report.get("paused") is True else sent


def _cache(report: Report) -> str:
    if "cache_used" not in report:
        return ""
    return f"{words.told(report['cache_used'], words.size)} of {words.told(report.get('cache_limit'), words.size)}"


def _pinned(report: Report) -> str:
    named = ", ".join(str(each) for each in _list(report, "pinned"))
    missing = words.number(report.get("pinned_missing"))
    return f"{named} ({words.counted(int(missing), 'file')} still to come)" if named and missing else named


def _upload(upload: Report) -> str:
    parts = f"{words.told(upload.get('sent'), words.size)} of {words.told(upload.get('size'), words.size)}"
    rate, left = words.number(upload.get("rate")), words.number(upload.get("seconds_left"))
    speed = f", {words.size(rate)}/s" if rate else ""
    return f"{upload.get('path')}: {parts}{speed}{'' if left is None else f', {words.span(left)} left'}"


def _file(answer: Report, place: Place) -> Iterator[tuple[str, str]]:
    yield "account", place.account
    yield "state", str(answer.get("state"))
    if answer.get("kind") == "file":
        yield "size", words.told(answer.get("size"), words.size)
        cached = str(answer.get("cached") or "0")
        yield "cached", words.size(int(cached)) if cached.isdecimal() else cached
    changed = words.number(answer.get("mtime_ns"))
    yield "changed", "" if changed is None else words.moment(changed / 1e9)
    for key in ("service", "encrypted", "rights", "id", "version", "error"):
        yield key, str(answer.get(key) or "")


def _list(report: Report, key: str) -> list[object]:
    value = report.get(key)
    return value if isinstance(value, list) else []


def _listed(report: Report, key: str) -> list[Report]:
    return [each for each in _list(report, key) if isinstance(each, dict)]
