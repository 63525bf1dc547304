"""What the provider does on the service, and what it makes of what other clients did."""

import time

import pytest
import trio

from mountcloud.model.errors import (
    AuthenticationRequired,
    Conflict,
    Exists,
    InvalidArgument,
    NotEmpty,
    NotFound,
    NotPermitted,
    Unavailable,
)
from mountcloud.model.node import Rights
from mountcloud.providers.memory_places import MemoryPlaces
from mountcloud.providers.metadisk.names import alias_note, directory_note, note_content
from tests.metadisk.outsider import hash_of
from tests.metadisk.provider import MTIME_NS, bucket_of, child, names, over, provider_of, put, read
from tests.metadisk.server import MetadiskServer
from tests.metadisk.service import Service
from tests.real_server import on_real_trio

SHARD = 10_000


def some(size: int) -> bytes:
    return bytes(number * 7 % 251 for number in range(size))


# Buckets.


@on_real_trio
async def test_buckets_are_the_directories_of_the_root(service: Service) -> None:
    service.make_bucket("pics")
    async with provider_of(service, storage=7, transfer=8) as provider:
        root = await provider.root()
        made = await provider.make_directory(root.id, "docs (2016)", MTIME_NS)
        assert await names(provider, root.id) == ["docs (2016)", "pics"]
        bucket = service.ok("GET", f"/buckets/{service.buckets()['docs (2016)']}")
        assert (bucket["storage"], bucket["transfer"]) == (7, 8)
        await provider.request("PATCH", f"/buckets/{bucket['id']}", {"storage": 20})
        assert service.ok("GET", f"/buckets/{bucket['id']}")["storage"] == 20
        with pytest.raises(Exists):
            await provider.make_directory(root.id, "pics", MTIME_NS)
        renamed = await provider.move(made.ref, root.id, "papers", None)
        assert (renamed.id, sorted(service.buckets())) == (made.id, ["papers", "pics"])
        await provider.remove(renamed.ref)
        assert await names(provider, root.id) == ["pics"]


@on_real_trio
async def test_only_an_empty_bucket_goes(service: Service) -> None:
    bucket = service.make_bucket("pics")
    service.put(bucket, "cat.jpg", b"cat")
    async with provider_of(service) as provider:
        pics = await bucket_of(provider)
        with pytest.raises(NotEmpty):
            await provider.remove(pics.ref)
        service.remove(bucket, service.files(bucket)["cat.jpg"])
        directory = await provider.make_directory(pics.id, "d", MTIME_NS)
        with pytest.raises(NotEmpty):
            await provider.remove(pics.ref)
        await provider.remove(directory.ref)
        await provider.remove(pics.ref)
        assert service.buckets() == {}
        with pytest.raises(NotFound):
            await provider.remove(pics.ref)


@on_real_trio
async def test_an_empty_bucket_makes_way_for_another(service: Service) -> None:
    async with provider_of(service) as provider:
        root = (await provider.root()).id
        one, other = await bucket_of(provider, "one"), await bucket_of(provider, "other")
        moved = await provider.move(one.ref, root, "other", other.ref)
        assert [each.id for each in await provider.children(root)] == [moved.id] == [one.id]
        full = await bucket_of(provider, "full")
        await put(provider, full.id, "f", b"1")
        with pytest.raises(NotEmpty):
            await provider.move(one.ref, root, "full", full.ref)
        with pytest.raises(Exists):
            await provider.move(one.ref, root, "full", None)


@on_real_trio
async def test_two_buckets_of_one_name_are_both_there(service: Service) -> None:
    ids = {service.make_bucket("same"), service.make_bucket("same")}
    async with provider_of(service) as provider:
        found = await provider.children((await provider.root()).id)
        assert ([each.name for each in found], len({each.id for each in found})) == (["same", "same"], 2)
        for number, each in enumerate(found):
            await put(provider, each.id, f"file {number}", b"1")
        assert {name for each in ids for name in service.files(each)} == {"file 0", "file 1"}


@on_real_trio
async def test_the_root_holds_buckets_and_nothing_else(service: Service) -> None:
    async with provider_of(service) as provider:
        root, pics = await provider.root(), await bucket_of(provider)
        assert root.rights & (Rights.CREATE_FILES | Rights.MOVE_IN) == Rights.NONE
        assert Rights.MOVE not in pics.rights
        file, directory = await put(provider, pics.id, "f", b"1"), await provider.make_directory(pics.id, "d", 0)
        with pytest.raises(NotPermitted):
            await put(provider, root.id, "f", b"1")
        moves = ((file.ref, root.id), (directory.ref, root.id), (pics.ref, directory.id), (root.ref, pics.id))
        for ref, parent in moves:
            with pytest.raises((NotPermitted, InvalidArgument)):
                await provider.move(ref, parent, "elsewhere", None)
        with pytest.raises(NotPermitted):
            await provider.remove(root.ref)
        assert await names(provider, pics.id) == ["d", "f"]


# Names.


@on_real_trio
async def test_paths_are_names_that_the_service_keeps_whole(service: Service) -> None:
    async with provider_of(service) as provider:
        pics = await bucket_of(provider)
        below = await provider.make_directory(pics.id, 'a "b" \\ c', MTIME_NS)
        node = await put(provider, below.id, "50%2F50\nü.txt", b"half")
        stored = service.files(service.buckets()["pics"])
        assert "a %22b%22 %5C c%2F50%252F50%0Aü.txt" in stored
        assert await names(provider, below.id) == ["50%2F50\nü.txt"]
        assert service.get(service.buckets()["pics"], node.version) == b"half"
    async with provider_of(service) as elsewhere:
        again = await child(elsewhere, (await bucket_of(elsewhere)).id, 'a "b" \\ c')
        assert again is not None
        assert await names(elsewhere, again.id) == ["50%2F50\nü.txt"]


@on_real_trio
async def test_what_others_stored_is_shown_and_read(service: Service) -> None:
    bucket = service.make_bucket("pics")
    service.put(bucket, "cat.jpg", b"cat", "image/jpeg")
    service.put(bucket, "2016%2Fmarch%2Fdog.jpg", b"dog")
    service.put(bucket, "twice", b"one")
    service.put(bucket, "twice", b"other")
    async with provider_of(service) as provider:
        pics = await bucket_of(provider)
        assert await names(provider, pics.id) == ["2016", "cat.jpg", "twice", "twice"]
        twins = [each for each in await provider.children(pics.id) if each.name == "twice"]
        assert {await read(provider, each) for each in twins} == {b"one", b"other"}
        assert len({each.id for each in twins}) == 2
        year = await child(provider, pics.id, "2016")
        month = await child(provider, year.id, "march") if year is not None else None
        dog = await child(provider, month.id, "dog.jpg") if month is not None else None
        assert dog is not None
        assert await read(provider, dog) == b"dog"


@on_real_trio
async def test_a_directory_stays_when_it_is_emptied_here(service: Service) -> None:
    bucket = service.make_bucket("pics")
    service.put(bucket, "d%2Ff", b"1")
    async with provider_of(service) as provider:
        pics = await bucket_of(provider)
        directory = await child(provider, pics.id, "d")
        file = None if directory is None else await child(provider, directory.id, "f")
        assert file is not None
        assert directory is not None
        await provider.remove(file.ref)
        assert await names(provider, pics.id) == ["d"]
        assert list(service.files(bucket)) == [directory_note(("d",))]
        await provider.remove(directory.ref)
        assert (await names(provider, pics.id), service.files(bucket)) == ([], {})


@on_real_trio
async def test_a_note_is_known_on_another_machine(service: Service) -> None:
    async with provider_of(service) as provider:
        pics = await bucket_of(provider)
        await provider.make_directory(pics.id, "empty", MTIME_NS)
        await put(provider, pics.id, "one", b"same")
        await put(provider, pics.id, "two", b"same")
    async with provider_of(service) as elsewhere:
        there = await bucket_of(elsewhere)
        assert await names(elsewhere, there.id) == ["empty", "one", "two"]
        two = await child(elsewhere, there.id, "two")
        assert two is not None
        assert await read(elsewhere, two) == b"same"


# One content under several names.


@on_real_trio
async def test_equal_contents_are_one_object_with_two_names(service: Service, metadisk: MetadiskServer) -> None:
    async with provider_of(service) as provider:
        pics, bucket = await bucket_of(provider), service.buckets()["pics"]
        one, two = await put(provider, pics.id, "one", some(50_000)), await put(provider, pics.id, "two", some(50_000))
        assert (one.version, one.id == two.id) == (two.version, False)
        assert service.files(bucket).keys() == {"one", alias_note(("two",), one.version)}
        await provider.remove(one.ref)
        assert await names(provider, pics.id) == ["two"]
        assert service.files(bucket) == {"two": two.version}
        assert await read(provider, two) == some(50_000)
        await provider.remove(two.ref)
        assert service.files(bucket) == {}


@on_real_trio
async def test_many_empty_files_at_once(service: Service) -> None:
    async with provider_of(service) as provider:
        pics = await bucket_of(provider)
        async with trio.open_nursery() as nursery:
            for number in range(8):
                nursery.start_soon(put, provider, pics.id, f"__init__{number}.py", b"")
        found = await provider.children(pics.id)
        assert sorted(each.name for each in found) == [f"__init__{number}.py" for number in range(8)]
        for each in found[:4]:
            await provider.remove(each.ref)
        assert len(await names(provider, pics.id)) == 4
        assert all([await read(provider, each) == b"" for each in found[4:]])


@on_real_trio
async def test_new_content_under_a_second_name_leaves_the_first(service: Service) -> None:
    async with provider_of(service) as provider:
        pics = await bucket_of(provider)
        one, two = await put(provider, pics.id, "one", b"same"), await put(provider, pics.id, "two", b"same")
        two = await over(provider, two, b"other")
        assert (await read(provider, one), await read(provider, two)) == (b"same", b"other")
        one = await over(provider, one, b"other")
        assert (await read(provider, one), await names(provider, pics.id)) == (b"other", ["one", "two"])
        assert one.version == two.version
        assert len(service.files(service.buckets()["pics"])) == 2


@on_real_trio
async def test_a_name_over_another_one_of_the_same_content(service: Service) -> None:
    async with provider_of(service) as provider:
        pics = await bucket_of(provider)
        one, two = await put(provider, pics.id, "one", b"same"), await put(provider, pics.id, "two", b"same")
        moved = await provider.move(one.ref, pics.id, "two", two.ref)
        assert (moved.id, await names(provider, pics.id)) == (one.id, ["two"])
        three = await put(provider, pics.id, "three", b"same")
        moved = await provider.move(three.ref, pics.id, "two", moved.ref)
        assert (moved.id, await names(provider, pics.id)) == (three.id, ["two"])
        assert service.files(service.buckets()["pics"]) == {"two": moved.version}


@on_real_trio
async def test_a_file_that_holds_a_note_is_a_file(service: Service) -> None:
    async with provider_of(service) as provider:
        pics = await bucket_of(provider)
        await provider.make_directory(pics.id, "d", MTIME_NS)
        copy = await put(provider, pics.id, "copy", note_content(directory_note(("d",))))
        assert await names(provider, pics.id) == ["copy", "d"]
        assert await read(provider, copy) == note_content(directory_note(("d",)))


# Saving and moving.


@on_real_trio
async def test_a_content_that_is_there_does_not_travel_again(service: Service, metadisk: MetadiskServer) -> None:
    async with provider_of(service) as provider:
        pics = await bucket_of(provider)
        await put(provider, pics.id, "one", some(50_000))
        metadisk.control.forget_requests()
        await put(provider, pics.id, "two", some(50_000))
        stored = [each for each in metadisk.control.requests().items if each["method"] == "PUT"]
        assert len(stored) == 1
        assert metadisk.control.requests().count("DELETE") == 0


@on_real_trio
async def test_the_old_content_goes_after_the_new_one_came(service: Service, metadisk: MetadiskServer) -> None:
    async with provider_of(service) as provider:
        pics = await bucket_of(provider)
        node = await put(provider, pics.id, "f", b"old")
        metadisk.control.forget_requests()
        await over(provider, node, b"new")
        methods = [each["method"] for each in metadisk.control.requests().items]
        assert methods.index("PUT") < methods.index("DELETE")
        assert len(service.files(service.buckets()["pics"])) == 1


@on_real_trio
async def test_what_a_cut_save_left_is_finished_by_the_next_look(service: Service, metadisk: MetadiskServer) -> None:
    places = MemoryPlaces()
    async with provider_of(service, places) as provider:
        pics = await bucket_of(provider)
        node = await put(provider, pics.id, "f", b"old")
        metadisk.control.fault("/buckets/", method="DELETE", kind="status", status=502, count=1)
        with pytest.raises(Unavailable):
            await over(provider, node, b"new")
        assert len(service.ok("GET", f"/buckets/{service.buckets()['pics']}/files")) == 2
        metadisk.control.clear_faults()
        (seen,) = await provider.children(pics.id)
        assert (seen.id, await read(provider, seen)) == (node.id, b"new")
        assert len(service.ok("GET", f"/buckets/{service.buckets()['pics']}/files")) == 1
        again = await over(provider, node, b"new")
        assert (again.id, again.version) == (node.id, seen.version)


@on_real_trio
async def test_what_a_cut_save_left_is_gone_after_the_next_save(service: Service, metadisk: MetadiskServer) -> None:
    async with provider_of(service) as provider:
        pics = await bucket_of(provider)
        node = await put(provider, pics.id, "f", b"old")
        metadisk.control.fault("/buckets/", method="DELETE", kind="status", status=502, count=1)
        with pytest.raises(Unavailable):
            await over(provider, node, b"new")
        metadisk.control.clear_faults()
        seen = await provider.node(node.ref)
        assert await read(provider, seen) == b"new"
        await over(provider, seen, b"newer")
        assert await names(provider, pics.id) == ["f"]
        assert len(service.ok("GET", f"/buckets/{service.buckets()['pics']}/files")) == 1


@on_real_trio
async def test_what_a_cut_save_left_goes_also_after_another_client_saved(
    service: Service, metadisk: MetadiskServer
) -> None:
    async with provider_of(service) as provider:
        pics, bucket = await bucket_of(provider), service.buckets()["pics"]
        node = await put(provider, pics.id, "f", b"old")
        metadisk.control.fault("/buckets/", method="DELETE", kind="status", status=502, count=1)
        with pytest.raises(Unavailable):
            await over(provider, node, b"new")
        metadisk.control.clear_faults()
        theirs = service.put(bucket, "f", b"theirs")
        service.remove(bucket, hash_of(b"new"))
        (seen,) = await provider.children(pics.id)
        assert (seen.id, await read(provider, seen)) == (node.id, b"theirs")
        assert [each["hash"] for each in service.ok("GET", f"/buckets/{bucket}/files")] == [theirs["hash"]]
        assert await names(provider, pics.id) == ["f"]


@on_real_trio
async def test_a_move_over_a_file_that_was_cut_short_is_done_by_the_next(
    service: Service, metadisk: MetadiskServer
) -> None:
    async with provider_of(service) as provider:
        pics = await bucket_of(provider)
        node, victim = await put(provider, pics.id, "a", b"mover"), await put(provider, pics.id, "b", b"victim")
        metadisk.control.fault("/buckets/", method="DELETE", kind="status", status=502, count=1)
        with pytest.raises(Unavailable):
            await provider.move(node.ref, pics.id, "b", victim.ref)
        metadisk.control.clear_faults()
        moved = await provider.move(node.ref, pics.id, "b", victim.ref)
        assert (moved.id, await names(provider, pics.id)) == (node.id, ["b"])
        assert service.files(service.buckets()["pics"]) == {"b": node.version}


@on_real_trio
async def test_a_second_name_does_not_come_back_with_its_content(service: Service) -> None:
    async with provider_of(service) as provider:
        pics, bucket = await bucket_of(provider), service.buckets()["pics"]
        one = await put(provider, pics.id, "one", b"same")
        await put(provider, pics.id, "two", b"same")
        service.remove(bucket, one.version)
        assert await names(provider, pics.id) == []
        await put(provider, pics.id, "three", b"same")
        assert await names(provider, pics.id) == ["three"]
        assert service.files(bucket) == {"three": one.version}


@on_real_trio
async def test_a_lost_answer_to_a_rename_is_settled_by_a_look(service: Service, metadisk: MetadiskServer) -> None:
    async with provider_of(service) as provider:
        pics = await bucket_of(provider)
        node = await put(provider, pics.id, "old", b"content")
        metadisk.control.fault("/files", method="PUT", kind="lost_reply", count=1)
        with pytest.raises(Unavailable):
            await provider.move(node.ref, pics.id, "new", None)
        metadisk.control.clear_faults()
        (seen,) = await provider.children(pics.id)
        assert seen.id == node.id
        moved = await provider.move(node.ref, pics.id, "new", None)
        assert (moved.id, await names(provider, pics.id)) == (node.id, ["new"])


@on_real_trio
async def test_a_directory_moves_with_second_names_and_empty_directories(service: Service) -> None:
    async with provider_of(service) as provider:
        pics, other = await bucket_of(provider), await bucket_of(provider, "other")
        top = await provider.make_directory(pics.id, "top", MTIME_NS)
        await provider.make_directory(top.id, "empty", MTIME_NS)
        one = await put(provider, top.id, "one", b"same")
        await put(provider, top.id, "two", b"same")
        await put(provider, pics.id, "outside", b"same")
        moved = await provider.move(top.ref, pics.id, "renamed", None)
        assert await names(provider, moved.id) == ["empty", "one", "two"]
        moved = await provider.move(moved.ref, other.id, "there", None)
        assert (moved.id, await names(provider, moved.id)) == (top.id, ["empty", "one", "two"])
        assert (await names(provider, pics.id), await names(provider, other.id)) == (["outside"], ["there"])
        assert await read(provider, one) == b"same"
        assert service.files(service.buckets()["pics"]) == {"outside": one.version}


@on_real_trio
async def test_a_directory_move_that_broke_off_goes_on(service: Service, metadisk: MetadiskServer) -> None:
    async with provider_of(service) as provider:
        pics = await bucket_of(provider)
        top = await provider.make_directory(pics.id, "top", MTIME_NS)
        made = [await put(provider, top.id, f"f{number}", bytes([number])) for number in range(4)]
        metadisk.control.fault("/files", method="PUT", kind="status", status=502, skip=2, count=-1)
        with pytest.raises(Unavailable):
            await provider.move(top.ref, pics.id, "new", None)
        metadisk.control.clear_faults()
        moved = await provider.move(top.ref, pics.id, "new", None)
        assert (moved.id, await names(provider, pics.id)) == (top.id, ["new"])
        assert await names(provider, moved.id) == ["f0", "f1", "f2", "f3"]
        assert {await read(provider, each) for each in made} == {bytes([number]) for number in range(4)}


@on_real_trio
async def test_another_clients_overwriting_is_a_new_version_of_the_file(service: Service) -> None:
    bucket = service.make_bucket("pics")
    async with provider_of(service) as provider:
        pics = await bucket_of(provider)
        node = await put(provider, pics.id, "f", b"ours")
        service.put(bucket, "f", b"theirs")
        service.remove(bucket, node.version)
        (seen,) = await provider.children(pics.id)
        assert (seen.id, seen.version == node.version) == (node.id, False)
        for change in (over(provider, node, b"late"), provider.remove(node.ref)):
            with pytest.raises(Conflict):
                await change
        assert await read(provider, seen) == b"theirs"


# Failure is never a deletion.


@on_real_trio
async def test_only_the_service_itself_takes_a_bucket_away(service: Service, metadisk: MetadiskServer) -> None:
    async with provider_of(service) as provider:
        pics = await bucket_of(provider)
        await put(provider, pics.id, "f", b"1")
        for status, body in ((404, "html"), (404, "json"), (502, "empty"), (200, "garbage"), (200, "json")):
            metadisk.control.fault("/files", method="GET", kind="status", status=status, body=body, count=-1)
            with pytest.raises(Unavailable):
                await provider.children(pics.id)
            metadisk.control.clear_faults()
        metadisk.control.fault("/buckets", method="GET", kind="status", status=404, body="html", count=-1)
        with pytest.raises(Unavailable):
            await provider.root()
        metadisk.control.clear_faults()
        assert await names(provider, pics.id) == ["f"]


# Nonces and tokens.


@on_real_trio
async def test_many_calls_at_once_are_never_refused(service: Service, metadisk: MetadiskServer) -> None:
    async with provider_of(service) as provider:
        await bucket_of(provider)
        metadisk.control.set(latency=0.01)
        async with trio.open_nursery() as nursery:
            for _ in range(12):
                nursery.start_soon(provider.request, "GET", "/keys", {})
        assert {each["status"] for each in metadisk.control.requests().items} == {200}


@on_real_trio
async def test_a_client_whose_clock_is_ahead_is_followed(service: Service, metadisk: MetadiskServer) -> None:
    async with provider_of(service) as provider:
        metadisk.control.set_nonce(service.email, _now_ms() + 60_000)
        await provider.root()
        metadisk.control.set_nonce(service.email, _now_ms() + 3_600_000)
        with pytest.raises(Unavailable, match="clock that is ahead"):
            await provider.root()


def _now_ms() -> int:
    return time.time_ns() // 10**6


@on_real_trio
async def test_no_token_and_no_channel_is_wasted(service: Service, metadisk: MetadiskServer) -> None:
    metadisk.control.set(shard_size=SHARD, cut_exactly=True)
    async with provider_of(service) as provider:
        pics, unused = await bucket_of(provider), metadisk.control.leftovers()
        node = await put(provider, pics.id, "f", some(5 * SHARD))
        assert await read(provider, node) == some(5 * SHARD)
        assert metadisk.control.leftovers() == unused
        tokens = [each for each in metadisk.control.requests().items if each["path"].endswith("/tokens")]
        assert len(tokens) == 2


@on_real_trio
async def test_a_token_that_is_used_up_is_replaced(service: Service, metadisk: MetadiskServer) -> None:
    async with provider_of(service) as provider:
        pics = await bucket_of(provider)
        fresh, asked = provider._api._token, []

        async def used_up_at_first(bucket: str, operation: str) -> str:
            asked.append(operation)
            return await fresh(bucket, operation) if asked.count(operation) > 1 else "0" * 64

        provider._api._token = used_up_at_first  # type: ignore[method-assign]  # as if it took too long to be used
        node = await put(provider, pics.id, "f", b"content")
        assert await read(provider, node) == b"content"
        assert asked == ["PUSH", "PUSH", "PULL", "PULL"]
        metadisk.control.set(token_lifetime=0.0)
        with pytest.raises(Unavailable, match="used up or too old"):
            await put(provider, pics.id, "g", b"other")


@on_real_trio
async def test_other_bytes_than_were_sent_are_no_success(service: Service, metadisk: MetadiskServer) -> None:
    async with provider_of(service) as provider:
        pics = await bucket_of(provider)
        metadisk.control.set(corrupt_uploads=1)
        with pytest.raises(Unavailable, match="other bytes arrived"):
            await put(provider, pics.id, "f", b"content")
        assert service.files(service.buckets()["pics"]) == {}
        assert await names(provider, pics.id) == []


@on_real_trio
async def test_an_account_that_lost_its_key_needs_a_log_in(service: Service) -> None:
    async with provider_of(service) as provider:
        for key in service.ok("GET", "/keys"):
            service.send("DELETE", f"/keys/{key['key']}")
        with pytest.raises(AuthenticationRequired):
            await provider.root()
