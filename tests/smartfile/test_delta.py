"""Of a large file that was changed only what differs travels, and the result is what it must be, whatever happens."""

import os
import random
import time

import pytest

from mountcloud.crypt.librsync import is_available
from mountcloud.model.errors import Conflict, Unavailable
from mountcloud.model.node import Node
from mountcloud.model.provider import Source
from mountcloud.providers.smartfile.api import Api
from mountcloud.providers.smartfile.delta import block_for
from mountcloud.providers.smartfile.provider import SmartFileProvider
from mountcloud.providers.smartfile.tasks import Report, Stand
from mountcloud.providers.smartfile.wire import Path
from tests.real_server import Bytes, Kept, on_real_trio
from tests.smartfile.provider import child, over, provider_of, read
from tests.smartfile.server import SmartFileServer
from tests.smartfile.service import Service

KIB, MIB = 1 << 10, 1 << 20
OLD = random.Random(1).randbytes(3 * MIB)
SIZE = 128
"""``delta_min_kib`` of these tests."""


@pytest.fixture(autouse=True)
def _needs_the_library() -> None:
    if not is_available():
        assert not os.environ.get("CI"), "librsync must be tested here"
        pytest.skip("librsync is not installed; ./run setup brings it")


def edited(old: bytes) -> bytes:
    """One KiB in the middle is another."""
    new = bytearray(old)
    new[len(old) // 2 : len(old) // 2 + KIB] = random.Random(2).randbytes(KIB)
    return bytes(new)


async def old_enough(server: SmartFileServer, service: Service, provider: SmartFileProvider, data: bytes = OLD) -> Node:
    """A file of another client whose time proves something."""
    service.put("f", data)
    server.control.call("PUT", "/times", account=service.key, path="/f", time=int(time.time()) - 3600)
    return await child(provider, "f")


def whole_uploads(server: SmartFileServer) -> int:
    return server.control.requests().count("POST", "/path/data/")


@on_real_trio
async def test_what_differs_travels(smartfile: SmartFileServer, service: Service) -> None:
    async with provider_of(service, delta_min_kib=SIZE) as provider:
        base = await old_enough(smartfile, service, provider)
        smartfile.control.forget_requests()
        new = await provider.upload(over(base, edited(OLD)), Bytes(edited(OLD)), Kept())
        assert whole_uploads(smartfile) == 0
        assert smartfile.control.requests().count("POST", "/path/sync/patch") == 1
        assert service.get("f") == edited(OLD)
        assert (new.id, new.size, new.mtime_ns) == (base.id, len(OLD), over(base, b"").mtime_ns)
        assert new.version != base.version
        assert await read(provider, new) == edited(OLD)
        assert (await child(provider, "f")).version == new.version


@on_real_trio
async def test_a_file_that_grew_and_one_that_shrank(smartfile: SmartFileServer, service: Service) -> None:
    async with provider_of(service, delta_min_kib=SIZE) as provider:
        for data in (b"in front" + OLD + b"behind", OLD[MIB:]):
            base = await old_enough(smartfile, service, provider)
            await provider.upload(over(base, data), Bytes(data))
            assert service.get("f") == data
    assert smartfile.control.requests().count("POST", "/path/sync/patch") == 2


@on_real_trio
async def test_small_files_and_other_contents_go_up_whole(smartfile: SmartFileServer, service: Service) -> None:
    async with provider_of(service, delta_min_kib=SIZE) as provider:
        for old, data in ((OLD, b"small"), (b"small", OLD), (OLD, random.Random(3).randbytes(MIB))):
            base = await old_enough(smartfile, service, provider, old)
            await provider.upload(over(base, data), Bytes(data))
            assert service.get("f") == data
    assert smartfile.control.requests().count("POST", "/path/sync/patch") == 0


@on_real_trio
async def test_where_it_is_not_offered_it_goes_up_whole(smartfile: SmartFileServer, service: Service) -> None:
    smartfile.control.set(sync=False)
    async with provider_of(service, delta_min_kib=SIZE) as provider:
        base = await old_enough(smartfile, service, provider)
        await provider.upload(over(base, edited(OLD)), Bytes(edited(OLD)))
    assert service.get("f") == edited(OLD)


@on_real_trio
async def test_a_wrong_result_is_replaced_by_the_whole_file(smartfile: SmartFileServer, service: Service) -> None:
    async with provider_of(service, delta_min_kib=SIZE) as provider:
        base = await old_enough(smartfile, service, provider)
        smartfile.control.set(wrong_patches=1)
        new = await provider.upload(over(base, edited(OLD)), Bytes(edited(OLD)), Kept())
        assert service.get("f") == edited(OLD)
        assert await read(provider, new) == edited(OLD)
        assert (new.id, whole_uploads(smartfile)) == (base.id, 2)


@on_real_trio
async def test_a_service_that_tells_no_checksum_leaves_a_doubt_and_gets_the_whole_file(
    smartfile: SmartFileServer, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: object) -> Report:
        return Report(Stand.DONE)

    async with provider_of(service, delta_min_kib=SIZE) as provider:
        base = await old_enough(smartfile, service, provider)
        monkeypatch.setattr(provider._api, "_task", nothing)
        new = await provider.upload(over(base, edited(OLD)), Bytes(edited(OLD)), Kept())
        assert (new.id, service.get("f") == edited(OLD), whole_uploads(smartfile)) == (base.id, True, 2)


@on_real_trio
async def test_what_another_client_wrote_is_not_patched(smartfile: SmartFileServer, service: Service) -> None:
    async with provider_of(service, delta_min_kib=SIZE) as provider:
        base = await old_enough(smartfile, service, provider)
        service.put("f", OLD[::-1])
        with pytest.raises(Conflict):
            await provider.upload(over(base, edited(OLD)), Bytes(edited(OLD)))
    assert service.get("f") == OLD[::-1]


@on_real_trio
async def test_what_another_client_writes_right_after_the_patch_stays(
    smartfile: SmartFileServer, service: Service
) -> None:
    async with provider_of(service, delta_min_kib=SIZE) as provider:
        base = await old_enough(smartfile, service, provider)
        checksum = provider._api.checksum

        async def too_late(path: Path, algorithm: str) -> str:
            service.put("f", b"theirs")
            return await checksum(path, algorithm)

        provider._api.checksum = too_late  # type: ignore[method-assign]  # another client
        with pytest.raises(Conflict):
            await provider.upload(over(base, edited(OLD)), Bytes(edited(OLD)), Kept())
    assert service.get("f") == b"theirs"


@pytest.mark.parametrize("path", ["/path/sync/patch/", "/path/oper/checksum/"])
@on_real_trio
async def test_a_lost_answer_is_looked_after(smartfile: SmartFileServer, service: Service, path: str) -> None:
    async with provider_of(service, delta_min_kib=SIZE) as provider:
        base = await old_enough(smartfile, service, provider)
        kept = Kept()
        smartfile.control.fault(path, kind="lost_reply")
        with pytest.raises(Unavailable):
            await provider.upload(over(base, edited(OLD)), Bytes(edited(OLD)), kept)
        smartfile.control.forget_requests()
        new = await provider.upload(over(base, edited(OLD)), Bytes(edited(OLD)), kept)
        assert (new.id, service.get("f") == edited(OLD)) == (base.id, True)
        assert whole_uploads(smartfile) == smartfile.control.requests().count("POST", "/path/sync/patch") == 0


@on_real_trio
async def test_a_newer_content_after_a_lost_answer(smartfile: SmartFileServer, service: Service) -> None:
    async with provider_of(service, delta_min_kib=SIZE) as provider:
        base = await old_enough(smartfile, service, provider)
        kept, newest = Kept(), edited(edited(OLD)[::-1])
        smartfile.control.fault("/path/sync/patch/", kind="lost_reply")
        with pytest.raises(Unavailable):
            await provider.upload(over(base, edited(OLD)), Bytes(edited(OLD)), kept)
        new = await provider.upload(over(base, newest), Bytes(newest), kept)
        assert (new.id, service.get("f") == newest, service.hidden()) == (base.id, True, set())


def test_blocks_grow_with_the_root_of_the_size() -> None:
    assert [block_for(size) for size in (0, MIB, 100 * MIB, 10**12)] == [2048, 2048, 10240, 131072]


@pytest.mark.slow
@on_real_trio
async def test_a_kib_in_a_hundred_mib_travels_as_less_than_one(
    smartfile: SmartFileServer, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, travelled = random.Random(4).randbytes(100 * MIB), dict.fromkeys(("there", "back"), 0)
    signature, patch = Api.signature, Api.patch

    async def counted_signature(api: Api, path: Path, block: int) -> bytes:
        sums = await signature(api, path, block)
        travelled["back"] += len(sums)
        return sums

    async def counted_patch(api: Api, path: Path, delta: Source) -> None:
        travelled["there"] += delta.size
        await patch(api, path, delta)

    monkeypatch.setattr(Api, "signature", counted_signature)
    monkeypatch.setattr(Api, "patch", counted_patch)
    async with provider_of(service) as provider:
        base = await old_enough(smartfile, service, provider, old)
        await provider.upload(over(base, edited(old)), Bytes(edited(old)), Kept())
    assert service.get("f") == edited(old)
    assert whole_uploads(smartfile) == 1
    assert travelled["there"] < MIB
    assert sum(travelled.values()) < MIB, travelled
