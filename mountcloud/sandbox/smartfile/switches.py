"""How this server behaves where nobody knows how the real one does, or is in trouble. Kept over restarts."""

from dataclasses import dataclass

from mountcloud.sandbox.switchboard import Switchboard


@dataclass(slots=True)
class Switches(Switchboard):
    """Times in seconds.

    ``ranges``: parts of files can be had; else every download is whole. ``page_limit``: most entries of one page.
    ``moves_keep_number``: a node has the same ``id`` wherever it is moved; else its path has one.
    ``rename_replaces``: a rename takes the place of a file; else 409. ``move_makes_directory``: a move to a path that
    is not there makes a directory of it; else 400. ``task_seconds``: how long a task stays PENDING.
    ``task_applies_first``: it has taken effect before that; else at the end. ``task_refuses``: an expression; what a
    task finds on its way whose path matches stays, and is named in its errors. ``soft_errors``: version 3 says 200
    with ``detail`` for errors. ``version_3``, ``sync``: these addresses are there. ``torn_puts``: a PUT that breaks
    off leaves what came. ``wrong_patches``: so many patches go wrong. ``throttle``: "503" (X-Throttle) or "429"
    (Retry-After) after ``calls_per_second``; else empty. ``clock``: how far the server's clock is ahead.
    """

    ranges: bool = True
    page_limit: int = 1000
    moves_keep_number: bool = True
    rename_replaces: bool = False
    move_makes_directory: bool = True
    task_seconds: float = 0.0
    task_applies_first: bool = False
    task_refuses: str = ""
    soft_errors: bool = True
    version_3: bool = True
    sync: bool = True
    torn_puts: bool = True
    wrong_patches: int = 0
    throttle: str = ""
    calls_per_second: float = 10.0
    clock: float = 0.0
    latency: float = 0.0
