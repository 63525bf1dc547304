"""Every measurement can be taken: each once, small, of our own mount; its numbers mean nothing here."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.rig.server import SERVERS

ROOT = Path(__file__).parents[2]
LIMIT_S = 240


def take(name: str, server: str, directory: Path, *words: str) -> dict[str, Any]:
    missing = SERVERS[server].missing()
    if missing and os.environ.get("MOUNTCLOUD_REQUIRE_ALL"):
        pytest.fail(f"{server} is missing: {missing}")
    if missing:
        pytest.skip(f"{server} is missing: {missing}")
    command = [sys.executable, "-m", f"bench.{name}", "--quick", "--json", str(directory / "rows.json"), *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads((directory / "rows.json").read_text())
    assert found["failures"] == []
    return found


def cases(found: dict[str, Any], peer: str) -> set[str]:
    return {row["case"] for row in found["rows"] if row["peer"] == peer and row["seconds"] > 0}


@pytest.mark.mount
def test_reading(fuse: None, tmp_path: Path) -> None:
    found = take("reading", "nginx", tmp_path, "--rtt", "0,2", "--peers", "Encrypted,curl,local", "--size", "4")
    ours = cases(found, "mountcloud DRACOON Encrypted")
    assert len(ours) == 7
    assert cases(found, "curl, 8 streams") == {case for case in ours if "warm" not in case}
    big = [row for row in found["rows"] if row["case"] == "cold, 4 MiB" and row["group"] == "encrypted"]
    assert [row["rtt_ms"] for row in big] == [0, 2]
    assert all(4 <= row["sent_mib"] < 5 for row in big), "each byte of the file comes from the native server, once"


@pytest.mark.mount
def test_metadata(fuse: None, tmp_path: Path) -> None:
    found = take("metadata", "apache", tmp_path, "--rtt", "0", "--peers", "DRACOON,local")
    assert len(cases(found, "local file system")) == 8
    assert cases(found, "mountcloud DRACOON") == {"idle"}


@pytest.mark.mount
def test_writing(fuse: None, tmp_path: Path) -> None:
    found = take("writing", "apache", tmp_path, "--rtt", "0", "--peers", "WebDAV,local", "--size", "2")
    by_programs = cases(found, "local file system")
    assert len(by_programs) == 7
    # Everything is on the server's own disk afterwards.
    at_last = {case.replace("(program)", "(server)") for case in by_programs}
    assert cases(found, "mountcloud WebDAV") == by_programs | at_last
