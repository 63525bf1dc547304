"""Runs ``mountcloud`` as an ordinary user who may be unable to read the interpreter's library or the checkout.

Everything is imported first, as root; then every privilege is given up. Usage: launcher.py UID GID WORD...
"""

import ctypes
import importlib
import os
import pkgutil
import sys

PR_SET_DUMPABLE = 4
PACKAGES = ["encodings", "mountcloud"]
LATE = ["httpcore._backends.trio", "anyio._backends._trio", "concurrent.futures.thread", "multiprocessing.connection"]
"""Modules that their packages import only when they are needed."""
NOT_HERE = ("mbcs", "oem", "__main__")
OTHERS = ("mountcloud.sandbox", "mountcloud.filemanager")
"""What runs in processes of its own: a server, and a file manager's extension, which needs that program's library."""


def import_everything(name: str, others: tuple[str, ...] = OTHERS) -> None:
    """Import a package and all that is below it, except what cannot be on this system, and ``others``."""
    package = importlib.import_module(name)
    for module in pkgutil.iter_modules(package.__path__, f"{name}."):
        if module.name.rpartition(".")[2] in NOT_HERE or module.name.startswith(others):
            continue
        importlib.import_module(module.name)
        if module.ispkg:
            import_everything(module.name, others)


def become(uid: int, gid: int) -> None:
    """Give up every privilege, yet stay as open to oneself as a process that never had any (prctl(2))."""
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)


if __name__ == "__main__":
    uid, gid, *words = sys.argv[1:]
    for each in PACKAGES:
        import_everything(each)
    for each in LATE:
        importlib.import_module(each)
    from mountcloud.cli.main import main

    become(int(uid), int(gid))
    sys.argv = ["mountcloud", *words]
    main()
