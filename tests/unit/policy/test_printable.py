import io

import pytest

from mountcloud.policy.printable import printable


@pytest.mark.parametrize("text", ["", "Bericht für Mai.odt", "写真 👩\u200d👧.jpg", "a\u00a0b", "$(x) `y` %s {z}"])
def test_what_people_write_stays(text: str) -> None:
    assert printable(text) == text


def test_what_a_terminal_obeys_is_written_out() -> None:
    assert printable("a\x1b[2J\tb\n\x9b\u202ec") == r"a\x1b[2J\tb\n\x9b\u202ec"
    assert printable("one\ntwo\x07", keep="\n") == "one\ntwo\\x07"


def test_every_stream_takes_it() -> None:
    shown = printable("half \ud83d, no text \udcff")
    io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="strict").write(shown)
    assert shown == r"half \ud83d, no text \udcff"
