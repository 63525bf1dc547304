"""kill -9 at every statement that reaches a store, and around every call of the service: nothing closed is lost."""

import shutil
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest
import trio
import trio.testing

from mountcloud.engine.persisting import Persister
from mountcloud.providers.memory import MemoryProvider
from mountcloud.providers.memory_service import MemoryService
from mountcloud.store.sqlite import Database
from mountcloud.store.staged_file import SealedFile, StagedFile
from mountcloud.store.staging import Staging
from tests.unit.engine.harness import Machine, Remote, new_service
from tests.unit.store.sealing import sealer

Result = TypeVar("Result")
State = dict[str, bytes | None]
"""Contents by path; None for a directory."""


class Killed(BaseException):
    """The process is dead."""


class Executioner:
    """Counts what reaches disk or service, kills at the given count, and lets nothing happen afterwards."""

    def __init__(self, at: int | None) -> None:
        self.at = at
        self.count = 0

    def tick(self) -> None:
        self.count += 1
        if self.at is not None and self.count > self.at:
            raise Killed

    def watch(self, patch: pytest.MonkeyPatch) -> None:
        watched: list[tuple[type, str]] = [(Database, "run"), (Staging, "remove"), (Staging, "create")]
        watched += [(StagedFile, "pwrite"), (StagedFile, "truncate"), (SealedFile, "truncate")]
        for kind, name in watched:
            patch.setattr(kind, name, self._ticking(getattr(kind, name)))

    def _ticking(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: object, **keywords: object) -> object:
            self.tick()
            return original(*args, **keywords)

        return call


class MortalProvider(MemoryProvider):
    """A client that may die before or after each call has its effect."""

    def __init__(self, service: MemoryService, executioner: Executioner) -> None:
        super().__init__(service)
        self._executioner = executioner

    async def _call(self, method: str, action: Callable[[], Result]) -> Result:
        self._executioner.tick()
        result = await super()._call(method, action)
        self._executioner.tick()
        return result


Step = tuple[str, ...]

SCRIPT: Sequence[Step] = (
    ("mkdir", "d"),
    ("write", "d/a", "first"),
    ("write", "b", "bee"),
    ("sync",),
    ("write", "d/a", "second"),
    ("write", "d/a.tmp", "third!"),
    ("rename", "d/a.tmp", "d/a"),
    ("rename", "b", "c"),
    ("write", "b", "new bee"),
    ("rename", "c", "b"),
    ("mkdir", "e"),
    ("mkdir", "e/f"),
    ("rename", "d", "e/f/d"),
    ("write", "e/f/d/g", "gee"),
    ("sync",),
    ("rename", "b", "swap"),
    ("rename", "e/f/d/g", "b"),
    ("rename", "swap", "e/f/d/g"),
    ("truncate", "b", "2"),
    ("unlink", "e/f/d/a"),
    ("write", "h", "temporary"),
    ("unlink", "h"),
    ("sync",),
    ("unlink", "e/f/d/g"),
    ("rmdir", "e/f/d"),
    ("rename", "e/f", "i"),
    ("rmdir", "e"),
    ("write", "b", "last"),
    ("write", "j", "jay"),
    ("mkdir", "k"),
    ("sync",),
    ("rename", "j", "b"),
    ("rename", "k", "i"),
)


def after(state: State, step: Step) -> State:
    """What a step makes of the contents of the account."""
    new = dict(state)
    verb, *names = step
    if verb == "mkdir":
        new[names[0]] = None
    elif verb == "write":
        new[names[0]] = names[1].encode()
    elif verb == "truncate":
        new[names[0]] = (new[names[0]] or b"")[: int(names[1])]
    elif verb in {"unlink", "rmdir"}:
        del new[names[0]]
    elif verb == "rename":
        old, target = names
        moved = {path: new.pop(path) for path in list(new) if path == old or path.startswith(old + "/")}
        new |= {target + path.removeprefix(old): content for path, content in moved.items()}
    return new


def allowed(done: int) -> list[State]:
    """The state after the steps that returned, and what the one that was cut off may have come to."""
    state: State = {}
    for step in SCRIPT[:done]:
        state = after(state, step)
    found = [state]
    if done < len(SCRIPT):
        found.append(after(state, SCRIPT[done]))
        if SCRIPT[done][0] == "write":
            found.append(state | {SCRIPT[done][1]: b""})
    return found


def flat(tree: dict[str, Any], below: str = "") -> State:
    found: State = {}
    for name, content in tree.items():
        found[below + name] = None if isinstance(content, dict) else content
        if isinstance(content, dict):
            found |= flat(content, f"{below}{name}/")
    return found


async def perform(here: Machine, step: Step) -> None:
    verb, *names = step
    calls: dict[str, Callable[[], Awaitable[None]]] = {
        "mkdir": lambda: here.mkdir(names[0]),
        "write": lambda: here.write(names[0], names[1].encode()),
        "rename": lambda: here.rename(names[0], names[1]),
        "truncate": lambda: here.truncate(names[0], int(names[1])),
        "unlink": lambda: here.unlink(names[0]),
        "rmdir": lambda: here.rmdir(names[0]),
        "sync": here.drain,
    }
    await calls[verb]()
    await trio.sleep(0.3)


def seal_all(patch: pytest.MonkeyPatch) -> None:
    """Drafts as those of encrypted rooms, though the service keeps everything in plain text."""
    create = Staging.create
    patch.setattr(Staging, "create", lambda staging, *, sealed: create(staging, sealed=True))


def live(home: Path, service: MemoryService, at: int | None, *, sealed: bool) -> tuple[int, int]:
    """Run the script until the end or the kill; tells the steps that returned and the ticks."""
    executioner, done = Executioner(None), [0]
    dead: list[Machine] = []

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            here = await Machine(home, MortalProvider(service, executioner), nursery).boot()
            dead.append(here)
            await here.syncer.poll()
            executioner.at = at
            executioner.count = 0
            for step in SCRIPT:
                await perform(here, step)
                done[0] += 1
            nursery.cancel_scope.cancel()

    with pytest.MonkeyPatch.context() as patch:
        if sealed:
            seal_all(patch)
        executioner.watch(patch)
        try:
            trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
        except* Killed:
            assert at is not None
    for machine in dead:
        machine.bury()
    return done[0], executioner.count


def removed_but_kept(home: Path, done: int) -> list[bytes]:
    """What was set aside as never closed, though it is not what the step that was cut off was writing."""
    aside = Staging(home / "staging", sealer()).unclosed()
    contents = [each.pread(1 << 20, 0) for each in aside]
    for each in aside:
        each.close()
    verb, *words = SCRIPT[done] if done < len(SCRIPT) else ("",)
    if verb == "truncate":  # what it had before was being copied
        return []
    return [each for each in contents if each.decode() not in words]


def recover(home: Path, service: MemoryService) -> tuple[State, State]:
    """A new process on the same directories; what it sees at once, with the service's answers, and at the end."""
    seen: list[State] = []

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            here = await Machine(home, MemoryProvider(service), nursery).boot()
            await here.syncer.poll()
            seen.append(flat(await here.tree()))
            await here.settle()
            assert here.owed == []
            assert here.staged == []
            Persister(here.journal, here.staging, ()).sweep()
            assert not [path for path in (home / "staging").iterdir() if path.is_file()]
            seen.append(flat(await here.tree()))
            await here.kill()
            nursery.cancel_scope.cancel()

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    return seen[0], seen[1]


def total_ticks(tmp_path: Path, *, sealed: bool) -> int:
    home = tmp_path / "whole"
    done, ticks = live(home, new_service(), None, sealed=sealed)
    assert done == len(SCRIPT)
    shutil.rmtree(home)
    return ticks


@pytest.mark.durability("kill-closed", "kill-steps")
@pytest.mark.parametrize(("index", "sealed"), [("kept", False), ("deleted", True)])
@pytest.mark.parametrize("stride", [11, pytest.param(1, marks=pytest.mark.slow)])
def test_nothing_closed_is_lost_wherever_the_daemon_dies(tmp_path: Path, index: str, sealed: bool, stride: int) -> None:
    failed: list[str] = []
    ticks = total_ticks(tmp_path, sealed=sealed)
    assert ticks > 200
    for at in range(3, ticks, stride):
        home, service = tmp_path / str(at), new_service()
        done, _ = live(home, service, at, sealed=sealed)
        if index == "deleted":
            for path in home.glob("index.db*"):
                path.unlink()
        (at_once, seen), there = recover(home, service), flat(Remote(service).tree())
        if there not in allowed(done) or seen != there or at_once != there:
            what = f"service {there}, here {at_once}, then {seen}, not {allowed(done)}"
            failed.append(f"{at}: in {SCRIPT[done : done + 1]}: {what}")
        if left := removed_but_kept(home, done):
            failed.append(f"{at}: in {SCRIPT[done : done + 1]}: {left} was set aside")
        shutil.rmtree(home)
    assert not failed, f"{len(failed)} of {ticks}:\n" + "\n".join(failed[:12])
