import pytest

from mountcloud.model.errors import NotFound
from tests.conformance.content import MTIME_NS, put, read, read_span
from tests.conformance.under_test import ProviderUnderTest, conforms

LATER_NS = MTIME_NS + 86_400_000_000_000
EARLY_NS = 1_000_000_001


@conforms
@pytest.mark.parametrize("time_ns", [LATER_NS, EARLY_NS])
async def test_times_are_kept_in_the_services_resolution(t: ProviderUnderTest, time_ns: int) -> None:
    if not t.provider.capabilities.keeps_mtime:
        pytest.skip("the service keeps no times")
    resolution = t.provider.capabilities.mtime_resolution_ns
    made = [await put(t, "file", b"abc"), await t.provider.make_directory(t.place, "directory", MTIME_NS)]
    for node in made:
        changed = await t.provider.set_times(node.ref, time_ns)
        assert abs(changed.mtime_ns - time_ns) < resolution
        # Beyond the service's resolution a time is remembered exactly or not at all.
        assert changed.mtime_ns in {time_ns, time_ns - time_ns % resolution}
        assert (changed.id, changed.parent, changed.name, changed.size) == (node.id, node.parent, node.name, node.size)
        assert (await t.second.node(node.ref)).mtime_ns == changed.mtime_ns


@conforms
async def test_a_new_directory_has_the_time_it_was_given(t: ProviderUnderTest) -> None:
    if not t.provider.capabilities.keeps_mtime:
        pytest.skip("the service keeps no times")
    made = await t.provider.make_directory(t.place, "directory", MTIME_NS)
    assert abs(made.mtime_ns - MTIME_NS) < t.provider.capabilities.mtime_resolution_ns


@conforms
async def test_a_new_time_is_no_new_content(t: ProviderUnderTest) -> None:
    file = await put(t, "file", b"abc")
    content = await t.second.open(file)
    changed = await t.provider.set_times(file.ref, LATER_NS)
    assert changed.version == file.version
    assert (await t.second.node(file.ref)).version == file.version
    assert await read_span(content, 1, 3) == b"bc"
    await content.aclose()
    assert await read(t.second, file) == b"abc"


@conforms
async def test_new_content_is_a_new_version_even_with_old_size_and_time(t: ProviderUnderTest) -> None:
    old = await put(t, "file", b"abc")
    new = await put(t, "file", b"xyz", replaces=old)
    assert (new.size, new.mtime_ns) == (old.size, old.mtime_ns)
    assert new.version != old.version
    assert await read(t.second, new) == b"xyz"


@conforms
async def test_what_is_gone_has_no_times(t: ProviderUnderTest) -> None:
    made = [await put(t, "file", b"abc"), await t.provider.make_directory(t.place, "directory", MTIME_NS)]
    for node in made:
        await t.second.remove(node.ref)
        with pytest.raises(NotFound):
            await t.provider.set_times(node.ref, LATER_NS)
