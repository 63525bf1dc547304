"""The command ``mountcloud``."""

import click

from mountcloud.cli.api import api
from mountcloud.cli.cache import evict, pin, unpin
from mountcloud.cli.completion import completion
from mountcloud.cli.config import config
from mountcloud.cli.control import refresh, sync
from mountcloud.cli.demo import demo
from mountcloud.cli.doctor import doctor
from mountcloud.cli.filemanager import filemanager
from mountcloud.cli.keypair import keypair
from mountcloud.cli.login import login, logout
from mountcloud.cli.mount import mount, umount
from mountcloud.cli.queue import queue
from mountcloud.cli.sandbox import sandbox
from mountcloud.cli.service import service
from mountcloud.cli.share import share
from mountcloud.cli.status import info, status
from mountcloud.cli.thumbnail import thumbnail
from mountcloud.cli.transfer import get, put
from mountcloud.cli.trash import trash, versions
from mountcloud.cli.unclosed import unclosed
from mountcloud.daemon import logs


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="mountcloud", prog_name="mountcloud")
@click.option("-v", "--verbose", is_flag=True, help="Log every step (never secrets) to stderr.")
def main(*, verbose: bool) -> None:
    r"""Any cloud account as an ordinary directory.

    \b
    mountcloud login work --url https://dracoon.example --user me@example.com
    mountcloud mount work ~/Work
    mountcloud status work
    """
    logs.set_up(verbose=verbose)


COMMANDS = (
    *(login, logout, keypair, mount, umount, status, info, refresh, sync, queue),
    *(get, put, share, trash, versions, thumbnail, api),
    *(pin, unpin, evict, unclosed, doctor, config, service, filemanager, completion, demo, sandbox),
)
for command in COMMANDS:
    main.add_command(command)


def _prepare_help(command: click.Command) -> None:
    """Docstrings with backslashes are raw, so the mark that click looks for stands in them as two letters.

    Lists of commands show a whole sentence, where click would end it within the first line.
    """
    command.help = command.help and command.help.replace("\\b\n", "\b\n")
    command.short_help = " ".join((command.help or "").partition("\n\n")[0].split())
    for inner in command.commands.values() if isinstance(command, click.Group) else ():
        _prepare_help(inner)


_prepare_help(main)
