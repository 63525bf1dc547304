"""How ``trash`` and ``versions`` take what is typed."""

import click
import pytest

from mountcloud.cli.trash import purge, restore, versions


@pytest.mark.parametrize("command", [restore, purge])
@pytest.mark.parametrize("node", ["-yAbc_d3", "-hAbc_d3", "--Abc_d3"])
def test_an_id_may_begin_with_a_dash(command: click.Command, node: str) -> None:
    assert command.make_context("command", ["work:", node, "other"]).params["ids"] == (node, "other")


def test_so_may_a_version() -> None:
    assert versions.make_context("versions", ["work:file", "restore", "-1"]).params["version"] == "-1"
