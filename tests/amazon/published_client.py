"""A walk through the published client ``acdcli``; runs in the environment that has it. Usage: URL DIRECTORY VERB...

Its commands run one after the other in this process, without the pause of up to a second that the client makes before
each request. Every verb is one line of its command line, with words as a shell would have them.
"""

import contextlib
import hashlib
import io
import json
import os
import shlex
import sys
from pathlib import Path

url, home, *lines = sys.argv[1:]
cache = Path(home)
os.environ["ACD_CLI_CACHE_PATH"] = os.environ["ACD_CLI_SETTINGS_PATH"] = home
os.environ["LC_ALL"] = "C.UTF-8"

sys.path.insert(0, str(Path(sys.executable).parent))  # the command line is a module among the programs
import acd_cli  # noqa: E402 - it reads the environment when it is imported
from acdcli.api import backoff_req, client, oauth  # noqa: E402

backoff_req.BackOffRequest._wait = lambda _: None
client._AMZ_ENDPOINT_REQ_URL = f"{url}/drive/v1/account/endpoint"
oauth.AppspotOAuthHandler.APPSPOT_URL = f"{url}/appspot/"
oauth.LocalOAuthHandler.AMAZON_OA_TOKEN_URL = f"{url}/auth/o2/token"


def command(line: str) -> dict[str, object]:
    """One command: its exit code and what it printed."""
    sys.argv = ["acd_cli", *shlex.split(line)]
    # A regular file, because ``cat`` asks where in its output it is.
    with (cache / "printed").open("w+b") as printed:
        text = io.TextIOWrapper(printed, encoding="utf-8", write_through=True)
        code: object = 0
        with contextlib.redirect_stdout(text):
            try:
                acd_cli.main()
            except SystemExit as ended:
                code = ended.code or 0
        text.flush()
        said = (cache / "printed").read_bytes()
        return {"code": code, "printed": said.decode(errors="replace"), "md5": hashlib.md5(said).hexdigest()}


def library() -> dict[str, object]:
    """The feed, properties and ranges as the library has them."""
    found = client.ACDClient(home, home)
    root = found.get_root_id()
    changes = found.get_changes(include_purged=True)
    nodes = [node["id"] for changeset in found._iter_changes_lines(changes) for node in changeset.nodes]
    folder = found.create_folder("by the library", root)["id"]
    owner = found.get_owner_id()
    found.add_property(folder, owner, "key", "value")
    return {
        "root told": root in nodes,
        "property": found.get_metadata(folder)["properties"][owner]["key"],
        "quota": found.get_quota()["quota"] > 0,
    }


told = [library() if line == "library" else command(line) for line in lines]
sys.stderr.flush()
(cache / "told.json").write_text(json.dumps(told))
