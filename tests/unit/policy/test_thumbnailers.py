import pytest

from mountcloud.policy.thumbnailers import USUAL, is_thumbnailer


@pytest.mark.parametrize(
    "process", ["tumblerd", "gdk-pixbuf-thum", "totem-video-thu", "glycin-image-rs", "kde-thumbnailer"]
)
def test_those_who_draw_are_known(process: str) -> None:
    assert is_thumbnailer(process, USUAL)
    assert not is_thumbnailer(process, ())


@pytest.mark.parametrize("process", ["nautilus", "cp", "eog", "gwenview", "", "python3"])
def test_those_who_show_are_not_taken_for_them(process: str) -> None:
    assert not is_thumbnailer(process, USUAL)
