import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TEST_PACKAGES = (
    "fuse3 libfuse3-dev pkg-config gcc libc6-dev python3-dev python3-venv ca-certificates git rsync sqlite3 tar attr"
    " acl vim-tiny diffutils findutils procps psmisc util-linux shellcheck rclone litmus tmux dbus-daemon rdiff"
)
SERVER_PACKAGES = "apache2 nginx libnginx-mod-http-dav-ext lighttpd lighttpd-mod-webdav gnome-keyring dbus-x11"


class Checkout:
    """A clone in which every program that ``run`` calls is a stand-in that writes down how it was called."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.log = directory / "log"
        self.log.touch()
        for name in ("run", "setup.py", "pyproject.toml"):
            shutil.copy2(ROOT / name, directory / name)
        self.program("bin/apt-get")
        self.program("bin/sudo", 'shift; exec "$@"')
        self.program("bin/update-rc.d")
        self.program("bin/systemctl")
        self.guard = directory / "policy-rc.d"
        self.program("bin/dpkg-query", f"cat {directory}/installed")
        for name in ("ruff", "mypy", "lint-imports", "python"):
            self.program(f".venv/bin/{name}")
        self.program(".venv-interop/bin/python")
        self.program(".venv-interop-amazon/bin/python")
        self.program(".venv-interop-smartfile/bin/python")
        self.program(".venv-interop-metadisk/bin/python")
        self.installed(f"{TEST_PACKAGES} {SERVER_PACKAGES}")

    def program(self, path: str, then: str = "exit 0") -> None:
        file = self.directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        quiet = path.endswith("dpkg-query")
        note = "" if quiet else f'[ "$1" = -c ] || echo "{path} $*" >>{self.log}\n'
        file.write_text(f"#!/bin/sh\n{note}{then}\n")
        file.chmod(0o755)

    def installed(self, packages: str) -> None:
        text = " ".join(f"installed:{name}" for name in packages.split())
        (self.directory / "installed").write_text(f"{text} not-installed:other ")

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"PATH": f"{self.directory}/bin:{os.environ['PATH']}"}
        environment["MOUNTCLOUD_SERVICE_GUARD"] = str(self.guard)
        return subprocess.run(
            ["dash", str(self.directory / "run"), *arguments],
            cwd="/",
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def calls(self) -> list[str]:
        found = self.log.read_text().splitlines()
        self.log.write_text("")
        return found


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_the_shell_finds_no_fault() -> None:
    for script in ("run", ".ci/run"):
        subprocess.run(["dash", "-n", str(ROOT / script)], check=True, timeout=60)
        assert os.access(ROOT / script, os.X_OK)


@pytest.mark.skipif(
    not shutil.which("shellcheck") and "MOUNTCLOUD_REQUIRE_ALL" not in os.environ,
    reason="shellcheck is not installed; ./run setup does it",
)
def test_shellcheck_finds_no_fault() -> None:
    subprocess.run(["shellcheck", str(ROOT / "run"), str(ROOT / ".ci" / "run")], check=True, timeout=60)


def test_a_complete_test_run(checkout: Checkout) -> None:
    assert checkout.run("test").returncode == 0
    assert checkout.calls() == [
        ".venv/bin/python -m pip install -q --disable-pip-version-check -e .[test]",
        ".venv-interop/bin/python -m pip install -q --disable-pip-version-check dracoon>=1.13 nc-py-api>=0.20",
        ".venv-interop-amazon/bin/python -m pip install -q --disable-pip-version-check setuptools<58 acdcli>=0.3.2",
        ".venv-interop-smartfile/bin/python -m pip install -q --disable-pip-version-check"
        " requests requests_oauthlib six",
        ".venv-interop-smartfile/bin/python -m pip install -q --disable-pip-version-check --no-deps smartfile>=2.19"
        " python-librsync>=0.1.post5",
        ".venv-interop-metadisk/bin/python -m pip install -q --disable-pip-version-check storj==0.1.4",
        ".venv/bin/ruff format --check .",
        ".venv/bin/ruff check .",
        ".venv/bin/mypy ",
        ".venv/bin/lint-imports ",
        f".venv/bin/python -m pytest -n {len(os.sched_getaffinity(0)) + 1} --dist loadfile --no-loadscope-reorder",
    ]


def test_nothing_is_installed_twice_until_the_packaging_changes(checkout: Checkout) -> None:
    checkout.run("setup")
    checkout.calls()
    assert checkout.run("test", "-k", "a b").returncode == 0
    assert checkout.calls() == [".venv/bin/python -m pytest -k a b"]
    with (checkout.directory / "setup.py").open("a") as file:
        file.write("# changed\n")
    checkout.run("test", "-x")
    assert [call for call in checkout.calls() if "pip" in call] == [
        ".venv/bin/python -m pip install -q --disable-pip-version-check -e .[test]",
        ".venv-interop/bin/python -m pip install -q --disable-pip-version-check dracoon>=1.13 nc-py-api>=0.20",
        ".venv-interop-amazon/bin/python -m pip install -q --disable-pip-version-check setuptools<58 acdcli>=0.3.2",
        ".venv-interop-smartfile/bin/python -m pip install -q --disable-pip-version-check"
        " requests requests_oauthlib six",
        ".venv-interop-smartfile/bin/python -m pip install -q --disable-pip-version-check --no-deps smartfile>=2.19"
        " python-librsync>=0.1.post5",
        ".venv-interop-metadisk/bin/python -m pip install -q --disable-pip-version-check storj==0.1.4",
    ]


def test_the_demo_needs_less(checkout: Checkout) -> None:
    assert checkout.run("demo", "/a dir").returncode == 0
    assert checkout.calls() == [
        ".venv/bin/python -m pip install -q --disable-pip-version-check -e .[sandbox]",
        ".venv/bin/python -m mountcloud demo /a dir",
    ]


def test_the_demo_is_content_with_a_test_environment(checkout: Checkout) -> None:
    checkout.run("setup")
    checkout.calls()
    checkout.run("demo")
    assert checkout.calls() == [".venv/bin/python -m mountcloud demo"]


@pytest.mark.parametrize("broken", ["ruff", "mypy", "lint-imports"])
def test_a_failed_check_fails_and_nothing_after_it_runs(checkout: Checkout, broken: str) -> None:
    checkout.program(f".venv/bin/{broken}", "exit 3")
    assert checkout.run("test").returncode == 1
    assert not any("pytest" in call for call in checkout.calls())


def test_failing_tests_and_demos_fail(checkout: Checkout) -> None:
    checkout.run("setup")
    checkout.program(".venv/bin/python", '[ "$2" = pytest ] && exit 4; [ "$2" = mountcloud ] && exit 5; exit 0')
    assert checkout.run("test", "-x").returncode == 4
    assert checkout.run("demo").returncode == 5


def test_a_failed_installation_is_tried_again(checkout: Checkout) -> None:
    checkout.program(".venv/bin/python", '[ "$2" = pip ] && exit 1; exit 0')
    assert checkout.run("demo").returncode == 1
    assert not any("mountcloud demo" in call for call in checkout.calls())
    checkout.program(".venv/bin/python")
    assert checkout.run("demo").returncode == 0
    assert any("pip install" in call for call in checkout.calls())


def test_only_missing_packages_are_installed(checkout: Checkout) -> None:
    checkout.run("setup")
    checkout.calls()
    checkout.installed(f"{TEST_PACKAGES} {SERVER_PACKAGES}".replace("rsync ", "").replace("fuse3 ", "", 1))
    assert checkout.run("test", "-x").returncode == 0
    apt = [call for call in checkout.calls() if call.startswith("bin/apt-get")]
    assert apt == ["bin/apt-get update -q", "bin/apt-get install -q -y --no-install-recommends fuse3 rsync"]


def test_servers_are_installed_without_becoming_services(checkout: Checkout) -> None:
    checkout.run("setup")
    checkout.calls()
    checkout.installed(f"{TEST_PACKAGES} {SERVER_PACKAGES}".replace(" apache2 nginx", ""))
    checkout.program("bin/apt-get", f'"{checkout.guard}"; echo "guard $?" >>{checkout.log}')
    assert checkout.run("test", "-x").returncode == 0
    apt = "bin/apt-get install -q -y --no-install-recommends apache2 nginx"
    asked = ["bin/apt-get update -q", "guard 101", apt, "guard 101"]
    calls = checkout.calls()
    assert calls[:6] == [*asked, "bin/update-rc.d apache2 disable", "bin/update-rc.d nginx disable"]
    assert not checkout.guard.exists()


def test_no_session_gets_the_keyring_of_the_tests(checkout: Checkout) -> None:
    checkout.run("setup")
    checkout.calls()
    checkout.installed(f"{TEST_PACKAGES} {SERVER_PACKAGES}".replace(" gnome-keyring", ""))
    assert checkout.run("test", "-x").returncode == 0
    assert checkout.calls()[:3] == [
        "bin/apt-get update -q",
        "bin/apt-get install -q -y --no-install-recommends gnome-keyring",
        "bin/systemctl --global disable gnome-keyring-daemon.socket gnome-keyring-daemon.service",
    ]


def test_a_guard_that_was_there_stays_as_it_was(checkout: Checkout) -> None:
    checkout.run("setup")
    checkout.guard.write_text("#!/bin/sh\nexit 104\n")
    checkout.installed(TEST_PACKAGES)
    assert checkout.run("test", "-x").returncode == 0
    assert checkout.guard.read_text() == "#!/bin/sh\nexit 104\n"


def test_a_failed_installation_leaves_no_guard(checkout: Checkout) -> None:
    checkout.run("setup")
    checkout.installed(TEST_PACKAGES)
    checkout.program("bin/apt-get", '[ "$1" = update ]')
    assert checkout.run("test", "-x").returncode != 0
    assert not checkout.guard.exists()


def test_a_failed_apt_fails(checkout: Checkout) -> None:
    checkout.installed("")
    checkout.program("bin/apt-get", '[ "$1" = update ]')
    assert checkout.run("demo").returncode != 0
    assert not any(".venv" in call for call in checkout.calls())


def test_bench_lists_and_takes_measurements(checkout: Checkout) -> None:
    empty = checkout.run("bench")
    assert (empty.returncode, "no measurements" in empty.stderr) == (0, True)
    (checkout.directory / "bench").mkdir()
    for name in ("__init__.py", "reading.py"):
        (checkout.directory / "bench" / name).touch()
    assert checkout.run("bench").stdout == "reading\n"
    assert checkout.run("bench", "writing").returncode == 1
    assert checkout.run("bench", "reading", "fast").returncode == 0
    assert checkout.calls()[-1] == ".venv/bin/python -m bench.reading fast"


def test_usage(checkout: Checkout) -> None:
    assert checkout.run("help").returncode == 0
    assert checkout.run().returncode == 0
    wrong = checkout.run("tset")
    assert (wrong.returncode, "./run test" in wrong.stderr) == (2, True)
