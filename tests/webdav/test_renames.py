"""What others rename on servers without ids: a file is known again where its tag shows it, and never by chance."""

import os
import tempfile
from pathlib import Path

import trio

from mountcloud.providers.book import ROOT
from tests.unit.engine.harness import Machine
from tests.webdav.client import Bench, new_client, on

TAGGED = ("apache", "lighttpd", "wsgidav", "rclone")
LONG_AGO = 1_500_000_000


def old(b: Bench, name: str, data: bytes, time: int = LONG_AGO) -> None:
    """A file of others that was written long ago, so that nothing about it is in doubt."""
    (b.data / name).write_bytes(data)
    os.utime(b.data / name, (time, time))


@on(*TAGGED)
async def test_a_file_that_others_rename_keeps_its_id_and_no_content(b: Bench) -> None:
    old(b, "a", b"one")
    old(b, "other", b"other")
    before = {node.name: node for node in await b.client.children(ROOT)}
    b.outsider.move("a", "b")
    after = {node.name: node for node in await b.client.children(ROOT)}
    assert set(after) == {"b", "other"}
    assert (after["b"].id, after["b"].mtime_ns) == (before["a"].id, before["a"].mtime_ns)
    assert after["b"].version != before["a"].version
    assert after["other"] == before["other"]
    assert await b.read(after["b"]) == b"one"
    assert {node.name: node for node in await b.client.children(ROOT)} == after
    assert (await b.client.node(before["a"].ref)) == after["b"]


@on(*TAGGED)
async def test_a_file_of_ours_that_others_rename_keeps_its_time(b: Bench) -> None:
    """Before any list showed it."""
    made = await b.put("a", b"ours")
    b.outsider.move("a", "b")
    found = await b.named("b")
    assert (found.id, found.mtime_ns) == (made.id, made.mtime_ns)
    await b.client.remove(found.ref)
    assert b.files == set()


@on("apache")
async def test_of_twins_nobody_can_tell_which_became_which(b: Bench) -> None:
    for name in ("a", "twin"):
        old(b, name, b"same")
    old(b, "empty", b"")
    before = {node.id for node in await b.client.children(ROOT)}
    for name in ("a", "twin", "empty"):
        b.outsider.move(name, f"{name} renamed")
    assert not before & {node.id for node in await b.client.children(ROOT)}


@on("apache")
async def test_a_copy_and_a_name_that_stays_are_nobody_else(b: Bench) -> None:
    old(b, "a", b"one")
    [a] = await b.client.children(ROOT)
    old(b, "copy", b"one")
    seen = {node.name: node for node in await b.client.children(ROOT)}
    assert seen["a"] == a
    b.outsider.move("a", "a.bak")
    old(b, "a", b"newer", LONG_AGO + 1)
    now = {node.name: node.id for node in await b.client.children(ROOT)}
    assert now["a"] == a.id
    assert now["copy"] == seen["copy"].id
    assert now["a.bak"] not in {a.id, seen["copy"].id}


@on("apache")
async def test_after_a_restart_a_renamed_file_is_a_new_one(b: Bench) -> None:
    old(b, "a", b"one")
    [before] = await b.client.children(ROOT)
    b.outsider.move("a", "b")
    again = new_client(b.url, b.places)
    [after] = await again.children(ROOT)
    await again.aclose()
    assert after.id != before.id


@on("apache")
async def test_what_is_owed_for_a_file_that_others_rename_overwrites_nothing(b: Bench) -> None:
    """It is known again by a guess, and a guess is nothing to base new content on, nor a removal."""
    for name in ("edited", "removed"):
        old(b, name, name.encode())
    with tempfile.TemporaryDirectory() as home:
        async with trio.open_nursery() as nursery:
            machine = await Machine(Path(home) / "machine", b.client, nursery, settle_s=0.0).boot()
            await machine.tree()
            machine.replayer.pause(paused=True)
            await machine.write("edited", b"here")
            await machine.unlink("removed")
            for name in ("edited", "removed"):
                b.outsider.move(name, f"{name} there")
            machine.syncer.recheck_s = 1e-6
            await machine.syncer.poll()
            machine.replayer.pause(paused=False)
            await machine.drain()
            nursery.cancel_scope.cancel()
    found = {name: b.outsider.get(name) for name in b.files}
    assert found.pop("edited there") == b"edited"
    assert found.pop("removed there") == b"removed"
    assert list(found.values()) == [b"here"]


@on("nginx")
async def test_size_and_second_alone_prove_nothing(b: Bench) -> None:
    """nginx tells no tags in its lists."""
    old(b, "a", b"one")
    [before] = await b.client.children(ROOT)
    b.outsider.move("a", "b")
    [after] = await b.client.children(ROOT)
    assert after.id != before.id
    assert await b.read(after) == b"one"
