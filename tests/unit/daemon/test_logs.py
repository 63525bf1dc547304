import io
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mountcloud.daemon import logs


@pytest.fixture(autouse=True)
def root_logger() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer S3CRETxyz",
        "{'Authorization': 'Bearer S3CRETxyz'}",
        "[(b'Authorization', b'Bearer S3CRETxyz')]",
        "Authorization: Basic S3CRETxyz==",
        "got bearer S3CRETxyz",
        '{"access_token": "S3CRETxyz", "n": 1}',
        '{"refresh_token":"a\\"S3CRETxyz"}',
        'body "{\\"password\\": \\"S3CRETxyz\\"}"',
        "grant_type=password&username=me&password=S3CRETxyz&x=1",
        "MemorySecrets(values={'encryption_password': 'S3CRETxyz with spaces'})",
        "client_secret=S3CRETxyz",
        "https://me:S3CRETxyz@dracoon.example/api",
        "PUT https://s3.example/b?X-Amz-Signature=S3CRETxyz&X-Amz-Credential=S3CRETxyz%2F2026",
        "GET https://dracoon.example/api/v4/downloads/S3CRETxyz0123456789abcdef",
        "POST https://dracoon.example/api/v4/uploads/S3CRETxyz0123456789abcdef HTTP/1.1",
        "X-Sds-Auth-Token: S3CRETxyz",
        "Set-Cookie: S3CRETxyz",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nS3CRETxyz\nS3CRETxyz\n-----END ENCRYPTED PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nS3CRETxyz",
        '{"privateKey": "S3CRETxyz", "fileKey": "S3CRETxyz"}',
    ],
)
def test_secrets_are_struck_out(text: str) -> None:
    assert "S3CRETxyz" not in logs.redacted(text)
    assert logs.STRUCK_OUT in logs.redacted(text)


@pytest.mark.parametrize(
    "text",
    [
        "the password is wrong",
        "inode 5 of node 123: Unavailable (HTTP 503)",
        "GET https://dracoon.example:443/api/v4/nodes/files/uploads/77",
        "uploads: 3, downloads: 2",
        "the token has expired",
    ],
)
def test_other_text_stays(text: str) -> None:
    assert logs.redacted(text) == text


def test_what_stands_beside_a_secret_stays() -> None:
    assert logs.redacted("user=me&password=x&host=h") == "user=me&password=[redacted]&host=h"


def logged(*, verbose: bool = False) -> str:
    stream = io.StringIO()
    logs.set_up(verbose=verbose, stream=stream)
    log = logging.getLogger("mountcloud.test")
    log.debug("detail")
    log.info("token=%s", "S3CRETxyz")
    try:
        raise ValueError("password=S3CRETxyz")
    except ValueError:
        log.exception("failed")
    return stream.getvalue()


def test_arguments_and_tracebacks_are_redacted() -> None:
    text = logged()
    assert "S3CRETxyz" not in text
    assert "Traceback" in text
    assert "token=[redacted]" in text


def test_details_only_when_verbose() -> None:
    assert "detail" not in logged()
    assert "detail" in logged(verbose=True)


def test_setting_up_twice_logs_once() -> None:
    stream = io.StringIO()
    logs.set_up(verbose=True, stream=stream)
    logs.set_up(verbose=False, stream=stream)
    logging.getLogger("mountcloud.test").warning("once")
    assert stream.getvalue().count("once") == 1


PROGRAM = """
import logging
from mountcloud.daemon import logs
logs.set_up(verbose=False)
logging.getLogger("x").warning("two\\nlines")
logging.getLogger("x").info("one")
logging.getLogger("x").error("bad")
try:
    raise ValueError("why")
except ValueError:
    logging.getLogger("x").exception("fault")
"""


def run_program(environment: dict[str, str], tmp_path: Path) -> str:
    with (tmp_path / "log").open("w+b") as log:
        status = os.fstat(log.fileno())
        filled = {key: value.format(status.st_dev, status.st_ino) for key, value in environment.items()}
        subprocess.run([sys.executable, "-c", PROGRAM], env=os.environ | filled, stderr=log, check=True, timeout=60)
    return (tmp_path / "log").read_text()


def test_lines_for_the_journal_have_their_priority(tmp_path: Path) -> None:
    written = run_program({"JOURNAL_STREAM": "{}:{}"}, tmp_path)
    first, *trace = written.splitlines()[:3], *written.splitlines()[3:]
    assert first == ["<4>x: two\\nlines", "<6>x: one", "<3>x: bad"]
    assert (trace[0], trace[-1]) == ("<3>x: fault", "<3>ValueError: why")
    assert all(line.startswith("<3>") for line in trace)


def test_another_stream_than_the_journals_is_for_people(tmp_path: Path) -> None:
    written = run_program({"JOURNAL_STREAM": "1:1"}, tmp_path)
    assert "WARNING x: two\\nlines\n" in written
    assert "<4>" not in written


def test_an_answer_that_nobody_waited_for_is_no_news() -> None:
    stream = io.StringIO()
    logs.set_up(verbose=False, stream=stream)
    kernel = logging.getLogger("pyfuse3")
    kernel.error("fuse_read(): fuse_reply_* failed with %s", "No such file or directory")
    kernel.error("fuse_read(): fuse_reply_* failed with %s", "Invalid argument")
    assert stream.getvalue().count("fuse_reply") == 1
    assert "Invalid argument" in stream.getvalue()


@pytest.mark.parametrize("formatter", [logs.TerminalFormatter(), logs.JournalFormatter()])
def test_no_name_begins_a_line_or_commands_the_terminal(formatter: logging.Formatter) -> None:
    name = "a\r\n<0>12:00 ERROR all is lost\x1b]0;title\x07\x9b2J\u202etxt.exe"
    text = formatter.format(logging.makeLogRecord({"name": "x", "levelno": 30, "msg": "%s", "args": (name,)}))
    assert len(text.splitlines()) == 1
    assert not set(text) & set("\r\n\x1b\x07\x9b\u202e")
    assert "all is lost\\x1b]0;title" in text
