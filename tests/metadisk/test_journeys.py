"""A directory moves file by file; meanwhile the rest of the account goes on, and what is on its way stays itself."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
import trio

from mountcloud.model.errors import Exists
from mountcloud.model.ids import NodeId
from mountcloud.model.node import Node
from mountcloud.model.provider import Source
from mountcloud.providers.metadisk.provider import MetadiskProvider
from mountcloud.providers.metadisk.wire import Entry
from tests.metadisk.provider import MTIME_NS, bucket_of, child, names, over, provider_of, put, read
from tests.metadisk.service import Service
from tests.real_server import on_real_trio

WITHIN_S = 30


@dataclass
class Halfway:
    """A line that stands still before it stores what has one of these names."""

    provider: MetadiskProvider
    stops: Sequence[str]
    reached: trio.Event = field(default_factory=trio.Event)
    go_on: trio.Event = field(default_factory=trio.Event)

    def __post_init__(self) -> None:
        self._store = self.provider._api.store
        self.provider._api.store = self.store  # type: ignore[method-assign]  # a slow line

    async def store(self, bucket: str, name: str, source: Source) -> Entry:
        if name in self.stops:
            self.reached.set()
            await self.go_on.wait()
        return await self._store(bucket, name, source)


async def tree(provider: MetadiskProvider, top: NodeId) -> dict[str, Node]:
    """``d`` with two files and a directory, and ``e``."""
    made = {name: await provider.make_directory(top, name, MTIME_NS) for name in ("d", "e")}
    made["below"] = await provider.make_directory(made["d"].id, "below", MTIME_NS)
    for name, above in (("f1", "d"), ("f2", "d"), ("f3", "below"), ("other", "e")):
        made[name] = await put(provider, made[above].id, name, name.encode() * 1000)
    return made


@pytest.mark.parametrize("within", [True, False])
@on_real_trio
async def test_other_directories_can_be_used_while_one_moves(service: Service, within: bool) -> None:
    async with provider_of(service) as provider:
        top = (await bucket_of(provider)).id
        target = top if within else (await bucket_of(provider, "elsewhere")).id
        made = await tree(provider, top)
        line = Halfway(provider, ("to%2Ff2",))
        listed: list[str] = []

        async def move() -> None:
            await provider.move(made["d"].ref, target, "to", None)

        async def look_inside() -> None:
            listed.extend(await names(provider, made["d"].id))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(move)
            await line.reached.wait()
            nursery.start_soon(look_inside)
            with trio.fail_after(WITHIN_S):
                provider._tree.leftovers.add(made["f1"].id)  # what is left to do inside keeps nobody waiting outside
                other = await over(provider, made["other"], b"newer")
                moved = await provider.move(other.ref, top, "moved", None)
                await put(provider, made["e"].id, "as one that is there already", b"f1" * 1000)
                await provider.remove((await put(provider, top, "short", b"short")).ref)
                inner = await provider.make_directory(made["e"].id, "inner", MTIME_NS)
                await provider.move(inner.ref, made["e"].id, "renamed", None)
                assert await names(provider, top) == ["d", "e", "moved"]
                assert await names(provider, target) == (["d", "e", "moved"] if within else [])
                for name in ("f1", "f2", "f3"):
                    assert await read(provider, made[name]) == name.encode() * 1000
            assert not listed
            line.go_on.set()
        assert listed == ["below", "f1", "f2"]
        assert (await child(provider, target, "to") or moved).id == made["d"].id
        assert await names(provider, top) == (["e", "moved", "to"] if within else ["e", "moved"])
        assert await names(provider, made["e"].id) == ["as one that is there already", "renamed"]
        for name, above in (("f1", "d"), ("f2", "d"), ("f3", "below")):
            found = await child(provider, made[above].id, name)
            assert found is not None
            assert found.id == made[name].id
            assert await read(provider, found) == name.encode() * 1000


@on_real_trio
async def test_a_name_on_its_way_is_taken(service: Service) -> None:
    """Where a directory goes, and where it comes from."""
    async with provider_of(service) as provider:
        top = (await bucket_of(provider)).id
        made = await tree(provider, top)
        line = Halfway(provider, ("to%2Ff2",))
        replaced = await provider.make_directory(top, "to", MTIME_NS)

        async def move() -> None:
            await provider.move(made["d"].ref, top, "to", replaced.ref)

        waiting: list[str] = []

        async def remove() -> None:
            await provider.remove(made["f2"].ref)
            waiting.append("f2 removed")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(move)
            await line.reached.wait()
            nursery.start_soon(remove)
            for name in ("to", "d"):
                with pytest.raises(Exists), trio.fail_after(WITHIN_S):
                    await provider.make_directory(top, name, MTIME_NS)
                with pytest.raises(Exists), trio.fail_after(WITHIN_S):
                    await put(provider, top, name, b"a file")
            assert not waiting
            line.go_on.set()
        assert await names(provider, made["d"].id) == ["below", "f1"]
        assert await names(provider, top) == ["e", "to"]
