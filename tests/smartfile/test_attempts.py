"""Uploads whose last answer was lost: what another client did with the file since makes no second copy of it."""

import pytest

from mountcloud.model.errors import Unavailable
from mountcloud.model.node import Node
from mountcloud.model.places import Places
from mountcloud.model.provider import UploadTarget
from mountcloud.providers.book import ROOT
from mountcloud.providers.memory_places import MemoryPlaces
from tests.real_server import Bytes, Kept, on_real_trio
from tests.smartfile.provider import new_file, over, provider_of, put
from tests.smartfile.server import SmartFileServer
from tests.smartfile.service import Service

OURS = b"ours, sent once"


async def lost(smartfile: SmartFileServer, service: Service, places: Places, kept: Kept, base: Node | None) -> None:
    """An upload to ``f`` after whose rename nothing is heard of the service any more."""
    async with provider_of(service, places) as provider:
        smartfile.control.fault("/path/oper/rename", kind="lost_reply")
        smartfile.control.fault("/", kind="drop", count=-1, skip=3)
        with pytest.raises(Unavailable):
            await provider.upload(to_f(base, OURS), Bytes(OURS), kept)
    smartfile.control.clear_faults()
    assert service.get("f") == OURS


async def tried_again(service: Service, places: Places, kept: Kept, target: UploadTarget, data: bytes) -> Node:
    """By a daemon that was started anew."""
    async with provider_of(service, places) as provider:
        await provider.children(ROOT)  # the engine looks for its own result by name first
        return await provider.upload(target, Bytes(data), kept)


def to_f(base: Node | None, data: bytes) -> UploadTarget:
    """What is owed."""
    return new_file(ROOT, "f", data) if base is None else over(base, data)


def everything(service: Service, *directories: str) -> dict[str, bytes]:
    """All files of the account, with what is hidden."""
    found = {}
    for directory in ("", *directories):
        for each in service.children(directory):
            if not each["isdir"]:
                path = f"{directory}/{each['name']}".lstrip("/")
                found[path] = service.get(path)
    return found


@pytest.mark.parametrize(
    ("path", "overwrites"), [("renamed", False), ("renamed", True), ("d/moved", True), ("d/e/f", False)]
)
@on_real_trio
async def test_a_file_that_another_client_moved_meanwhile_is_not_sent_again(
    smartfile: SmartFileServer, service: Service, path: str, overwrites: bool
) -> None:
    smartfile.control.set(rename_replaces=True)
    places, kept, base = MemoryPlaces(), Kept(), None
    service.mkdir("d")
    service.mkdir("d/e")
    if overwrites:
        async with provider_of(service, places) as provider:
            base = await put(provider, "f", b"before")
    await lost(smartfile, service, places, kept, base)
    service.rename("f", path)
    made = await tried_again(service, places, kept, to_f(base, OURS), OURS)
    assert everything(service, "d", "d/e") == {path: OURS}
    async with provider_of(service, places) as provider:
        seen = await provider.node(made.ref)
        assert (seen.name, seen.version, seen.mtime_ns) == (
            path.rpartition("/")[2],
            made.version,
            to_f(base, OURS).mtime_ns,
        )


@on_real_trio
async def test_what_was_written_since_goes_where_another_client_moved_the_file(
    smartfile: SmartFileServer, service: Service
) -> None:
    places, kept = MemoryPlaces(), Kept()
    service.mkdir("d")
    await lost(smartfile, service, places, kept, None)
    service.rename("f", "d/moved")
    await tried_again(service, places, kept, to_f(None, b"newer"), b"newer")
    assert everything(service, "d") == {"d/moved": b"newer"}


@on_real_trio
async def test_what_has_its_name_by_now_is_not_taken_for_it(smartfile: SmartFileServer, service: Service) -> None:
    """Nor is it overwritten; the file is found where it is."""
    places, kept = MemoryPlaces(), Kept()
    service.mkdir("d")
    await lost(smartfile, service, places, kept, None)
    service.rename("f", "d/moved")
    service.put("f", b"theirs")
    await tried_again(service, places, kept, to_f(None, OURS), OURS)
    assert everything(service, "d") == {"f": b"theirs", "d/moved": OURS}


@on_real_trio
async def test_a_draft_that_never_got_its_name_is_sent_again_and_leaves_nothing(
    smartfile: SmartFileServer, service: Service
) -> None:
    """Without a search: that costs a request for each directory."""
    places, kept = MemoryPlaces(), Kept()
    service.mkdir("d")
    async with provider_of(service, places) as provider:
        smartfile.control.fault("/path/oper/rename", kind="drop")
        smartfile.control.fault("/path/data", method="DELETE", kind="drop", count=-1)
        with pytest.raises(Unavailable):
            await provider.upload(to_f(None, OURS), Bytes(OURS), kept)
    assert service.hidden()
    smartfile.control.clear_faults()
    smartfile.control.forget_requests()
    await tried_again(service, places, kept, to_f(None, OURS), OURS)
    assert everything(service, "d") == {"f": OURS}
    assert smartfile.control.requests().count("GET", "/path/info/d") == 0


@on_real_trio
async def test_a_file_that_another_client_removed_meanwhile_is_made_again(
    smartfile: SmartFileServer, service: Service
) -> None:
    places, kept = MemoryPlaces(), Kept()
    await lost(smartfile, service, places, kept, None)
    service.remove("f")
    await tried_again(service, places, kept, to_f(None, OURS), OURS)
    assert everything(service) == {"f": OURS}


@on_real_trio
async def test_where_moves_change_numbers_a_renamed_file_is_known_by_its_content(
    smartfile: SmartFileServer, service: Service
) -> None:
    smartfile.control.set(moves_keep_number=False)
    places, kept = MemoryPlaces(), Kept()
    async with provider_of(service, places) as provider:
        await put(provider, "teaches what a move does", b"1")
    await lost(smartfile, service, places, kept, None)
    service.rename("f", "renamed")
    await tried_again(service, places, kept, to_f(None, OURS), OURS)
    assert everything(service) == {"teaches what a move does": b"1", "renamed": OURS}
