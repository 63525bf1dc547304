"""What happens when others change the service in between, and what is asked of it when it is in trouble."""

import time

import pytest
import trio

from mountcloud.model.errors import Corrupt, NotFound, Unavailable
from tests.metadisk.provider import bucket_of, child, names, over, part, provider_of, put, read
from tests.metadisk.server import MetadiskServer
from tests.metadisk.service import Service
from tests.real_server import on_real_trio

DATA = bytes(range(256)) * 40


@on_real_trio
async def test_a_content_that_goes_while_it_gets_a_second_name_is_sent(
    metadisk: MetadiskServer, service: Service
) -> None:
    async with provider_of(service) as provider:
        pics = await bucket_of(provider)
        bucket = service.buckets()["pics"]
        await put(provider, pics.id, "a", DATA)
        metadisk.control.fault("/files$", method="PUT", kind="delay", seconds=1.0)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(put, provider, pics.id, "b", DATA)
            while not metadisk.control.faults()[0]["hits"]:
                await trio.sleep(0.02)
            service.remove(bucket, service.files(bucket)["a"])
        found = await child(provider, pics.id, "b")
        assert found is not None
        assert await read(provider, found) == DATA
        assert await names(provider, pics.id) == ["b"]
        service.remove(bucket, service.files(bucket)["b"])
        assert service.files(bucket) == {}


@pytest.mark.parametrize("change", ["overwrite", "move over", "move away"])
@on_real_trio
async def test_a_content_gets_a_second_name_elsewhere_while_it_loses_the_first(
    metadisk: MetadiskServer, service: Service, change: str
) -> None:
    """On a second machine, which sees that the bucket has it; what it loses the name for is on its way meanwhile."""
    other = b"other" + DATA
    async with provider_of(service) as provider, provider_of(service) as second:
        pics, elsewhere = await bucket_of(provider), await bucket_of(provider, "elsewhere")
        file = await put(provider, pics.id, "f", DATA)
        mover = await put(provider, pics.id, "mover", other)

        async def act() -> None:
            if change == "overwrite":
                await over(provider, file, other + b"!")
            elif change == "move over":
                await provider.move(mover.ref, pics.id, "f", file.ref)
            else:
                await provider.move(file.ref, elsewhere.id, "f", None)

        metadisk.control.fault("/files$", method="PUT", kind="delay", seconds=1.5)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(act)
            while not metadisk.control.faults()[0]["hits"]:
                await trio.sleep(0.02)
            await put(second, (await bucket_of(second)).id, "copy", DATA)
        copy = await child(second, (await bucket_of(second)).id, "copy")
        assert copy is not None
        assert await read(second, copy) == DATA


@on_real_trio
async def test_names_that_others_took_away_do_not_come_back(service: Service) -> None:
    async with provider_of(service) as provider:
        pics = await bucket_of(provider)
        bucket = service.buckets()["pics"]
        await put(provider, pics.id, "a", DATA)
        await put(provider, pics.id, "b", DATA)
        service.remove(bucket, service.files(bucket)["a"])
        assert await names(provider, pics.id) == []
        await put(provider, pics.id, "c", DATA)
        assert await names(provider, pics.id) == ["c"]


@on_real_trio
async def test_no_token_is_asked_for_in_vain(metadisk: MetadiskServer, service: Service) -> None:
    metadisk.control.set(shard_size=1000, cut_exactly=True)
    async with provider_of(service) as provider:
        pics = await bucket_of(provider)
        file = await put(provider, pics.id, "a", DATA)
        await put(provider, pics.id, "b", DATA)
        assert await read(provider, file) == DATA
        await provider.move(file.ref, pics.id, "c", None)
        await provider.remove((await child(provider, pics.id, "b") or file).ref)
    assert metadisk.control.leftovers() == (0, 0)


@pytest.mark.parametrize("late", [False, True])
@on_real_trio
async def test_one_bad_farmer_costs_one_more_token(metadisk: MetadiskServer, service: Service, late: bool) -> None:
    metadisk.control.set(shard_size=4000, cut_exactly=True, late_farmers=late)
    async with provider_of(service) as provider:
        pics = await bucket_of(provider)
        for number, trouble in enumerate(("error", "short", "wrong", "long")):
            data = DATA + bytes([number])
            file = await put(provider, pics.id, f"f{number}", data)
            metadisk.control.forget_requests()
            metadisk.control.set(farmer_trouble=trouble, farmer_troubles=1, farmer_after=100)
            assert await read(provider, file) == data
            assert metadisk.control.requests().count("POST", "/tokens") == 2


@pytest.mark.parametrize("kind", ["cut", "reset", "drop", "status"])
@on_real_trio
async def test_lines_that_break_cost_one_more_token(metadisk: MetadiskServer, service: Service, kind: str) -> None:
    async with provider_of(service) as provider:
        pics = await bucket_of(provider)
        file = await put(provider, pics.id, "f", DATA)
        metadisk.control.forget_requests()
        metadisk.control.fault("^/$", method="WEBSOCKET", kind=kind, after=100)
        assert await read(provider, file) == DATA
        assert metadisk.control.requests().count("POST", "/tokens") == 2


@on_real_trio
async def test_channels_that_ended_are_asked_for_again(metadisk: MetadiskServer, service: Service) -> None:
    metadisk.control.set(shard_size=4000, cut_exactly=True)
    async with provider_of(service) as provider:
        pics = await bucket_of(provider)
        file = await put(provider, pics.id, "f", DATA)
        content = await provider.open(file)
        assert await part(content, 0, 10) == DATA[:10]
        metadisk.control.forget_channels()
        assert await part(content, 9000, 9010) == DATA[9000:9010]
        await content.aclose()


@on_real_trio
async def test_tampered_shards_are_never_shown(metadisk: MetadiskServer, service: Service) -> None:
    metadisk.control.set(shard_size=4000, cut_exactly=True)
    async with provider_of(service) as provider:
        pics = await bucket_of(provider)
        bucket = service.buckets()["pics"]
        file = await put(provider, pics.id, "f", DATA)
        metadisk.control.tamper(bucket, file.version, position=1, offset=7)
        with pytest.raises(Corrupt):
            await read(provider, file)
        # A rename sends the bytes again: what is damaged is not stored under a name that says that it is whole.
        with pytest.raises(Corrupt):
            await provider.move(file.ref, pics.id, "g", None)
        assert service.files(bucket) == {"f": file.version}


@on_real_trio
async def test_an_old_nonce_is_no_missing_bucket(metadisk: MetadiskServer, service: Service) -> None:
    """Whoever asks for a token with one is told that there is no such bucket, unless the bucket lists the key."""
    bucket = service.make_bucket("pics")
    hash_ = service.put(bucket, "f", DATA)["hash"]
    async with provider_of(service) as provider:
        pics = await bucket_of(provider)
        found = await child(provider, pics.id, "f")
        assert found is not None
        for ahead_ms in (500, 6_000):
            metadisk.control.set_nonce(service.email, time.time_ns() // 1_000_000 + ahead_ms)
            assert await read(provider, found) == DATA
            await put(provider, pics.id, f"g{ahead_ms}", DATA[:ahead_ms])
        service.remove(bucket, hash_)
        assert service.send("DELETE", f"/buckets/{bucket}").status_code == 204
        with pytest.raises(NotFound):
            await put(provider, pics.id, "h", b"h")


@on_real_trio
async def test_many_at_once_share_one_nonce(metadisk: MetadiskServer, service: Service) -> None:
    metadisk.control.set(latency=0.01)
    async with provider_of(service) as provider, provider_of(service) as second:
        pics = await bucket_of(provider)
        other = await bucket_of(second)
        async with trio.open_nursery() as nursery:
            for number in range(6):
                nursery.start_soon(put, provider, pics.id, f"a{number}", b"a" + bytes([number]))
                nursery.start_soon(put, second, other.id, f"b{number}", b"b" + bytes([number]))
        assert len(await names(provider, pics.id)) == 12


@on_real_trio
async def test_a_bucket_that_cannot_be_listed_is_not_empty(metadisk: MetadiskServer, service: Service) -> None:
    async with provider_of(service) as provider:
        pics = await bucket_of(provider)
        await put(provider, pics.id, "f", DATA)
        for trouble in ({"status": 404, "error": "Could not find the farmer"}, {"status": 404, "body": "html"}):
            metadisk.control.fault("/files$", method="GET", count=10, **trouble)
            with pytest.raises(Unavailable):
                await provider.children(pics.id)
            with pytest.raises(Unavailable):
                await provider.remove(pics.ref)
            metadisk.control.clear_faults()
        assert await names(provider, pics.id) == ["f"]
