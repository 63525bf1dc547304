"""The sandbox by the fact sheet: what a client of the service relies on."""

from tests.metadisk.server import MetadiskServer
from tests.metadisk.service import Service, follow


def test_a_file_goes_up_in_shards_and_comes_back(metadisk: MetadiskServer, service: Service) -> None:
    metadisk.control.set(shard_size=1000, cut_exactly=True, piece=300)
    bucket = service.make_bucket()
    data = bytes(range(256)) * 10
    entry = service.put(bucket, "f.bin", data)
    assert entry == {
        "bucket": bucket,
        "mimetype": "application/octet-stream",
        "filename": "f.bin",
        "size": 2560,
        "hash": entry["hash"],
    }
    pointers = service.pointers(bucket, entry["hash"])
    assert [len(follow(each).data) for each in pointers] == [1000, 1000, 560]
    assert service.get(bucket, entry["hash"]) == data
    service.remove(bucket, entry["hash"])
    assert service.files(bucket) == {}
