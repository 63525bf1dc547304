"""Who we are, as real servers ask for it."""

from pathlib import Path

import httpx
import pytest
import trio
from click.testing import CliRunner

from mountcloud.cli.main import main
from mountcloud.model.errors import AuthenticationRequired
from mountcloud.model.provider import UploadTarget
from mountcloud.providers.book import ROOT
from mountcloud.providers.memory_places import MemoryPlaces
from mountcloud.sandbox.webdav.configuration import Site
from tests.conformance.content import MTIME_NS, BytesSource, read
from tests.webdav.client import new_client
from tests.webdav.servers import anywhere, serving_or_skip

USER, PASSWORD = "anna", "pässword: with %"
WAYS = [
    *[(kind, False) for kind in ("wsgidav", "apache", "nginx", "lighttpd", "rclone")],
    *[(kind, True) for kind in ("wsgidav", "apache", "lighttpd")],
]


async def use(site: Site, **options: object) -> None:
    """Write and read back, a file longer than one piece of a body first of all."""
    client = new_client(site.url, MemoryPlaces(), site.user, site.password, **options)
    try:
        await client.root()
        data = b"0123456789" * 60_000
        target = (await client.make_directory(ROOT, "directory", MTIME_NS)).id
        node = await client.upload(UploadTarget(target, "file", None, len(data), MTIME_NS), BytesSource(data))
        assert await read(client, node) == data
    finally:
        await client.aclose()


async def refused(site: Site, password: str) -> None:
    client = new_client(site.url, MemoryPlaces(), site.user, password)
    try:
        with pytest.raises(AuthenticationRequired):
            await client.verify()
    finally:
        await client.aclose()


@pytest.mark.parametrize(("kind", "digest"), WAYS, ids=[f"{kind}-{'digest' if d else 'basic'}" for kind, d in WAYS])
def test_a_server_gets_what_it_asks_for(kind: str, *, digest: bool) -> None:
    with serving_or_skip(kind, anywhere(user=USER, password="plain password", digest=digest)) as site:
        trio.run(use, site)
        trio.run(refused, site, "wrong")
        assert httpx.get(f"{site.url}/directory/file", trust_env=False).status_code == 401


def test_a_password_in_any_script_is_told_in_utf_8() -> None:
    with serving_or_skip("apache", anywhere(user=USER, password=PASSWORD)) as site:
        trio.run(use, site)


def test_logging_in_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("CONFIG", "STATE", "CACHE", "DATA"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", f"{tmp_path}/{kind.lower()}")
    monkeypatch.setenv("XDG_RUNTIME_DIR", f"{tmp_path}/run")
    with serving_or_skip("apache", anywhere(user=USER, password=PASSWORD)) as site:
        words = ["login", "nas", "--provider", "webdav", "--url", site.url, "--user", USER, "--password-stdin"]
        wrong = CliRunner().invoke(main, words, input="wrong\n")
        assert wrong.exit_code != 0
        done = CliRunner().invoke(main, words, input=f"{PASSWORD}\n")
        assert (done.exit_code, "Logged in" in done.output) == (0, True), done.output
