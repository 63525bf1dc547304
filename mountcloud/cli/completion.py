"""``completion``: so that shells complete commands, options and account names."""

import click
from click.shell_completion import get_completion_class

from mountcloud.cli.outcome import CommandFailed

_SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    r"""Print what makes SHELL complete mountcloud's commands.

    \b
    bash:  mountcloud completion bash >~/.local/share/bash-completion/completions/mountcloud
    zsh:   mountcloud completion zsh >"${fpath[1]}/_mountcloud"
    fish:  mountcloud completion fish >~/.config/fish/completions/mountcloud.fish
    """
    found = get_completion_class(shell)
    if found is None:
        raise CommandFailed(f"this click knows no completion for {shell}")
    click.echo(found(context.find_root().command, {}, "mountcloud", "_MOUNTCLOUD_COMPLETE").source())
