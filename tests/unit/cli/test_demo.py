import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio
from click.testing import CliRunner, Result

from mountcloud.cli import demo as module
from mountcloud.cli.demo_tree import Bytes, Piece
from mountcloud.cli.main import main
from mountcloud.daemon import supervise
from mountcloud.daemon.control import ControlError, NotRunning
from mountcloud.daemon.paths import AccountPaths
from mountcloud.daemon.settings import AccountSettings
from mountcloud.model.errors import Unavailable
from mountcloud.model.provider import Provider, Secrets
from mountcloud.providers import registry
from mountcloud.providers.memory import MemoryProvider
from mountcloud.providers.memory_service import MemoryService


class Stage:
    """Everything around the command: a server that keeps its files, and a daemon that does what a test says."""

    def __init__(self, port: int = 4000) -> None:
        self.service = MemoryService()
        self.port = port
        self.running = False
        self.accounts: list[AccountSettings] = []
        self.secrets: list[Secrets] = []
        self.act: Callable[[AccountPaths], int] = lambda _: 0
        self.answer: dict[str, object] | ControlError = NotRunning("no daemon")

    @contextmanager
    def running_server(self, data: Path) -> Iterator[str]:
        data.mkdir(parents=True, exist_ok=True)
        self.port += 1
        self.running = True
        try:
            yield f"http://127.0.0.1:{self.port}"
        finally:
            self.running = False

    def create(self, scheme: str, settings: Mapping[str, object], secrets: Secrets) -> Provider:
        assert (scheme, settings["url"]) == ("dracoon", f"http://127.0.0.1:{self.port}")
        return MemoryProvider(self.service)

    def supervise(
        self,
        account: AccountSettings,
        paths: AccountPaths,
        secrets: Secrets,
        mountpoint: Path,
        *,
        on_ready: Callable[[], None],
    ) -> int:
        assert self.running
        assert account.mountpoint == mountpoint
        self.accounts.append(account)
        self.secrets.append(secrets)
        on_ready()
        return self.act(paths)

    def call(self, path: Path, command: str, **_: object) -> object:
        if isinstance(self.answer, ControlError):
            raise self.answer
        return self.answer

    def names(self) -> set[str]:
        async def listed() -> set[str]:
            provider = MemoryProvider(self.service)
            root = (await provider.root()).id
            rooms = await provider.children(root)
            return {each.name for room in rooms for each in await provider.children(room.id)}

        return trio.run(listed)


@pytest.fixture
def stage(home: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    on = Stage()
    monkeypatch.setattr(module, "running_server", on.running_server)
    monkeypatch.setattr(module, "pieces", lambda: (Piece("Projects/a.txt", Bytes(b"a"), 0),))
    monkeypatch.setattr(module, "call", on.call)
    monkeypatch.setattr(registry, "create", on.create)
    monkeypatch.setattr(supervise, "run", on.supervise)
    return on


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["demo", *arguments])


def test_the_demo_mounts_a_filled_account(stage: Stage, home: Path) -> None:
    result = run()
    assert result.exit_code == 0, result.output
    assert f"The account is at {home}/MountCloud" in result.stdout
    assert "your files stay" in result.stdout
    assert stage.names() == {"a.txt"}
    assert stage.accounts[0].options == {"url": "http://127.0.0.1:4001", "username": "demo"}
    assert (stage.secrets[0].get("password"), stage.secrets[0].get("encryption_password")) == (
        "demo",
        "demo encryption",
    )
    assert not stage.running


def test_a_second_start_shows_the_same_files_at_another_port(stage: Stage, home: Path) -> None:
    run(str(home / "here"))
    state = AccountPaths.of("demo").journal
    state.write_text("owed")
    result = run(str(home / "here"))
    assert "Filling" not in result.stdout
    assert stage.accounts[1].options["url"] == "http://127.0.0.1:4002"
    assert state.read_text() == "owed"


def test_each_start_logs_in(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """An account that keeps a key instead of its password gets one, also where it was lost."""
    asked: list[Provider] = []

    async def verify(provider: Provider) -> None:
        asked.append(provider)

    monkeypatch.setattr(module, "verify", verify)
    run()
    run()
    assert len(asked) == 2


def test_what_the_user_deleted_does_not_come_back(stage: Stage) -> None:
    run()
    stage.service = MemoryService()
    run()
    assert stage.names() == set()


def test_an_interrupted_filling_is_completed_by_the_next_start(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(module, "plant", interrupted)
        result = run()
    assert (result.exit_code, stage.running, stage.accounts) == (0, False, [])
    assert run().exit_code == 0
    assert stage.names() == {"a.txt"}


def test_a_new_server_makes_the_old_picture_worthless(stage: Stage) -> None:
    paths = AccountPaths.of("demo")
    paths.create()
    paths.journal.write_text("of a server that is gone")
    run()
    assert not paths.journal.exists()


def test_ctrl_c_during_the_mount_ends_well(stage: Stage) -> None:
    def interrupted(_: AccountPaths) -> int:
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("not interrupted")

    stage.act = interrupted
    result = run()
    assert (result.exit_code, stage.running) == (0, False)


def test_ctrl_c_inside_the_tasks_of_the_daemon_ends_well(stage: Stage) -> None:
    def interrupted(_: AccountPaths) -> int:
        raise BaseExceptionGroup("nursery", [KeyboardInterrupt()])

    stage.act = interrupted
    result = run()
    assert (result.exit_code, stage.running) == (0, False)


def test_a_failure_ends_the_server_and_is_told(stage: Stage) -> None:
    def fail(_: AccountPaths) -> int:
        raise Unavailable("the server is gone")

    stage.act = fail
    result = run()
    assert (result.exit_code, "Error: the server is gone" in result.stderr, stage.running) == (69, True, False)


def test_the_daemons_exit_code_is_kept(stage: Stage) -> None:
    stage.act = lambda _: 7
    result = run()
    assert (result.exit_code, "ended with a failure" in result.stdout) == (7, True)


def test_a_directory_with_files_is_refused_before_anything_starts(stage: Stage, home: Path) -> None:
    (home / "MountCloud").mkdir()
    (home / "MountCloud" / "mine").touch()
    result = run()
    assert (result.exit_code, "is not empty" in result.stderr) == (1, True)
    assert stage.port == 4000


def test_a_second_demo_is_refused(stage: Stage) -> None:
    stage.answer = {"mountpoint": "/srv/x"}
    result = run()
    assert (result.exit_code, "runs already at /srv/x" in result.stderr) == (1, True)


def test_the_end_tells_what_is_left(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    owed = iter([3, 3, 2, 0])
    said: list[str] = []

    def call(*_: object, **__: object) -> object:
        left = next(owed, None)
        if left is None:
            raise NotRunning("ended")
        return {"state": "stopping", "owed": left}

    monkeypatch.setattr(module, "call", call)
    monkeypatch.setattr(module, "_ASK_EVERY_S", 0)
    monkeypatch.setattr("click.echo", said.append)
    module._tell_of_the_end(AccountPaths.of("demo"))
    assert said == ["Sending the last changes: 3 left ...", "Sending the last changes: 2 left ..."]
