"""Names of files that programs make for themselves: locks, swap files, unfinished downloads, traces of desktops.

They stay on this machine. Only names that no user gives to work of his own belong here: what matches is not saved to
the service.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import translate

from mountcloud.policy.naming import LINK_ENDING

USUAL = (
    ".~lock.*#",  # LibreOffice: who has a document open
    "~$*",  # Microsoft Office: the same
    "~*.tmp",  # Microsoft Office: a document while it is saved
    ".*.sw?",  # vim: swap files
    ".*.sw??",
    "4913",  # vim: may a file be made here?
    ".#*",  # Emacs: locks
    "#*#",  # Emacs: what was not saved yet
    ".goutputstream-*",  # GLib: a file while it is saved
    "*.part",  # Firefox and others: unfinished downloads
    "*.crdownload",  # Chrome
    "*.partial",  # Internet Explorer, curl
    ".DS_Store",  # macOS
    "._*",
    ".Trash-*",  # desktops: their bin for this directory tree
    "Thumbs.db",  # Windows
    "ehthumbs.db",
    "desktop.ini",
    ".directory",  # KDE: how to show this directory
    ".nfs*",  # removed but open, on NFS and on FUSE
    ".fuse_hidden*",
)


@dataclass(frozen=True, slots=True)
class LocalNames:
    """Patterns as in a shell (``*``, ``?``, ``[...]``), without regard to case."""

    patterns: Iterable[str] = USUAL
    _matcher: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        alternatives = "|".join(translate(each) for each in self.patterns) or r"(?!)"
        object.__setattr__(self, "_matcher", re.compile(alternatives, re.IGNORECASE))

    def match(self, name: str) -> bool:
        """True if a file, link or directory of this remote name that was made here stays here."""
        return self._matcher.fullmatch(name.removesuffix(LINK_ENDING)) is not None
