"""``sandbox``: servers on this machine that speak the services' protocols, for trying out and for tests."""

from collections.abc import Callable
from pathlib import Path

import click

_MISSING = "the sandbox needs more packages; install them with: pip install 'mountcloud[sandbox]'"
_OPTIONS = (
    click.option("--listen", default="127.0.0.1:0", show_default=True, help="HOST:PORT; port 0 takes a free one."),
    click.option(
        "--data", required=True, type=click.Path(file_okay=False, path_type=Path), help="Where it keeps everything."
    ),
    click.option(
        "--password-file",
        type=click.Path(dir_okay=False, path_type=Path),
        help="First line: the password of the accounts of a new sandbox.",
    ),
    click.option("--control", is_flag=True, help="Offer the private surface /_sandbox for tests."),
    click.option("--allow-remote", is_flag=True, help="Accept an address that others can reach."),
)


@click.group()
def sandbox() -> None:
    """Servers on this machine that behave as the services do."""


def _common(command: Callable[..., None]) -> Callable[..., None]:
    """The options that every sandbox has."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@sandbox.command()
@_common
@click.option("--static-port", default=0, show_default=True, help="Port of the listener that stands for S3.")
@click.option(
    "--seed", type=click.Choice(["none", "demo"]), default="none", show_default=True, help="What a new one holds."
)
def dracoon(
    *,
    listen: str,
    data: Path,
    static_port: int,
    seed: str,
    password_file: Path | None,
    control: bool,
    allow_remote: bool,
) -> None:
    """A DRACOON server. Prints one line "listening on http://HOST:PORT" when it is ready.

    A new one has the accounts "admin" (all roles) and "demo" (Room Manager), whose password is "demo" unless
    --password-file says otherwise. --seed demo adds the account "colleague", an RSA-4096 key pair for both (its
    encryption password is "demo encryption"), and the rooms "Projects" and "Confidential", which is encrypted.
    OAuth clients: "dracoon_legacy_scripting" with an empty secret; "mountcloud-test", "mountcloud-test-secret".
    """
    host, port = _address(listen)
    try:
        from mountcloud.sandbox.dracoon import server
    except ModuleNotFoundError as missing:
        raise _incomplete(missing) from None
    options = server.Options(host, port, data, static_port, control, demonstration=seed == "demo")
    if password_file is not None:
        options = server.with_password(options, _first_line(password_file))
    _serve(host, listen, lambda: server.run(options, click.echo), allow_remote=allow_remote)


@sandbox.command()
@_common
def nextcloud(*, listen: str, data: Path, password_file: Path | None, control: bool, allow_remote: bool) -> None:
    """A Nextcloud server's files. Prints one line "listening on http://HOST:PORT" when it is ready.

    A new one has the account "demo", whose password is "demo" unless --password-file says otherwise.
    """
    host, port = _address(listen)
    try:
        from mountcloud.sandbox.nextcloud import server
    except ModuleNotFoundError as missing:
        raise _incomplete(missing) from None
    options = server.Options(host, port, data, control)
    if password_file is not None:
        options = server.Options(host, port, data, control, _first_line(password_file))
    _serve(host, listen, lambda: server.run(options, click.echo), allow_remote=allow_remote)


@sandbox.command()
@_common
def smartfile(*, listen: str, data: Path, password_file: Path | None, control: bool, allow_remote: bool) -> None:
    """A SmartFile server. Prints one line "listening on http://HOST:PORT" when it is ready.

    A new one has one account: key "demo-key-of-thirty-characters-", password "demo-password-of-30-characters" unless
    --password-file says otherwise. OAuth client: "mountcloud-test-client-token-30", "mountcloud-test-client-secret-30".
    """
    host, port = _address(listen)
    try:
        from mountcloud.sandbox.smartfile import server
    except ModuleNotFoundError as missing:
        raise _incomplete(missing) from None
    options = server.Options(host, port, data, control)
    if password_file is not None:
        options = server.Options(host, port, data, control, _first_line(password_file))
    _serve(host, listen, lambda: server.run(options, click.echo), allow_remote=allow_remote)


@sandbox.command()
@_common
def metadisk(*, listen: str, data: Path, password_file: Path | None, control: bool, allow_remote: bool) -> None:
    """A Metadisk server (Storj bridge). Prints one line "listening on http://HOST:PORT" when it is ready.

    A new one has the account "demo@example.org", whose password is "demo" unless --password-file says otherwise. What
    would be sent by mail, such as the address that activates a new account, goes to stderr.
    """
    host, port = _address(listen)
    try:
        from mountcloud.sandbox.metadisk import server
    except ModuleNotFoundError as missing:
        raise _incomplete(missing) from None
    options = server.Options(host, port, data, control)
    if password_file is not None:
        options = server.Options(host, port, data, control, _first_line(password_file))
    _serve(host, listen, lambda: server.run(options, click.echo, _mail), allow_remote=allow_remote)


@sandbox.command()
@click.option("--listen", default="127.0.0.1:0", show_default=True, help="HOST:PORT; port 0 takes a free one.")
@click.option(
    "--data", required=True, type=click.Path(file_okay=False, path_type=Path), help="Where it keeps everything."
)
@click.option(
    "--token-file", type=click.Path(dir_okay=False, path_type=Path), help="Gets a refresh token of the customer demo."
)
@click.option("--control", is_flag=True, help="Offer the private surface /_sandbox for tests.")
@click.option("--allow-remote", is_flag=True, help="Accept an address that others can reach.")
def amazon(*, listen: str, data: Path, token_file: Path | None, control: bool, allow_remote: bool) -> None:
    """An Amazon Cloud Drive server. Prints one line "listening on http://HOST:PORT" when it is ready.

    A new one has the customer "demo", in whose name everybody may log in at /ap/oa. OAuth client: "mountcloud" with the
    secret "mountcloud-secret"; the helper for clients without a secret is at /appspot/.
    """
    host, port = _address(listen)
    try:
        from mountcloud.sandbox.amazon import server
    except ModuleNotFoundError as missing:
        raise _incomplete(missing) from None
    options = server.Options(host, port, data, control, token_file)
    _serve(host, listen, lambda: server.run(options, click.echo), allow_remote=allow_remote)


def _mail(text: str) -> None:
    click.echo(text, err=True)


def _incomplete(missing: ModuleNotFoundError) -> click.ClickException:
    return click.ClickException(f"{_MISSING} ({missing.name} is missing)")


def _first_line(path: Path) -> str:
    return path.read_text(encoding="utf-8").partition("\n")[0]


def _serve(host: str, listen: str, run: Callable[[], None], *, allow_remote: bool) -> None:
    from mountcloud.sandbox import serving
    from mountcloud.sandbox.database import UnusableData

    if not allow_remote and not serving.is_loopback(host):
        raise click.UsageError(f"{host} can be reached from other machines; say --allow-remote if that is meant")
    try:
        run()
    except OSError as problem:
        raise click.ClickException(f"cannot serve at {listen}: {problem}") from None
    except UnusableData as problem:
        raise click.ClickException(str(problem)) from None


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or not host:
        raise click.UsageError("--listen is HOST:PORT, for example 127.0.0.1:8080")
    return host.strip("[]"), int(port)
