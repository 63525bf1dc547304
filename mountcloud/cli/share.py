"""``share``: links by which strangers reach a file or directory."""

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import click

from mountcloud.cli import words
from mountcloud.cli.outcome import Misconfigured, explained
from mountcloud.cli.places import place_of
from mountcloud.cli.remote import at_service, find
from mountcloud.model.errors import NotFound
from mountcloud.model.offers import Link, LinkKind, LinkWish, Sharing, demanded
from mountcloud.model.provider import Provider
from mountcloud.policy.printable import printable


@click.command()
@click.argument("path", metavar="PATH|NAME:PATH")
@click.option("--upload", is_flag=True, help="Let strangers upload into this directory instead.")
@click.option("--password", "ask", is_flag=True, help="Ask for a password that strangers will need.")
@click.option("--password-stdin", is_flag=True, help="Read that password from standard input.")
@click.option("--expires", metavar="DAYS|DATE", help="The link ends after so many days, or at the end of that day.")
@click.option("--max-downloads", type=click.IntRange(min=1), help="The link ends after so many downloads.")
@click.option("--name", default="", help="What strangers see; by default the file's own name.")
@click.option("--list", "listing", is_flag=True, help="Show the links that there are.")
@click.option("--end", "ending", metavar="ID", help="End a link that --list shows.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def share(
    path: str,
    *,
    upload: bool,
    ask: bool,
    password_stdin: bool,
    expires: str | None,
    max_downloads: int | None,
    name: str,
    listing: bool,
    ending: str | None,
    as_json: bool,
) -> None:
    """Make a link to PATH and print it. Whoever has the link may use it, with the password if it has one.

    A link to an encrypted file needs a password, which locks the file's key and which the service never sees.
    """
    until = _moment(expires)
    password = _password(ask=ask, stdin=password_stdin)
    kind = LinkKind.UPLOAD if upload else LinkKind.DOWNLOAD
    with explained():
        place = place_of(path)

        async def act(provider: Provider) -> list[Link]:
            sharing = demanded(provider if isinstance(provider, Sharing) else None, "links")
            node = await find(provider, place.below)
            if not listing and ending is None:
                return [await sharing.share(node.ref, kind, LinkWish(password, until, max_downloads, name))]
            found = list(await sharing.links(node.ref))
            if ending is not None:
                await sharing.unshare(_chosen(found, ending))
            return found

        links = at_service(place, act)
    if ending is not None:
        click.echo("The link has ended.")
    elif as_json:
        click.echo(json.dumps([asdict(each) | {"kind": each.kind.value} for each in links], indent=2))
    else:
        click.echo("\n".join(_line(each) if listing else each.url for each in links) or "There are no links.")


def _chosen(links: list[Link], wanted: str) -> Link:
    for each in links:
        if each.id == wanted:
            return each
    raise NotFound(f"there is no link {wanted} to it", hint="mountcloud share PATH --list")


def _line(link: Link) -> str:
    facts = [link.kind.value, "with a password" if link.protected else ""]
    facts.append(f"until {words.moment(link.expires_at)}" if link.expires_at is not None else "")
    if link.used is not None:
        facts.append(f"used {link.used}" + (f" of {link.max_downloads} times" if link.max_downloads else " times"))
    return printable(f"{link.id}  {link.url}\n    {link.name}: {', '.join(filter(None, facts))}", keep="\n")


def _password(*, ask: bool, stdin: bool) -> str:
    """Never on the command line, where every user of the machine sees it."""
    if stdin:
        line = sys.stdin.readline().removesuffix("\n")
        if not line:  # never a link without the password that somebody meant it to have
            raise Misconfigured("no password came on standard input")
        return line
    return click.prompt("Password of the link", hide_input=True, confirmation_prompt=True) if ask else ""


def _moment(text: str | None) -> float | None:
    if text is None:
        return None
    if text.isdecimal():
        return (datetime.now(UTC) + timedelta(days=int(text))).timestamp()
    try:
        day = datetime.strptime(text, "%Y-%m-%d").astimezone()
    except ValueError:
        raise click.BadParameter(f"{text!r} is neither a number of days nor a date like 2027-01-31") from None
    return (day + timedelta(days=1)).timestamp() - 1
