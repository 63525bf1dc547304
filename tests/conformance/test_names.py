import unicodedata

import pytest

from mountcloud.model.errors import Exists, InvalidName, NameTooLong
from mountcloud.model.names import NameRules
from mountcloud.policy import names
from tests.conformance.content import MTIME_NS, put, read
from tests.conformance.under_test import ProviderUnderTest, conforms

ORDINARY = [
    "Grüße an Ärzte, Öl und Straßen.txt",
    "文書.docx",
    "emoji 🐛👩‍👩‍👧.png",
    "עברית.txt",
    "100% #1 + 2 & 3 = ~[6]; it's {fine}!.txt",
    "question=mark&plus+%2F%00.txt",
    ".hidden",
    "many.dots.in.here.tar.gz",
    "inner  spaces",
    "ⓊⓃⒾ ﬁ ½.txt",
    "x" * 150,
    "ä" * 120,
]
COMPOSED, DECOMPOSED = "Änderung.txt", unicodedata.normalize("NFD", "Änderung.txt")


def kept(rules: NameRules, name: str) -> str:
    return unicodedata.normalize("NFC", name) if rules.normalises else name


def refused_names(rules: NameRules) -> list[str]:
    refused = ["", ".", ".."]
    refused += [f"a{character}b" for character in rules.forbidden]
    refused += ["a\nb", "tab\t"] if rules.forbid_control else []
    refused += [f"{character}start" for character in rules.forbidden_first]
    refused += [f"end{character}" for character in rules.forbidden_last]
    for word in rules.reserved:
        refused += [word, word.lower(), f"{word}.txt", f"{word.title()}.x"]
    return refused


@conforms
@pytest.mark.parametrize("name", ORDINARY, ids=range(len(ORDINARY)))
async def test_ordinary_names_are_kept(t: ProviderUnderTest, name: str) -> None:
    if names.check(t.provider.capabilities.names, name) is not None:
        pytest.skip("the service's rules exclude it")
    expected = kept(t.provider.capabilities.names, name)
    file = await put(t, name, b"abc")
    assert file.name == expected
    below = await t.provider.make_directory((await t.provider.make_directory(t.place, "d", 0)).id, name, MTIME_NS)
    assert below.name == expected
    assert expected in {child.name for child in await t.second.children(t.place)}
    moved = await t.provider.move(file.ref, t.place, "other", None)
    assert (await t.provider.move(moved.ref, t.place, name, None)).name == expected
    assert await read(t.second, file) == b"abc"


@conforms
async def test_names_that_the_rules_exclude_are_refused(t: ProviderUnderTest) -> None:
    file = await put(t, "file", b"abc")
    for name in refused_names(t.provider.capabilities.names):
        with pytest.raises(InvalidName):
            await put(t, name, b"abc")
        with pytest.raises(InvalidName):
            await t.provider.make_directory(t.place, name, MTIME_NS)
        with pytest.raises(InvalidName):
            await t.provider.move(file.ref, t.place, name, None)
    assert [child.name for child in await t.provider.children(t.place)] == ["file"]


@conforms
async def test_the_longest_name_is_kept_and_the_next_one_refused(t: ProviderUnderTest) -> None:
    rules = t.provider.capabilities.names
    limit = min(length for length in (rules.max_length, rules.max_bytes, 255) if length)
    assert (await put(t, "x" * limit, b"abc")).name == "x" * limit
    if rules.max_length or rules.max_bytes:
        with pytest.raises(NameTooLong):
            await put(t, "x" * (limit + 1), b"abc")
        with pytest.raises(NameTooLong):
            await t.provider.make_directory(t.place, "x" * (limit + 1), MTIME_NS)


@conforms
async def test_names_that_differ_in_case_clash_as_the_rules_say(t: ProviderUnderTest) -> None:
    await put(t, "Name.txt", b"abc")
    if t.provider.capabilities.names.case_sensitive:
        await put(t, "name.TXT", b"abc")
    else:
        with pytest.raises(Exists):
            await put(t, "name.TXT", b"abc")
        with pytest.raises(Exists):
            await t.provider.make_directory(t.place, "NAME.TXT", MTIME_NS)


@conforms
async def test_names_that_differ_in_composition_clash_as_the_rules_say(t: ProviderUnderTest) -> None:
    rules = t.provider.capabilities.names
    assert (await put(t, DECOMPOSED, b"abc")).name == kept(rules, DECOMPOSED)
    if rules.normalises or not rules.case_sensitive:
        with pytest.raises(Exists):
            await put(t, COMPOSED, b"abc")
    else:
        assert (await put(t, COMPOSED, b"abc")).name == COMPOSED
