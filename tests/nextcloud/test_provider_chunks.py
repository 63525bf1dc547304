"""Large files in chunks that the server keeps (WebDAV facts, 2: chunked upload v2)."""

import os

import pytest

from mountcloud.model.errors import Conflict, Exists, Failure, Unavailable
from mountcloud.providers.webdav.chunks import MOST_CHUNKS, Stand, length_of_chunks, stand_of
from tests.nextcloud.dav import OC, Dav
from tests.nextcloud.provider import CHUNK, new_file, over, provider_of, put
from tests.nextcloud.server import NextcloudServer
from tests.real_server import Bytes, Kept, on_real_trio

DATA = os.urandom(4 * CHUNK + 5)
CHUNKS = "PUT /remote.php/dav/uploads"


@pytest.fixture(autouse=True)
def _small_chunks(nextcloud: NextcloudServer) -> None:
    nextcloud.control.set(chunk_minimum=CHUNK)


def sent(nextcloud: NextcloudServer) -> list[str]:
    """Names of the chunks that arrived since the last look."""
    items = nextcloud.control.requests().items
    nextcloud.control.forget_requests()
    put = [each for each in items if each["method"] == "PUT" and "/uploads/" in each["path"] and each["status"] == 201]
    return [each["path"].rpartition("/")[2] for each in put]


def left_over(nextcloud: NextcloudServer) -> object:
    return nextcloud.control.call("GET", "/uploads")["uploads"]


@on_real_trio
async def test_a_large_file_goes_up_in_chunks_and_keeps_id_and_versions(nextcloud: NextcloudServer, dav: Dav) -> None:
    async with provider_of(dav) as provider:
        node = await put(provider, "f", DATA)
        assert sent(nextcloud) == ["00001", "00002", "00003", "00004", "00005"]
        before = dav.stat("f")
        changed = await provider.upload(over(node, DATA[1:]), Bytes(DATA[1:]))
        with pytest.raises(Conflict):
            await provider.upload(over(node, DATA), Bytes(DATA))
        with pytest.raises(Exists):
            await put(provider, "f", DATA)
    assert dav.get("f") == DATA[1:]
    after = dav.stat("f")
    assert (after.fileid, changed.id) == (before.fileid, node.id)
    assert len(dav.older("f")) == 1
    assert after.values[f"{OC}checksums"].startswith("SHA1:")
    assert left_over(nextcloud) == {}


@on_real_trio
async def test_it_goes_on_after_a_restart_with_what_is_missing(nextcloud: NextcloudServer, dav: Dav) -> None:
    kept = Kept()
    nextcloud.control.fault("/00003$", method="PUT", kind="drop", count=-1)
    async with provider_of(dav) as provider:
        root = await provider.root()
        with pytest.raises(Unavailable):
            await provider.upload(new_file(root.id, "f", DATA), Bytes(DATA), kept)
    assert sent(nextcloud) == ["00001", "00002"]
    nextcloud.control.clear_faults()
    async with provider_of(dav) as again:
        root = await again.root()
        await again.upload(new_file(root.id, "f", DATA), Bytes(DATA), Kept(kept.state))
    assert sent(nextcloud) == ["00003", "00004", "00005"]
    assert dav.get("f") == DATA


@on_real_trio
async def test_chunks_whose_bytes_changed_are_sent_again(nextcloud: NextcloudServer, dav: Dav) -> None:
    kept, changed = Kept(), DATA[:CHUNK] + b"?" + DATA[CHUNK + 1 :]
    nextcloud.control.fault("/.file$", method="MOVE", kind="drop", count=1)
    async with provider_of(dav) as provider:
        root = await provider.root()
        with pytest.raises(Unavailable):
            await provider.upload(new_file(root.id, "f", DATA), Bytes(DATA), kept)
        sent(nextcloud)
        await provider.upload(new_file(root.id, "f", changed), Bytes(changed), kept)
    assert sent(nextcloud) == ["00002"]
    assert dav.get("f") == changed


@on_real_trio
async def test_what_the_server_forgot_is_sent_anew(nextcloud: NextcloudServer, dav: Dav) -> None:
    kept = Kept()
    nextcloud.control.fault("/00003$", method="PUT", kind="drop", count=1)
    async with provider_of(dav) as provider:
        root = await provider.root()
        with pytest.raises(Unavailable):
            await provider.upload(new_file(root.id, "f", DATA), Bytes(DATA), kept)
        nextcloud.control.call("POST", "/uploads/expire")
        sent(nextcloud)
        await provider.upload(new_file(root.id, "f", DATA), Bytes(DATA), kept)
    assert len(sent(nextcloud)) == 5
    assert dav.get("f") == DATA


@on_real_trio
async def test_an_upload_under_another_name_or_without_an_owner_is_given_back(
    nextcloud: NextcloudServer, dav: Dav
) -> None:
    kept = Kept()
    nextcloud.control.fault("/00003$", method="PUT", kind="drop", count=2)
    async with provider_of(dav) as provider:
        root = await provider.root()
        with pytest.raises(Unavailable):
            await provider.upload(new_file(root.id, "f", DATA), Bytes(DATA), kept)
        assert list(left_over(nextcloud).values()) == [2]  # type: ignore[attr-defined] # a dictionary of JSON
        with pytest.raises(Failure):
            await provider.upload(new_file(root.id, "g", DATA), Bytes(DATA), kept)
        assert len(left_over(nextcloud)) == 1  # type: ignore[arg-type] # a dictionary of JSON
        await provider.discard_upload(kept.state)
        assert left_over(nextcloud) == {}
        nextcloud.control.fault("/00002$", method="PUT", kind="drop", count=1)
        with pytest.raises(Unavailable):
            await put(provider, "h", DATA)
        assert left_over(nextcloud) == {}


@pytest.mark.parametrize("size", [1, 100 * CHUNK, CHUNK * MOST_CHUNKS, CHUNK * MOST_CHUNKS + 1, 5 << 40])
def test_there_are_never_too_many_chunks(size: int) -> None:
    length = length_of_chunks(size, CHUNK)
    assert length >= CHUNK
    assert -(-size // length) <= MOST_CHUNKS


def test_how_far_an_upload_is_can_be_kept_as_text() -> None:
    stand = Stand("id", "https://cloud.example/f", 10, 4, {1: "aa"})
    assert stand_of(stand.text) == stand
    assert stand_of("") is None
