"""``queue``: what is owed to the service, and what its owner wants to become of it."""

import json
import shlex
import time
from pathlib import Path

import click

from mountcloud.cli.outcome import explained
from mountcloud.cli.places import account_names, account_socket
from mountcloud.daemon.control import ControlError, call
from mountcloud.policy.printable import printable

_ACTIONS = ("list", "retry", "discard", "pause", "resume")
_ANSWER_WITHIN_S = 60.0


@click.command()
@click.argument("name", shell_complete=account_names)
@click.argument("action", type=click.Choice(_ACTIONS), default="list")
@click.argument("path", required=False)
@click.option("--json", "as_json", is_flag=True, help="The list, for programs.")
@click.option("--all", "everything", is_flag=True, help="Retry all.")
@click.option("--yes", is_flag=True, help="Discard without asking: content that was not sent is lost.")
@click.option(
    "--keep",
    type=click.Path(path_type=Path, exists=True, file_okay=False, resolve_path=True),
    help="Copy discarded content into this directory first.",
)
@click.option("--allow-deletes", is_flag=True, help="Let removals go that wait because there were so many.")
@click.option("--discard-deletes", is_flag=True, help="Take removals back that wait: the files show again.")
def queue(
    name: str,
    action: str,
    path: str | None,
    *,
    as_json: bool,
    everything: bool,
    yes: bool,
    keep: Path | None,
    allow_deletes: bool,
    discard_deletes: bool,
) -> None:
    r"""Show what the account NAME owes to the service, or decide what becomes of it.

    \b
    mountcloud queue NAME                      list it
    mountcloud queue NAME retry PATH | --all   try again now
    mountcloud queue NAME discard PATH         give up what was changed here, at PATH and below
    mountcloud queue NAME pause | resume       send nothing for now | go on

    PATH counts from the mount point.
    """
    if allow_deletes and discard_deletes:
        raise click.UsageError("--allow-deletes and --discard-deletes contradict each other")
    if action == "discard" and not path:
        raise click.UsageError("discard needs a PATH")
    if action == "retry" and not path and not everything:
        raise click.UsageError("retry needs a PATH, or --all")
    with explained():
        if allow_deletes:
            click.echo(f"{_count(_ask(name, 'allow_deletes'), 'removal')} may go.")
        elif discard_deletes:
            click.echo(f"{_count(_ask(name, 'discard_deletes'), 'removal')} taken back; the files show again.")
        elif action == "discard":
            _discard(name, path or "", yes=yes, keep=keep)
        elif action == "list":
            _show(name, _items(name, path), as_json=as_json)
        else:
            _tell(name, action, _ask(name, action, path))


def _ask(name: str, action: str, path: str | None = None, keep: str | None = None) -> object:
    arguments = {"action": action, "path": path, "keep": keep}
    return call(account_socket(name), "queue", timeout_s=_ANSWER_WITHIN_S, **arguments)


def _items(name: str, path: str | None) -> list[dict[str, object]]:
    answer = _ask(name, "list", path)
    if isinstance(answer, list) and all(isinstance(each, dict) for each in answer):
        return answer
    raise ControlError("the daemon gave a queue that is none", hint="is it of another version?")


def _tell(name: str, action: str, answer: object) -> None:
    if action == "retry":
        click.echo(f"Trying {_count(answer, 'operation')} again.")
    elif action == "pause":
        click.echo(f"Nothing more is sent until: mountcloud queue {name} resume")
    else:
        click.echo("Sending goes on.")


def _count(number: object, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _discard(name: str, path: str, *, yes: bool, keep: Path | None) -> None:
    """Nothing is lost without a yes: it is asked for what there is to lose, unless that is kept elsewhere."""
    items = _items(name, path)
    if not items:
        raise click.ClickException(f"nothing is owed for {path}")
    for each in items:
        click.echo(printable(f"{_change(each)} {each['path']}"))
    if keep is None and not yes:
        click.confirm(
            "Give up these changes? Content that is not on the service is lost; --keep DIR copies it", abort=True
        )
    given_up = _ask(name, "discard", path, None if keep is None else str(keep))
    click.echo(f"{_count(given_up, 'change')} given up{'' if keep is None else f'; the content is in {keep}'}.")


def _change(item: dict[str, object]) -> str:
    words = {
        "upload": f"content of {item['size']} bytes in",
        "make-directory": "new directory",
        "move": "move to",
        "set-times": "time of",
        "remove": "removal of",
    }
    return words.get(str(item["kind"]), str(item["kind"]))


def _show(name: str, items: list[dict[str, object]], *, as_json: bool) -> None:
    told = [{**each, "help": _help(name, each)} for each in items]
    if as_json:
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
        return
    for each in told:
        size = f"{each['size']:>12}" if each["kind"] == "upload" else " " * 12
        click.echo(printable(f"{each['kind']:<15}{each['state']:<9}{size}  {each['path']}"))
        for line in _details(each):
            click.echo(printable(f"{'':<15}{line}"))
    if not told:
        click.echo("Nothing is owed to the service.")


def _details(item: dict[str, object]) -> list[str]:
    next_try = item["next_try"]
    wait = round(float(next_try) - time.time()) if isinstance(next_try, int | float) else 0
    attempts = f"{_count(item['attempts'], 'attempt')}" if item["attempts"] else ""
    timing = ", ".join(filter(None, [attempts, f"next in {wait} s" if wait > 0 else ""]))
    return [line for line in (timing, str(item["reason"]), str(item["help"])) if line]


def _help(name: str, item: dict[str, object]) -> str:
    """The command that helps, if one does."""
    if item["state"] == "held":
        return f"mountcloud queue {name} --allow-deletes, or --discard-deletes"
    retry = f"mountcloud queue {name} retry {shlex.quote(str(item['path']))}"
    if item["state"] == "parked":
        return f"{retry}, or discard"
    return retry if item["attempts"] else ""
