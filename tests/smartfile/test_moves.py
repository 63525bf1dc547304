"""What other clients rename and move keeps its id, as far as the service shows that it is the same node."""

from dataclasses import replace

import pytest

from mountcloud.model.ids import NodeId
from mountcloud.model.node import Node
from mountcloud.providers.memory_places import MemoryPlaces
from mountcloud.providers.smartfile.provider import SmartFileProvider
from mountcloud.providers.smartfile.trails import NUMBERS
from mountcloud.providers.smartfile.wire import Entry
from tests.real_server import on_real_trio
from tests.smartfile.provider import provider_of, put, read
from tests.smartfile.server import SmartFileServer
from tests.smartfile.service import Service

LONG_AGO = 1_700_000_000


def old(
    smartfile: SmartFileServer, service: Service, path: str, data: bytes = b"content", time: int = LONG_AGO
) -> None:
    """A file that nobody wrote lately: what is fresh has a doubtful version."""
    service.put(path, data)
    smartfile.control.call("PUT", "/times", account=service.key, path=f"/{path}", time=time)


async def listed(provider: SmartFileProvider, directory: Node | None = None) -> dict[str, Node]:
    """What is in a directory, by name."""
    above = directory or await provider.root()
    return {each.name: each for each in await provider.children(above.id)}


@on_real_trio
async def test_a_renamed_file_is_the_same_at_the_same_version(smartfile: SmartFileServer, service: Service) -> None:
    old(smartfile, service, "a")
    old(smartfile, service, "twin of a")  # the same time and size: its number tells it apart
    async with provider_of(service) as provider:
        before = await listed(provider)
        service.rename("a", "b")
        after = await listed(provider)
    assert (after["b"].id, after["b"].version) == (before["a"].id, before["a"].version)
    assert after["twin of a"] == before["twin of a"]
    assert set(after) == {"b", "twin of a"}


@on_real_trio
async def test_a_renamed_directory_keeps_all_that_is_in_it(service: Service) -> None:
    service.mkdir("d")
    service.mkdir("d/e")
    service.put("d/e/f", b"1")
    async with provider_of(service) as provider:
        top = (await listed(provider))["d"]
        middle = (await listed(provider, top))["e"]
        file = (await listed(provider, middle))["f"]
        service.rename("d", "renamed")
        assert (await listed(provider))["renamed"].id == top.id
        assert (await listed(provider, top))["e"].id == middle.id
        assert (await listed(provider, middle))["f"].id == file.id


@pytest.mark.parametrize("target_first", [True, False])
@on_real_trio
async def test_what_goes_to_another_directory_is_the_same_whichever_is_seen_first(
    smartfile: SmartFileServer, service: Service, target_first: bool
) -> None:
    for name in ("here", "there", "here/d"):
        service.mkdir(name)
    old(smartfile, service, "here/d/f")
    async with provider_of(service) as provider:
        top = await listed(provider)
        here, there = top["here"], top["there"]
        directory = (await listed(provider, here))["d"]
        file = (await listed(provider, directory))["f"]
        await listed(provider, there)
        service.rename("here/d", "there/moved")
        for each in (there, here) if target_first else (here, there):
            await listed(provider, each)
        assert await listed(provider, here) == {}
        moved = (await listed(provider, there))["moved"]
        assert (moved.id, moved.parent) == (directory.id, there.id)
        found = (await listed(provider, moved))["f"]
        assert (found.id, found.version) == (file.id, file.version)
        assert await read(provider, found) == b"content"


@on_real_trio
async def test_a_copy_is_another_file(
    smartfile: SmartFileServer, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if the service gave it the number of the original."""
    for name in ("here", "there"):
        service.mkdir(name)
    old(smartfile, service, "here/f")
    old(smartfile, service, "there/f")
    async with provider_of(service) as provider:
        number_all(provider, monkeypatch, "7")
        top = await listed(provider)
        one, other = (await listed(provider, top["here"]))["f"], (await listed(provider, top["there"]))["f"]
        assert one.id != other.id
        assert (await listed(provider, top["here"]))["f"].id == one.id


def number_all(provider: SmartFileProvider, monkeypatch: pytest.MonkeyPatch, number: str) -> None:
    """From now on the service gives all files one number."""
    children = provider._api.children

    async def numbered(path: tuple[str, ...]) -> tuple[list[Entry], bool]:
        entries, whole = await children(path)
        return [each if each.is_directory else replace(each, number=number) for each in entries], whole

    monkeypatch.setattr(provider._api, "children", numbered)


@on_real_trio
async def test_a_number_that_is_given_again_proves_nothing(
    smartfile: SmartFileServer, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    old(smartfile, service, "a", b"one")
    async with provider_of(service) as provider:
        number_all(provider, monkeypatch, "7")
        before = (await listed(provider))["a"]
        service.remove("a")
        old(smartfile, service, "b", b"another")
        assert (await listed(provider))["b"].id != before.id


@on_real_trio
async def test_a_name_keeps_its_node_when_a_copy_is_put_aside(smartfile: SmartFileServer, service: Service) -> None:
    """As editors do: the old content gets another name, new content gets the old one."""
    old(smartfile, service, "f", b"old")
    async with provider_of(service) as provider:
        before = (await listed(provider))["f"]
        service.rename("f", "f.bak")
        service.put("f", b"newer")
        after = await listed(provider)
    assert after["f"].id == before.id
    assert after["f"].version != before.version
    assert after["f.bak"].id != before.id


@on_real_trio
async def test_where_a_move_changes_the_number_a_file_keeps_its_id_and_no_content(
    smartfile: SmartFileServer, service: Service
) -> None:
    """Time and size make it likely, so nothing that was cached is taken for it; two that look the same are not told."""
    smartfile.control.set(moves_keep_number=False)
    places = MemoryPlaces()
    old(smartfile, service, "a", b"content")
    old(smartfile, service, "x", b"twins", LONG_AGO + 5)
    old(smartfile, service, "y", b"twins", LONG_AGO + 5)
    old(smartfile, service, "empty", b"", LONG_AGO + 9)
    async with provider_of(service, places) as provider:
        before = await listed(provider)
        for name in before:
            service.rename(name, f"{name} renamed")
        after = await listed(provider)
        assert after["a renamed"].id == before["a"].id
        assert after["a renamed"].version != before["a"].version
        known = {each.id for each in before.values()}
        assert not known & {after[f"{name} renamed"].id for name in ("x", "y", "empty")}
        assert await read(provider, after["a renamed"]) == b"content"
        await put(provider, "ours", b"1")
        assert places.note(NUMBERS) == "changed"


@on_real_trio
async def test_once_moves_are_known_to_keep_numbers_another_number_is_another_file(
    smartfile: SmartFileServer, service: Service
) -> None:
    places = MemoryPlaces()
    old(smartfile, service, "a", b"content")
    async with provider_of(service, places) as provider:
        await put(provider, "ours", b"1")
        assert places.note(NUMBERS) == "kept"
        before = (await listed(provider))["a"]
        service.remove("a")
        old(smartfile, service, "b", b"CONTENT")
        assert (await listed(provider))["b"].id != before.id


@on_real_trio
async def test_a_file_of_ours_is_known_again_where_another_client_moved_it(service: Service) -> None:
    """Right after it was made here, before any list showed it."""
    async with provider_of(service) as provider:
        made = await put(provider, "f", b"ours")
        service.rename("f", "g")
        found = (await listed(provider))["g"]
        assert (found.id, found.version) == (made.id, made.version)
        assert found.mtime_ns == made.mtime_ns
        assert provider._places.get(NodeId(made.id)) is not None
