"""Permission bits are kept in a property, where other machines see them."""

import os
import time
from pathlib import Path

import pytest

from mountcloud.model.ids import NodeId, Ref, Version
from tests.amazon.account import amazon_account
from tests.amazon.drive import Drive
from tests.amazon.provider import over, provider_of, put
from tests.amazon.server import AmazonServer
from tests.mount.shared import mounted
from tests.real_server import Bytes, on_real_trio

OWNER = "mountcloud"


@on_real_trio
async def test_bits_are_a_property_of_their_own(amazon: AmazonServer, drive: Drive) -> None:
    async with provider_of(drive) as provider:
        file = await put(provider, "f", b"1")
        assert file.mode is None
        changed = await provider.set_mode(file.ref, 0o750)
        assert (changed.mode, changed.version, changed.mtime_ns) == (0o750, file.version, file.mtime_ns)
        assert drive.node(file.id)["properties"][OWNER]["mode"] == "0750"
        amazon.control.forget_requests()
        await provider.set_mode(file.ref, 0o750)
        assert amazon.control.requests().count("PUT") == 0, "they are there already"
        newer = await provider.upload(over(changed, b"22"), Bytes(b"22"))
        assert (newer.mode, (await provider.node(file.ref)).mode) == (0o750, 0o750)
    async with provider_of(drive) as elsewhere:
        root = await elsewhere.root()
        assert [each.mode for each in await elsewhere.children(root.id)] == [0o750]


@on_real_trio
async def test_a_change_of_bits_is_told_by_the_feed(drive: Drive) -> None:
    async with provider_of(drive) as provider, provider_of(drive) as other:
        file = await put(provider, "f", b"1")
        cursor = (await other.changes(None)).cursor
        await provider.set_mode(file.ref, 0o700)
        told = (await other.changes(cursor)).changes
        assert [getattr(each, "node", None) and each.node.mode for each in told] == [0o700]  # type: ignore[union-attr]


@pytest.mark.parametrize("value", ["", "rwx", "0o755", "-1", "999999999999", "888"])
@on_real_trio
async def test_what_others_write_there_counts_for_nothing(drive: Drive, value: str) -> None:
    async with provider_of(drive) as provider:
        file = await put(provider, "f", b"1")
        drive.ok("PUT", f"M:nodes/{file.id}/properties/{OWNER}/mode", json={"value": value})
        assert (await provider.node(file.ref)).mode is None


@on_real_trio
async def test_nothing_is_to_run_as_somebody_else_because_the_service_says_so(drive: Drive) -> None:
    async with provider_of(drive) as provider:
        file = await put(provider, "f", b"1")
        drive.ok("PUT", f"M:nodes/{file.id}/properties/{OWNER}/mode", json={"value": "6755"})
        assert (await provider.node(file.ref)).mode == 0o755


@on_real_trio
async def test_where_no_property_has_room_the_node_is_as_it_was(drive: Drive) -> None:
    file = drive.put("f", b"1")
    for number in range(10):
        drive.ok("PUT", f"M:nodes/{file}/properties/{OWNER}/k{number}", json={"value": "v"})
    async with provider_of(drive) as provider:
        node = await provider.set_mode(Ref(NodeId(file), Version("")), 0o700)
        assert (node.id, node.mode) == (file, None)


@pytest.mark.mount
@pytest.mark.semantics("attr-mode")
def test_what_one_machine_sets_another_sees(fuse: None, drive: Drive) -> None:
    """On a mount that never saw the account, and, after a change there, on the first one."""
    account = amazon_account(drive.customer)
    with mounted(account) as here:
        script, directory = here.mountpoint / "script", here.mountpoint / "d"
        with os.fdopen(os.open(script, os.O_WRONLY | os.O_CREAT, 0o755), "wb") as file:
            file.write(b"#!/bin/sh\n")
        directory.mkdir(mode=0o700)
        plain = here.mountpoint / "plain"
        plain.write_bytes(b"1")
        here.settle()
        with mounted(account) as there:
            again = [there.mountpoint / each.name for each in (script, directory, plain)]
            assert [_bits(each) for each in again] == [0o755, 0o700, 0o644]
            again[0].chmod(0o600)
            there.settle()
        deadline = time.monotonic() + 60
        while _bits(script) != 0o600:
            assert time.monotonic() < deadline, "it was never seen"
            time.sleep(0.1)


def _bits(path: Path) -> int:
    return path.stat().st_mode & 0o7777
