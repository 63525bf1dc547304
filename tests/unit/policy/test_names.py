import pytest

from mountcloud.model.errors import InvalidName, NameTooLong
from mountcloud.model.names import NameRules
from mountcloud.policy import names

STRICT = NameRules(
    max_length=10,
    max_bytes=20,
    forbidden="/\0:",
    forbid_control=True,
    forbidden_first="-",
    forbidden_last=".",
    reserved=frozenset({"CON", "aux"}),
    forbidden_names=frozenset({".lock"}),
    forbidden_endings=(".tmp", " "),
    case_sensitive=False,
    normalises=True,
)
NFC, NFD = "\u00c4", "A\u0308"


@pytest.mark.parametrize(
    ("remote", "file_name"),
    [
        ("ordinary name.txt", "ordinary name.txt"),
        ("100% & ~[x] 'y' \"z\" \\ : * ? | <>.txt", "100% & ~[x] 'y' \"z\" \\ : * ? | <>.txt"),
        ("line\nbreak", "line\nbreak"),
        (NFD, NFD),
        ("...", "..."),
        ("a/b", "a␛2Fb"),
        ("a\0b", "a␛00b"),
        (".", "␛2E"),
        ("..", "␛2E."),
        ("", "␛-"),
        ("␛", "␛␛"),
        ("␛2F", "␛␛2F"),
        ("\ud83d", "␛uD83D"),
        ("x" * 255, "x" * 255),
        ("ä" * 127 + "x", "ä" * 127 + "x"),
    ],
)
def test_what_linux_cannot_hold_is_escaped_and_nothing_else(remote: str, file_name: str) -> None:
    assert names.to_file_name(remote) == file_name
    assert names.to_remote_name(file_name) == remote


def test_an_over_long_name_keeps_its_start_and_extension() -> None:
    short = names.to_file_name("ä" * 150 + ".docx")
    assert short.startswith("ä" * 100)
    assert "␛~" in short
    assert short.endswith(".docx")
    assert 250 < len(short.encode()) <= 255
    assert names.to_file_name("ä" * 150 + ".docx") == short != names.to_file_name("ä" * 151 + ".docx")


def test_over_long_names_that_differ_at_the_end_only_stay_apart() -> None:
    assert len({names.to_file_name("x" * 300 + str(number)) for number in range(5000)}) == 5000


@pytest.mark.parametrize("separator", ["/", "␛"])
def test_an_over_long_name_is_never_cut_inside_an_escape(separator: str) -> None:
    for offset in range(8):
        short = names.to_file_name("x" * offset + separator * 200)
        start, _, _ = short.partition("␛~")
        assert names.to_remote_name(start) == "x" * offset + separator * (len(names.to_remote_name(start)) - offset)
        assert len(short.encode()) <= 255


@pytest.mark.parametrize(
    "file_name",
    [".", "..", "", "a/b", "a\0b", "␛", "a␛", "a␛b", "␛2f", "a␛2E", "a␛-", "␛41", "␛uD83", "␛u0041", "caf\udce9"],
)
def test_file_names_that_stand_for_nothing_are_refused(file_name: str) -> None:
    with pytest.raises(InvalidName):
        names.to_remote_name(file_name)


def test_a_shortened_name_is_known_to_its_directory_alone() -> None:
    with pytest.raises(InvalidName):
        names.to_remote_name(names.to_file_name("x" * 300))
    with pytest.raises(NameTooLong):
        names.to_remote_name("x" * 256)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "empty"),
        (".", "empty"),
        ("..", "empty"),
        ("a:b", "':'"),
        ("a/b", "'/'"),
        ("a\tb", "control"),
        ("a\x9fb", "control"),
        ("-a", "begins with '-'"),
        ("a.", "ends with '.'"),
        ("con", "reserved"),
        ("Aux.tar.gz", "reserved"),
        (".Lock", "the service forbids"),
        ("a.TMP", "ends with '.tmp'"),
        ("a ", "ends with ' '"),
        ("a\ud800b", "Unicode"),
    ],
)
def test_a_name_against_the_rules_is_invalid(name: str, words: str) -> None:
    failure = names.check(STRICT, name)
    assert type(failure) is InvalidName
    assert words in str(failure)


@pytest.mark.parametrize("name", ["x" * 11, "ä" * 10 + "x", "🐛" * 6])
def test_a_name_over_the_limits_is_too_long(name: str) -> None:
    assert type(names.check(STRICT, name)) is NameTooLong


@pytest.mark.parametrize(
    "name", ["x" * 10, "ä" * 10, NFD * 10, "a-", ".a", ".lockx", "x.tmpx", "conx", "xcon", "aux-1", "a b", "🐛" * 5]
)
def test_a_name_within_the_rules_is_fine(name: str) -> None:
    assert names.check(STRICT, name) is None


@pytest.mark.parametrize(
    ("name", "fine"),
    [("caf\udce9", True), ("\udcff" * 255, True), ("\udcff" * 256, False), ("\udcc3\udca9", False), ("a\ud800", False)],
)
def test_bytes_that_are_no_text_where_the_service_holds_them(name: str, fine: bool) -> None:
    assert (names.check(NameRules(max_bytes=255, holds_bytes=True), name) is None) is fine
    assert type(names.check(NameRules(max_bytes=255), name)) is InvalidName


@pytest.mark.parametrize("name", ["con", "-a", "a.", "a\tb", "x" * 1000, NFD])
def test_rules_that_ask_for_little_allow_much(name: str) -> None:
    assert names.check(NameRules(), name) is None


@pytest.mark.parametrize(
    ("rules", "one", "other", "expected"),
    [
        (NameRules(), "a", "A", False),
        (NameRules(), NFC, NFD, False),
        (NameRules(case_sensitive=False), "Straße", "STRASSE", True),
        (NameRules(case_sensitive=False), NFC, NFD.lower(), True),
        (NameRules(normalises=True), NFC, NFD, True),
        (NameRules(normalises=True), NFC, NFD.lower(), False),
        (STRICT, "a", "b", False),
    ],
)
def test_names_clash_as_the_service_compares_them(rules: NameRules, one: str, other: str, expected: bool) -> None:
    assert (names.fold(rules, one) == names.fold(rules, other)) is expected


def test_a_second_node_of_one_name_gets_a_steady_name_of_its_own() -> None:
    one = names.disambiguate("report.txt", lambda _: False, "17")
    other = names.disambiguate("report.txt", lambda _: False, "18")
    assert one == names.disambiguate("report.txt", lambda _: False, "17")
    assert one != other
    assert one.startswith("report (")
    assert one.endswith(").txt")
    longer = names.disambiguate("report.txt", {one}.__contains__, "17")
    assert longer.startswith(one.removesuffix(").txt"))
    assert len(longer) == len(one) + 1


def test_no_name_left_is_a_failure() -> None:
    with pytest.raises(NameTooLong):
        names.disambiguate("report.txt", lambda _: True, "17")


def test_a_steady_name_fits_into_linux() -> None:
    assert len(names.disambiguate("ä" * 127, lambda _: False, "17").encode()) <= 255


@pytest.mark.parametrize(
    ("name", "stem", "extension"),
    [
        ("a.txt", "a", ".txt"),
        ("a.tar.gz", "a.tar", ".gz"),
        (".bashrc", ".bashrc", ""),
        ("..x", "..x", ""),
        ("a.", "a.", ""),
        ("Mr. Smith", "Mr. Smith", ""),
        ("a." + "x" * 17, "a." + "x" * 17, ""),
        ("plain", "plain", ""),
    ],
)
def test_an_extension_is_what_looks_like_one(name: str, stem: str, extension: str) -> None:
    assert names.split_extension(name) == (stem, extension)
