"""``api``: the service's own interface with the account's credentials, for whatever has no command."""

import json

import click

from mountcloud.cli.outcome import Misconfigured, explained
from mountcloud.cli.places import Place, account_names
from mountcloud.cli.remote import at_service
from mountcloud.model.offers import RawApi, demanded
from mountcloud.model.provider import Provider


@click.command()
@click.argument("name", shell_complete=account_names)
@click.argument("method")
@click.argument("path")
@click.option("--field", "pairs", multiple=True, metavar="KEY=VALUE", help="A parameter; JSON, else a text.")
@click.option("--paginate", is_flag=True, help="GET all pages of a list; their items in one list.")
def api(name: str, method: str, path: str, pairs: tuple[str, ...], *, paginate: bool) -> None:
    r"""Send METHOD PATH to the service of the account NAME, and print the JSON that it answers.

    \b
    mountcloud api work GET /v4/user/account
    mountcloud api work GET /v4/nodes --paginate --field parent_id=0
    mountcloud api work POST /v4/nodes/folders --field parentId=17 --field name=New

    Fields go into the query of GET and DELETE, and into the JSON body of everything else.
    """
    if paginate and method.upper() != "GET":
        raise click.UsageError("--paginate is for GET")
    fields = dict(map(_pair, pairs))
    with explained():

        async def call(provider: Provider) -> object:
            raw = demanded(provider if isinstance(provider, RawApi) else None, "interface of its own")
            if not paginate:
                return await raw.request(method, path, fields)
            return [item async for page in raw.pages(path, fields) for item in _items(page)]

        answer = at_service(Place(name, ""), call)
    if answer is not None:
        click.echo(json.dumps(answer, indent=2, ensure_ascii=False))


def _pair(text: str) -> tuple[str, object]:
    key, separator, value = text.partition("=")
    if not separator or not key:
        raise Misconfigured(f"--field needs KEY=VALUE, not {text!r}")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value


def _items(page: object) -> list[object]:
    """What a page holds, whatever way the service wraps it."""
    if isinstance(page, dict) and isinstance(page.get("items"), list):
        return list(page["items"])
    return page if isinstance(page, list) else [page]
