"""The change feed as the provider tells it on: line by line, whatever becomes of the answer."""

import pytest

from mountcloud.model.change import ChangeBatch, Removed, Upserted
from mountcloud.model.errors import Unavailable
from mountcloud.model.ids import Cursor, NodeId
from mountcloud.providers.amazon.feed import Answered
from mountcloud.providers.amazon.provider import AmazonProvider
from mountcloud.providers.amazon.wire import node as read_node
from tests.amazon.drive import Drive
from tests.amazon.provider import provider_of
from tests.amazon.server import AmazonServer
from tests.real_server import on_real_trio


async def present(provider: AmazonProvider) -> Cursor:
    return (await provider.changes(None)).cursor


async def rest(provider: AmazonProvider, cursor: Cursor) -> list[ChangeBatch]:
    batches = [await provider.changes(cursor)]
    while batches[-1].more:
        batches.append(await provider.changes(batches[-1].cursor))
    return batches


def names(batches: list[ChangeBatch]) -> list[str]:
    return [each.node.name for batch in batches for each in batch.changes if isinstance(each, Upserted)]


@on_real_trio
async def test_each_line_has_its_own_cursor_and_one_request_is_enough(amazon: AmazonServer, drive: Drive) -> None:
    amazon.control.set(chunk_size=2)
    async with provider_of(drive) as provider:
        cursor = await present(provider)
        made = [f"d{number}" for number in range(5)]
        for name in made:
            drive.mkdir(name)
        amazon.control.forget_requests()
        batches = await rest(provider, cursor)
        assert [len(batch.changes) for batch in batches] == [2, 2, 1]
        assert len({batch.cursor for batch in batches}) == 3
        assert names(batches) == made
        assert amazon.control.requests().count("POST", "/changes") == 1
        # After a crash somebody asks on from a line that was applied, and nobody remembers what was ahead.
        async with provider_of(drive) as again:
            assert names(await rest(again, batches[0].cursor)) == made[2:]


@on_real_trio
async def test_a_cut_answer_counts_as_far_as_it_came(amazon: AmazonServer, drive: Drive) -> None:
    amazon.control.set(chunk_size=2)
    async with provider_of(drive) as provider:
        cursor = await present(provider)
        for number in range(5):
            drive.mkdir(f"d{number}")
        amazon.control.set(cut_changes=1, cut_after=1)
        assert names(await rest(provider, cursor)) == [f"d{number}" for number in range(5)]
        amazon.control.set(cut_changes=1, cut_after=0)
        with pytest.raises(Unavailable):
            await provider.changes(cursor)
        amazon.control.set(cut_changes=3, cut_after=1)
        assert (await provider.changes(await present(provider))).changes == ()
        amazon.control.fault("/changes", kind="cut", after=1500)
        assert names(await rest(provider, cursor)) == [f"d{number}" for number in range(5)]


@on_real_trio
async def test_a_useless_checkpoint_is_a_reset(amazon: AmazonServer, drive: Drive) -> None:
    async with provider_of(drive) as provider:
        cursor = await present(provider)
        drive.mkdir("d")
        amazon.control.call("POST", "/changes/forget")
        batch = await provider.changes(cursor)
        assert (batch.changes, batch.reset, batch.more) == ((), True, False)
        drive.mkdir("e")
        assert names(await rest(provider, batch.cursor)) == ["e"]


@on_real_trio
async def test_what_is_no_file_is_not_told(amazon: AmazonServer, drive: Drive) -> None:
    async with provider_of(drive) as provider:
        cursor = await present(provider)
        pending, gone, purged = drive.put("pending", b"1"), drive.put("gone", b"2"), drive.put("purged", b"3")
        amazon.control.call("PUT", "/status", node=pending, status="PENDING")
        drive.trash(gone)
        amazon.control.call("POST", "/purge", node=purged)
        drive.ok("PUT", f"M:nodes/{drive.customer.root}/properties/me/k", json={"value": "v"})
        [batch] = await rest(provider, cursor)
        assert set(batch.changes) == {Removed(NodeId(gone)), Removed(NodeId(purged))}
        amazon.control.call("PUT", "/status", node=pending, status="AVAILABLE")
        assert names(await rest(provider, batch.cursor)) == ["pending"]


@on_real_trio
async def test_children_may_come_before_their_parents(amazon: AmazonServer, drive: Drive) -> None:
    amazon.control.set(reverse_changes=True)
    async with provider_of(drive) as provider:
        cursor = await present(provider)
        below = drive.mkdir("below", drive.mkdir("above"))
        drive.put("f", b"1", below)
        [batch] = await rest(provider, cursor)
        assert names([batch]) == ["f", "below", "above"]
        parents = {each.node.name: each.node.parent for each in batch.changes if isinstance(each, Upserted)}
        assert (parents["f"], parents["above"]) == (below, drive.customer.root)


@on_real_trio
async def test_no_more_calls_than_are_allowed(amazon: AmazonServer, drive: Drive) -> None:
    async with provider_of(drive, change_calls_per_hour=15) as provider:
        cursor = await present(provider)
        drive.mkdir("d")
        amazon.control.forget_requests()
        for _ in range(20):
            batch = await provider.changes(cursor)
            assert not batch.more
            cursor = batch.cursor
        assert amazon.control.requests().count("POST", "/changes") == 2


@on_real_trio
async def test_a_folder_in_a_circle_is_gone_for_us(drive: Drive) -> None:
    """The service checks nothing: a folder can be moved below itself, and is then reached from nowhere."""
    async with provider_of(drive) as provider:
        cursor = await present(provider)
        above = drive.mkdir("above")
        below = drive.mkdir("below", above)
        batch = await provider.changes(cursor)
        drive.ok("PATCH", f"M:nodes/{above}", json={"parents": [below]})
        [circle] = await rest(provider, batch.cursor)
        assert Removed(NodeId(above)) in circle.changes
        assert above not in {each.node.id for each in circle.changes if isinstance(each, Upserted)}


@on_real_trio
async def test_places_come_and_go(drive: Drive) -> None:
    async with provider_of(drive) as provider:
        one, two = drive.mkdir("one"), drive.mkdir("two")
        file = drive.put("f", b"1", one)
        cursor = await present(provider)
        drive.link(file, two)
        [batch] = await rest(provider, cursor)
        told = {each.node.parent: each.node.id for each in batch.changes if isinstance(each, Upserted)}
        assert told == {one: file, two: f"{file}~{two}"}
        drive.unlink(file, two)
        [batch] = await rest(provider, batch.cursor)
        assert Removed(NodeId(f"{file}~{two}")) in batch.changes
        drive.link(file, two)
        drive.unlink(file, one)
        [batch] = await rest(provider, batch.cursor)
        assert [(each.node.id, each.node.parent) for each in batch.changes if isinstance(each, Upserted)] == [
            (file, two)
        ]


@pytest.mark.parametrize(
    "line",
    [
        b"nonsense",
        b"[]",
        b'{"nodes": []}',
        b'{"checkpoint": "c", "nodes": [{}]}',
        b'{"statusCode": 500, "checkpoint": "c"}',
    ],
)
def test_a_broken_line_ends_an_answer_without_its_checkpoint(line: bytes) -> None:
    answered = Answered(lambda shown: read_node(shown, "me"), keep=True)
    answered.take(b'{"checkpoint": "good", "nodes": []}')
    answered.take(b"")
    answered.take(line)
    answered.take(b'{"checkpoint": "later", "nodes": []}')
    assert answered.failure is not None
    assert [each.checkpoint for each in answered.lines] == ["good"]
    assert not answered.ended
