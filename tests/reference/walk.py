"""A walk of the three actors on a real mount, judged step by step by facts."""

import os
import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from tests.filesystem.caller import Caller
from tests.mount.session import Mount
from tests.reference.actors import Network, Program, SecondClient
from tests.reference.facts import Facts, made, token_of

NAMES = ("a", "b", "c")
DIRECTORIES = ("d", "e")
SIZES = (1, 3000, 150_000)
HERE = (
    *("write", "write", "write_in_place", "save", "save", "create", "create", "move", "move", "move_directory"),
    *("unlink", "make_directory", "remove_directory", "touch", "read", "read", "look"),
)
THERE = ("there_writes", "there_writes", "there_creates", "there_makes", "there_moves", "there_removes")
BETWEEN = ("trouble", "trouble", "trouble", "trouble", "calm", "wait", "wait", "wait_long", "restart")
QUIET_WITHIN_S = 8.0
TIDY_WITHIN_S = 60.0


@dataclass(slots=True)
class Walk:
    """``log`` tells what was done, for whoever has to find out why; ``outcomes`` counts it by kind."""

    mount: Mount
    caller: Caller
    program: Program
    second: SecondClient
    network: Network
    chance: random.Random
    facts: Facts = field(default_factory=Facts)
    log: list[str] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)

    def run(self, steps: int) -> None:
        """That many steps, then the judgement; a failure tells what was done. The network rests afterwards."""
        try:
            for _ in range(steps):
                verb = self.chance.choice((*HERE, *HERE, *THERE, *BETWEEN))
                self._take(verb)
            self.finish()
        except BaseException as error:
            log = self.mount.log.read_text(errors="replace")[-6000:]
            error.add_note("\n".join([*self.log, str(self.facts), log]))
            raise
        finally:
            self.network.rest()
            self.caller.close()

    def _take(self, verb: str) -> None:
        try:
            getattr(self, verb)()
        except OSError as error:
            self._note(verb, f"{error.strerror}")
        else:
            self.outcomes[verb] += 1

    def _note(self, verb: str, words: str) -> None:
        self.log.append(f"{verb}: {words}")
        self.outcomes[f"{verb}: {words}"] += 1

    # What can be known.

    def _shown(self, path: str) -> int | None:
        """What a program sees in a file now, None if there is none.

        A file that cannot be read for the trouble is left alone: nobody could say what was taken away with it.
        """
        try:
            content = self.caller(self.program.read, path)
        except FileNotFoundError:
            return None
        return token_of(content)

    def _stored(self, path: str) -> int | None:
        """What the service has at this path now."""
        content = self.second.files().get(path)
        return None if content is None else token_of(content)

    def _look_around(self) -> dict[str, bool]:
        try:
            return self.caller(self.program.listing)
        except OSError:
            return {}

    def _file(self) -> str | None:
        files = sorted(path for path, is_directory in self._look_around().items() if not is_directory)
        return self.chance.choice(files) if files else None

    def _directory(self) -> str:
        found = sorted(path for path, is_directory in self._look_around().items() if is_directory)
        return self.chance.choice(["", *found])

    def _place(self, names: tuple[str, ...]) -> str:
        return str(PurePosixPath(self._directory()) / self.chance.choice(names))

    # A program here.

    def _put(self, path: str, write: Callable[[str, bytes], None]) -> None:
        shown, there = self._shown(path), self._stored(path)
        token = self.facts.new()
        self.log.append(f"{write.__name__} {path}: <{token}> over {shown} here and {there} there")
        self.caller(write, path, made(token, self.chance.choice(SIZES)))
        self.facts.taken_here(shown, there)
        self.facts.ours.add(token)
        self._read_back(path, token)

    def _read_back(self, path: str, token: int) -> None:
        """What was just closed is what the next program reads, unless the service has something newer there."""
        try:
            shown = self._shown(path)
        except OSError as error:
            self._note("read_back", f"{error.strerror}")
            return
        assert shown in {token, None} or shown == self._stored(path), f"{path} shows {shown} after <{token}> was closed"

    def create(self) -> None:
        """A file with a name of its own."""
        self._put(self._place(NAMES), self.program.write)

    def write(self) -> None:
        """Over a file that is there."""
        path = self._file()
        if path is not None:
            self._put(path, self.program.write)

    def write_in_place(self) -> None:
        """Without emptying it first, which fetches it."""
        path = self._file()
        if path is not None:
            self._put(path, self.program.write_in_place)

    def save(self) -> None:
        """Beside and over."""
        self._put(self._file() or self._place(NAMES), self.program.save)

    def move(self) -> None:
        """A file, perhaps over another."""
        path, target = self._file(), self._place(NAMES)
        if path is None or path == target:
            return
        shown, there = self._shown(target), self._stored(target)
        self.log.append(f"move {path} to {target} over {shown} here and {there} there")
        self.caller(self.program.move, path, target)
        self.facts.taken_here(shown, there)

    def move_directory(self) -> None:
        """With everything in it."""
        path, target = self._directory(), self._place(DIRECTORIES)
        if path and path != target:
            self.log.append(f"move directory {path} to {target}")
            self.caller(self.program.move, path, target)

    def unlink(self) -> None:
        """A file."""
        path = self._file()
        if path is not None:
            shown, there = self._shown(path), self._stored(path)
            self.log.append(f"unlink {path} with {shown} here and {there} there")
            self.caller(self.program.unlink, path)
            self.facts.taken_here(shown, there)

    def make_directory(self) -> None:
        """Somewhere."""
        path = self._place(DIRECTORIES)
        self.log.append(f"mkdir {path}")
        self.caller(self.program.make_directory, path)

    def remove_directory(self) -> None:
        """Only an empty one goes."""
        path = self._directory()
        if path:
            self.log.append(f"rmdir {path}")
            self.caller(self.program.remove_directory, path)

    def touch(self) -> None:
        """Another time."""
        path = self._file()
        if path is not None:
            self.caller(self.program.touch, path, self.chance.randint(10**9, 2 * 10**9))

    def read(self) -> None:
        """Whatever is read was written whole by somebody."""
        path = self._file()
        if path is not None:
            token_of(self.caller(self.program.read, path))

    def look(self) -> None:
        """List everything."""
        self.caller(self.program.listing)

    # The second client, while the daemon stands still and nothing of it is on its way.

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        """No service can tell two writes in the same instant apart, so they are not made."""
        self.mount.call("queue", action="pause")
        try:
            quiet = self._wait_until_quiet()
            if quiet:
                os.kill(self.mount.pid, signal.SIGSTOP)
            yield quiet
        finally:
            os.kill(self.mount.pid, signal.SIGCONT)
            self.mount.call("queue", action="resume")

    def _wait_until_quiet(self) -> bool:
        deadline = time.monotonic() + QUIET_WITHIN_S
        while self._sending():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True

    def _sending(self) -> bool:
        owed = self.mount.call("queue", action="list")
        assert isinstance(owed, list)
        return any(each["state"] == "sending" for each in owed)

    def _there(self, *, directories: bool) -> str | None:
        found = self.second.directories()[1:] if directories else sorted(self.second.files())
        return self.chance.choice(found) if found else None

    def _free_there(self, names: tuple[str, ...]) -> str | None:
        directories = self.second.directories()
        path = str(PurePosixPath(self.chance.choice(directories)) / self.chance.choice(names))
        return None if path in directories or path in self.second.files() else path

    def _write_there(self, path: str) -> None:
        token = self.facts.new()
        self.facts.taken_there(self._stored(path))
        self.log.append(f"there: {path} becomes <{token}>")
        self.second.write(path, made(token, self.chance.choice(SIZES)))
        self.facts.theirs.add(token)

    def there_writes(self) -> None:
        """Over a file."""
        with self._alone() as alone:
            path = self._there(directories=False) if alone else None
            if path is not None:
                self._write_there(path)

    def there_creates(self) -> None:
        """A new file."""
        with self._alone() as alone:
            path = self._free_there(NAMES) if alone else None
            if path is not None:
                self._write_there(path)

    def there_makes(self) -> None:
        """A directory."""
        with self._alone() as alone:
            path = self._free_there(DIRECTORIES) if alone else None
            if path is not None:
                self.log.append(f"there: mkdir {path}")
                self.second.make_directory(path)

    def there_moves(self) -> None:
        """A file or a directory."""
        with self._alone() as alone:
            directories = self.chance.random() < 0.4
            path = self._there(directories=directories) if alone else None
            target = self._free_there(DIRECTORIES if directories else NAMES) if alone else None
            if path is not None and target is not None and not f"{target}/".startswith(f"{path}/"):
                self.log.append(f"there: {path} to {target}")
                self.second.move(path, target)

    def there_removes(self) -> None:
        """A file, or a directory with everything in it."""
        with self._alone() as alone:
            path = self._there(directories=self.chance.random() < 0.4) if alone else None
            if path is None:
                return
            for each, content in self.second.files().items():
                if f"{each}/".startswith(f"{path}/"):
                    self.facts.taken_there(token_of(content))
            self.log.append(f"there: {path} is removed")
            self.second.remove(path)

    # What happens to both.

    def trouble(self) -> None:
        """The network gets worse."""
        self.network.trouble()

    def calm(self) -> None:
        """The network gets well."""
        self.network.rest()

    def wait(self) -> None:
        """Something of what is owed is sent meanwhile."""
        time.sleep(self.chance.choice((0.05, 0.3)))

    def wait_long(self) -> None:
        """Longer than the poll interval."""
        time.sleep(1.3)

    def restart(self) -> None:
        """kill -9, sometimes with every cache lost; only then the next start needs the network."""
        self.mount.kill()
        if self.chance.random() < 0.3:
            self.network.rest()
            shutil.rmtree(self.mount.paths.cache)
        self.log.append("killed")
        self.mount.start()
        self.caller.close()
        self.caller = Caller(limit_s=90)

    # The end.

    def _last_words(self) -> None:
        """Whatever the walk was like, something is owed at its end, and meets trouble."""
        self.network.break_everything(3)
        for name in ("last", "very last"):
            self._put(name, self.program.write)
        while self.network.broken():
            time.sleep(0.05)

    def finish(self) -> None:
        """The network is well, everything is sent, both sides show the same, and nothing is missing."""
        self._last_words()
        self.network.rest()
        if not self.network.honest:
            self.mount.call("queue", action="retry")
        self.mount.fresh_view()
        stored = {path: token_of(content) for path, content in self.second.files().items()}
        seen = self.caller(self.program.listing)
        shown = {path: token_of(self.caller(self.program.read, path)) for path, is_dir in seen.items() if not is_dir}
        assert shown == stored
        assert sorted(path for path, is_dir in seen.items() if is_dir) == sorted(self.second.directories()[1:])
        self.facts.judge(list(stored.values()), honest=self.network.honest)
        self._demand_no_drafts()

    def _demand_no_drafts(self) -> None:
        """They go from the disk some seconds after nobody wants them any more."""
        end = time.monotonic() + TIDY_WITHIN_S
        while (left := [each.name for each in self.mount.paths.staging.iterdir()]) and time.monotonic() < end:
            time.sleep(0.05)
        assert not left, f"drafts are left behind: {left}"
