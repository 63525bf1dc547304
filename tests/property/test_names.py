"""The way from remote names to file names and back, over all text."""

from collections.abc import Callable

from hypothesis import example, given
from hypothesis import strategies as st

from mountcloud.model.errors import InvalidName, NameTooLong
from mountcloud.model.names import NameRules
from mountcloud.policy import names
from mountcloud.policy.conflict import conflict_name

ESCAPES = st.lists(
    st.sampled_from(["␛", "-", "~", "2", "E", "F", "0", "u", "D83D", ".", "/", "\0", "\ud83d", "ä", "x"])
)
remote_names = (
    st.text(st.characters(codec=None))
    | ESCAPES.map("".join)
    | st.builds(lambda part, times: part * times, ESCAPES.map("".join), st.integers(1, 100))
)
file_names = st.binary(max_size=300).map(lambda raw: raw.decode("utf-8", "surrogateescape")) | remote_names


@given(remote_names)
def test_every_remote_name_has_a_file_name(remote: str) -> None:
    file_name = names.to_file_name(remote)
    assert 0 < len(file_name.encode()) <= 255
    assert not set(file_name) & set("/\0")
    assert file_name not in (".", "..")


@given(remote_names)
def test_the_way_back_leads_home_unless_the_name_was_too_long(remote: str) -> None:
    file_name = names.to_file_name(remote)
    if "␛~" in file_name.replace("␛␛", ""):
        assert len(remote.encode("utf-8", "surrogatepass")) > 40
    else:
        assert names.to_remote_name(file_name) == remote


@given(remote_names, remote_names)
@example("␛", "")
@example("/" * 100, "/" * 101)
def test_two_remote_names_never_share_a_file_name(one: str, other: str) -> None:
    assert (names.to_file_name(one) == names.to_file_name(other)) is (one == other)


@given(st.text(st.characters(codec="utf-8", exclude_characters="/\0␛"), min_size=1, max_size=60))
def test_ordinary_names_stay_as_they_are(remote: str) -> None:
    if remote not in (".", ".."):
        assert names.to_file_name(remote) == names.to_remote_name(remote) == remote


@given(file_names)
def test_a_file_is_found_under_the_name_it_was_made_with(file_name: str) -> None:
    try:
        remote = names.to_remote_name(file_name)
    except (InvalidName, NameTooLong):
        return
    assert names.to_file_name(remote) == file_name


@given(st.binary(min_size=1, max_size=255).filter(lambda raw: not is_utf8(raw)))
def test_bytes_that_are_no_text_are_refused(raw: bytes) -> None:
    try:
        names.to_remote_name(raw.decode("utf-8", "surrogateescape"))
    except InvalidName:
        return
    raise AssertionError("it was taken")


def is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


@given(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=300),
    st.integers(60, 200),
    st.integers(0, 4),
)
def test_made_up_names_fit_and_are_free(name: str, max_length: int, taken_count: int) -> None:
    makers: list[Callable[[Callable[[str], bool]], str]] = [
        lambda taken: conflict_name(name, "host", "2024-05-01", taken, NameRules(max_length=max_length)),
        lambda taken: names.disambiguate(name, taken, "id"),
    ]
    for make in makers:
        seen: set[str] = set()
        for _ in range(taken_count):
            made = make(seen.__contains__)
            assert made not in seen
            assert len(made.encode()) <= 255
            seen.add(made)
    assert (
        len(conflict_name(name, "host", "2024-05-01", lambda _: False, NameRules(max_length=max_length))) <= max_length
    )
