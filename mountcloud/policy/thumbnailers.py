"""Programs that look into every file of a folder to draw small pictures of them, by the names of their processes."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

USUAL = (
    "*thumbnail*",
    "*-thumb*",
    "gdk-pixbuf-thum",
    "totem-video-thu",
    "evince-thumbnai",
    "ffmpegthumbnai*",
    "gsf-office-thum",
    "tumblerd",
    "glycin-*",
)
"""Those of GNOME, KDE, Xfce, MATE and Cinnamon. Linux keeps the first 15 bytes of a name (proc(5), comm)."""


def is_thumbnailer(process: str, patterns: Sequence[str]) -> bool:
    """True if one of the patterns means this process."""
    return any(fnmatchcase(process, pattern) for pattern in patterns)
