"""A program opens directories one after the other; what it will open next is listed before it does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import trio
import trio.testing

from mountcloud.engine.scouting import Scout
from mountcloud.model.errors import Unavailable
from mountcloud.model.ids import ROOT_INODE, NodeId, Version
from mountcloud.model.node import Kind, Node, Rights
from mountcloud.policy.naming import Naming
from mountcloud.policy.reduce import Plan
from mountcloud.store.index import Entry, Index
from tests.unit.engine.harness import on_trio

ROOT = NodeId("root")
ROUND_TRIP_S = 0.5
MOST = 6


def directory(name: str, parent: NodeId = ROOT) -> Node:
    return Node(NodeId(f"{parent}/{name}"), parent, name, Kind.DIRECTORY, 0, Version("1"), 0, Rights.ALL)


@dataclass
class Service:
    """Answers late, and says what it was asked for and what nobody waited for."""

    index: Index
    below: dict[NodeId, list[str]] = field(default_factory=dict)
    broken: bool = False
    asked: list[NodeId] = field(default_factory=list)
    answering: dict[NodeId, trio.Event] = field(default_factory=dict)

    async def look(self, node: NodeId) -> None:
        if node in self.answering:
            await self.answering[node].wait()
            return
        self.answering[node] = trio.Event()
        try:
            await self._answer(node)
        finally:
            self.answering.pop(node).set()

    async def _answer(self, node: NodeId) -> None:
        self.asked.append(node)
        await trio.sleep(ROUND_TRIP_S)
        if self.broken:
            raise Unavailable("gone")
        self.index.apply(Plan((), tuple(directory(name, node) for name in self.below.get(node, []))))
        self.index.set_listed(node, Version("1"), 1.0)


@dataclass
class Walker:
    scout: Scout
    service: Service

    async def open(self, node: NodeId) -> Entry:
        """As the engine does it."""
        entry = self.entry(node)
        self.scout.opened(entry)
        if entry.listed is None:
            await self.service.look(node)
            self.scout.go_on(entry)
        return self.entry(node)

    def entry(self, node: NodeId) -> Entry:
        entry = self.service.index.by_id(node)
        assert entry
        return entry


@asynccontextmanager
async def walker(home: Path, names: list[str]) -> AsyncIterator[Walker]:
    index = Index(home / "i.db", Naming().file_name)
    index.put_root(Node(ROOT, None, "", Kind.DIRECTORY, 0, Version("1"), 0, Rights.ALL))
    service = Service(index, {ROOT: names})
    await service.look(ROOT)
    service.asked.clear()
    try:
        async with trio.open_nursery() as nursery:
            yield Walker(Scout(index, service.look, nursery, trio.current_time), service)
    finally:
        index.close()


def at(name: str) -> NodeId:
    return NodeId(f"root/{name}")


@on_trio
async def test_a_glance_asks_for_nothing_more(tmp_path: Path) -> None:
    async with walker(tmp_path, ["a", "b", "c", "d"]) as own:
        for name in ("a", "b"):
            await own.open(at(name))
        await trio.sleep(10)
        await own.open(at("c"))
        await trio.sleep(10)
        assert own.service.asked == [at("a"), at("b"), at("c")]


@on_trio
async def test_a_walk_is_not_kept_waiting(tmp_path: Path) -> None:
    names = [f"{number:03}" for number in range(100)]
    async with walker(tmp_path, names) as own:
        began = trio.current_time()
        for name in names:
            assert (await own.open(at(name))).listed is not None or at(name) in own.service.asked
            await trio.sleep(ROUND_TRIP_S / 5)
        took = trio.current_time() - began
    assert sorted(own.service.asked) == [at(name) for name in names], "each is asked for once"
    assert took < 100 * ROUND_TRIP_S / 2


@on_trio
async def test_what_lies_deeper_comes_first(tmp_path: Path) -> None:
    async with walker(tmp_path, ["0", "a", "b", "c", "d"]) as own:
        own.service.below[at("c")] = ["x", "y"]
        for name in ("0", "a", "b", "c"):
            await own.open(at(name))
        await trio.testing.wait_all_tasks_blocked()
        assert at("c/x") in own.service.asked
        own.scout.opened(own.entry(at("c/x")))
        await trio.testing.wait_all_tasks_blocked()
        assert at("c/y") in own.service.asked


@on_trio
async def test_little_is_asked_for_in_vain_when_the_walk_stops(tmp_path: Path) -> None:
    names = [f"{number:03}" for number in range(100)]
    async with walker(tmp_path, names) as own:
        for name in names[:30]:
            await own.open(at(name))
        await trio.sleep(100)
        assert len(own.service.asked) <= 30 + MOST


@on_trio
async def test_a_failure_ends_it_and_concerns_nobody(tmp_path: Path) -> None:
    async with walker(tmp_path, [f"{number:03}" for number in range(20)]) as own:
        for name in ("000", "001"):
            await own.open(at(name))
        own.scout.opened(own.entry(at("002")))
        own.service.broken = True
        await trio.sleep(100)
        assert own.service.asked == [at("000"), at("001"), at("003")]


@on_trio
async def test_what_is_known_costs_nothing(tmp_path: Path) -> None:
    names = [f"{number:03}" for number in range(20)]
    async with walker(tmp_path, [*names, "unknown"]) as own:
        for name in names:
            own.service.index.set_listed(at(name), Version("1"), 1.0)
            await own.open(at(name))
        await trio.sleep(10)
        assert own.service.asked == []


@on_trio
async def test_the_next_names_come_first_then_the_others(tmp_path: Path) -> None:
    async with walker(tmp_path, ["d", "a", "c", "b", "e"]) as own:
        index = own.service.index
        index.set_listed(at("b"), Version("1"), 1.0)
        assert index.unlisted_in(ROOT, "c", 3) == [at("d"), at("e"), at("a")]
        assert index.unlisted_in(ROOT, "", 9) == [at("a"), at("c"), at("d"), at("e")]
        assert index.entry(ROOT_INODE) is not None
