import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from mountcloud.cli.outcome import Denied, Misconfigured

UNIT = Path(__file__).parents[3] / "systemd" / "mountcloud@.service"
"""A link to the one in the package, so that both are found."""


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd on this machine")
def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    # The command itself need not be installed where systemd looks for it.
    text = UNIT.read_text().replace("ExecStart=mountcloud ", "ExecStart=/bin/true ")
    (tmp_path / "mountcloud@work.service").write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--user", str(tmp_path / "mountcloud@work.service")],
        env=os.environ | {"XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


FORBID_FUSERMOUNT = {
    *("NoNewPrivileges", "PrivateTmp", "PrivateDevices", "PrivateMounts", "ProtectHome", "ProtectSystem"),
    *(
        "SystemCallFilter",
        "SystemCallArchitectures",
        "RestrictNamespaces",
        "RestrictSUIDSGID",
        "MemoryDenyWriteExecute",
    ),
    *(
        "MemoryDenyWriteExecute",
        "CapabilityBoundingSet",
        "DevicePolicy",
        "ReadOnlyPaths",
        "InaccessiblePaths",
        "RestrictAddressFamilies",
    ),
}
"""systemd.exec(5): in a user's manager these set no_new_privs, or make a mount namespace that nobody else sees."""


def test_the_hardening_leaves_fusermount_working() -> None:
    options = dict(re.findall(r"^(\w+)=(.*)$", UNIT.read_text(), re.MULTILINE))
    assert FORBID_FUSERMOUNT & options.keys() == set()
    assert (options["UMask"], options["LimitCORE"]) == ("0077", "0")


def test_the_unit_says_where_secrets_may_come_from() -> None:
    assert "#   LoadCredential=encryption_password:" in UNIT.read_text()


def test_systemd_does_not_retry_what_cannot_get_better() -> None:
    found = re.search(r"^RestartPreventExitStatus=(.*)$", UNIT.read_text(), re.MULTILINE)
    assert found
    assert {int(code) for code in found[1].split()} == {2, Denied.exit_code, Misconfigured.exit_code}
