"""``thumbnail``: the small picture that a service makes of a file."""

from typing import BinaryIO

import click

from mountcloud.cli.outcome import explained
from mountcloud.cli.places import place_of
from mountcloud.cli.remote import at_service, find
from mountcloud.model.errors import NotFound
from mountcloud.model.offers import Thumbnails, demanded
from mountcloud.model.provider import Provider


@click.command()
@click.argument("path", metavar="PATH|NAME:PATH")
@click.argument("picture", type=click.File("wb", lazy=True))
@click.option("--size", type=click.IntRange(min=1, max=4096), default=256, show_default=True, help="Pixels each way.")
def thumbnail(path: str, picture: BinaryIO, *, size: int) -> None:
    r"""Write the small picture that the service makes of the file at PATH to PICTURE (PNG or JPEG; - for stdout).

    The file itself is not fetched. As a thumbnailer of a desktop:

    \b
    Exec=mountcloud thumbnail --size %s %i %o
    """
    with explained():
        place = place_of(path)

        async def fetch(provider: Provider) -> bytes | None:
            thumbnails = demanded(provider if isinstance(provider, Thumbnails) else None, "thumbnails")
            return await thumbnails.thumbnail((await find(provider, place.below)).ref, size)

        found = at_service(place, fetch)
        if found is None:
            raise NotFound("the service has no picture of this file")
        picture.write(found)
