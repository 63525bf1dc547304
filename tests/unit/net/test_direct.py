"""Bodies that threads receive: what makes them different from what the HTTP library reads by itself."""

import gc
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
import trio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from mountcloud.model.arrival import Arrival, Piece
from mountcloud.model.errors import Corrupt, Unavailable
from mountcloud.model.span import StoredSpan
from mountcloud.net import direct
from mountcloud.net.http import Client, ClientSettings
from tests.unit.net.server import Reply, Seen, Server, serving
from tests.unit.net.test_downloads import CONTENT, WHOLE, converse, in_turn, ranged, stalling


class Room:
    """Memory of its own; keeps which threads put bytes there, and what it was handed."""

    def __init__(self, size: int) -> None:
        self.memory = bytearray(size)
        self.came = self.settled = 0
        self.copied: list[Piece] = []
        self.threads: set[int] = set()

    def __call__(self, piece: Piece) -> None:
        if not (isinstance(piece, memoryview) and piece.obj is self.memory):
            self.copied.append(piece)
        self.came += len(piece)
        assert self.came <= self.settled or self.copied, "nothing is handed over before it was settled"

    def room(self) -> memoryview:
        self.settled = self.came
        return memoryview(self.memory)[self.came :]

    def settle(self, size: int) -> None:
        self.settled += size
        self.threads.add(threading.get_ident())


def test_bytes_go_straight_to_their_place_and_settle_in_a_thread() -> None:
    room = Room(len(CONTENT))

    async def action(client: Client, server: Server) -> None:
        arrival = Arrival(WHOLE, Arrival(WHOLE, room))
        await client.get_range(f"{server.url}/f", WHOLE, len(CONTENT), arrival)
        assert (bytes(room.memory), room.copied, room.came) == (CONTENT, [], len(CONTENT))
        assert room.threads
        assert threading.get_ident() not in room.threads

    converse(ranged, action)


def test_what_is_small_does_not_take_the_way_to_a_thread() -> None:
    room = Room(len(CONTENT))

    async def action(client: Client, server: Server) -> None:
        for span in (StoredSpan(0, 99), StoredSpan(99, 199)):
            await client.get_range(f"{server.url}/f", span, len(CONTENT), room)
        assert (len(room.copied), len(room.threads)) == (1, 1)

    converse(ranged, action, thread_from=100)


def test_what_came_before_a_silence_keeps_its_place() -> None:
    room = Room(len(CONTENT))

    async def action(client: Client, server: Server) -> None:
        await client.get_range(f"{server.url}/f", WHOLE, len(CONTENT), Arrival(WHOLE, room))
        assert (bytes(room.memory), room.copied) == (CONTENT, [])
        assert len(server.seen) == 2

    converse(in_turn(stalling, ranged), action)


def test_who_refuses_bytes_ends_the_download() -> None:
    def refuse(piece: Piece) -> None:
        raise Corrupt("not these")

    async def action(client: Client, server: Server) -> None:
        with pytest.raises(Corrupt, match="not these"):
            await client.get_range(f"{server.url}/f", WHOLE, len(CONTENT), refuse)

    converse(stalling, action, stall_s=20)


@pytest.mark.parametrize("answer", [stalling, lambda _: None])
def test_a_cancelled_download_leaves_no_thread_behind(answer: Callable[[Seen], Reply | None]) -> None:
    """Patience is longer than the test, and four threads is all there are: they have to end for the last one."""

    async def cancelled(client: Client, server: Server) -> None:
        room, before = Room(len(CONTENT)), len(server.seen)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.get_range, f"{server.url}/f", WHOLE, len(CONTENT), room)
            while len(server.seen) == before or (answer is stalling and room.came < 4000):
                await trio.sleep(0.005)
            nursery.cancel_scope.cancel()

    async def action(client: Client, server: Server) -> None:
        for _ in range(6):
            await cancelled(client, server)
        answered = await client.get_range(f"{server.url}/f", WHOLE, len(CONTENT))
        assert answered.body == CONTENT

    converse(in_turn(*[answer] * 6, ranged), action, stall_s=1000, concurrency=2)


def test_a_connection_is_used_again_until_the_server_ends_it() -> None:
    async def action(client: Client, server: Server) -> None:
        for _ in range(3):
            assert (await client.get_range(f"{server.url}/f", WHOLE, len(CONTENT))).body == CONTENT
        first, second, third = (seen.connection for seen in server.seen)
        assert first == second != third

    closing = Reply(
        206, {"content-range": f"bytes 0-{len(CONTENT) - 1}/{len(CONTENT)}", "connection": "close"}, CONTENT
    )
    converse(in_turn(ranged, lambda _: closing, ranged), action)


def test_a_connection_that_was_ended_while_it_waited_is_not_asked() -> None:
    """The server ends it without a word after the last byte."""

    async def action(client: Client, server: Server) -> None:
        assert (await client.get_range(f"{server.url}/f", WHOLE, len(CONTENT))).body == CONTENT
        await trio.sleep(0.05)
        assert (await client.get_range(f"{server.url}/f", WHOLE, len(CONTENT))).body == CONTENT
        assert [seen.connection for seen in server.seen] == [1, 2]

    converse(in_turn(lambda seen: ranged(seen, stop_after=len(CONTENT)), ranged), action)


def test_a_connection_that_waited_for_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(direct, "_IDLE_S", 0.0)

    async def action(client: Client, server: Server) -> None:
        for _ in range(2):
            assert (await client.get_range(f"{server.url}/f", WHOLE, len(CONTENT))).body == CONTENT
        assert [seen.connection for seen in server.seen] == [1, 2]

    converse(ranged, action)


def test_a_connection_that_is_in_use_at_the_end_is_not_kept() -> None:
    """A socket that is left open would be a warning, which is an error here."""

    async def action(client: Client, server: Server) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.get_range, f"{server.url}/f", WHOLE, len(CONTENT))
            while not server.seen:
                await trio.sleep(0.001)
            await client.aclose()

    converse(ranged, action)
    gc.collect()


def test_a_refusal_in_pieces_is_read() -> None:
    chunked = Reply(403, {"transfer-encoding": "chunked", "content-length": ""}, b"4\r\nover\r\n2\r\n!!\r\n0\r\n\r\n")

    async def action(client: Client, server: Server) -> None:
        answer = await client.get_range(f"{server.url}/f", WHOLE, len(CONTENT))
        assert (answer.status, answer.body) == (403, b"over!!")
        assert (await client.get_range(f"{server.url}/f", WHOLE, len(CONTENT))).body == CONTENT
        assert server.seen[0].connection == server.seen[1].connection

    converse(in_turn(lambda _: chunked, ranged), action)


def test_a_range_in_pieces_is_taken() -> None:
    headers = {"content-range": f"bytes 0-3/{len(CONTENT)}", "transfer-encoding": "chunked", "content-length": ""}
    body = b"2\r\n" + CONTENT[:2] + b"\r\n2\r\n" + CONTENT[2:4] + b"\r\n0\r\n\r\n"

    async def action(client: Client, server: Server) -> None:
        answer = await client.get_range(f"{server.url}/f", StoredSpan(0, 4), len(CONTENT))
        assert answer.body == CONTENT[:4]

    converse(lambda _: Reply(206, headers, body), action)


@pytest.mark.parametrize("words", [b"nonsense", b"HTTP/1.1 200 OK\r\nbroken\r\n\r\n", b"HTTP/1.1 206"])
def test_what_is_not_http_is_trouble(words: bytes) -> None:
    async def main() -> None:
        async def talk(stream: trio.SocketStream) -> None:
            await stream.receive_some()
            await stream.send_all(words)

        async with trio.open_nursery() as nursery:
            (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
            nursery.start_soon(trio.serve_listeners, talk, [listener])
            client = Client(ClientSettings(f"http://127.0.0.1:{listener.socket.getsockname()[1]}", thread_from=1))
            with trio.fail_after(100), pytest.raises(Unavailable):
                await client.get_range("/f", WHOLE, len(CONTENT))
            await client.aclose()
            nursery.cancel_scope.cancel()

    trio.run(main)


def test_ranges_go_by_the_proxy_of_the_settings_and_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    async def answer(request: Seen) -> Reply:
        seen.append(request.target)
        return ranged(request)

    async def main() -> None:
        async with serving(answer) as proxy:
            for variable, setting in (("", proxy.url), ("http_proxy", ""), ("all_proxy", "")):
                with monkeypatch.context() as patch:
                    if variable:
                        patch.setenv(variable, proxy.url)
                    client = Client(ClientSettings("http://elsewhere.invalid", proxy=setting, thread_from=1))
                    assert (await client.get_range("/f", WHOLE, len(CONTENT))).body == CONTENT
                    await client.aclose()
        assert seen == ["http://elsewhere.invalid/f"] * 3

    trio.run(main)


def make_certificate(directory: Path) -> Path:
    """One that vouches for itself, for 127.0.0.1, with its key in the same file."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), False)
    certificate = builder.sign(key, hashes.SHA256())
    file, encoding = directory / "certificate.pem", serialization.Encoding.PEM
    form, lock = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    file.write_bytes(certificate.public_bytes(encoding) + key.private_bytes(encoding, form, lock))
    return file


@asynccontextmanager
async def serving_tls(certificate: Path) -> AsyncIterator[str]:
    """The content, over TLS, one range a connection; the address."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)

    async def talk(stream: trio.SSLStream[trio.SocketStream]) -> None:
        try:
            while request := await stream.receive_some():
                line = next(each for each in request.decode().split("\r\n") if each.lower().startswith("range"))
                start, last = (int(number) for number in line.partition("=")[2].split("-"))
                head = f"HTTP/1.1 206 OK\r\nContent-Range: bytes {start}-{last}/{len(CONTENT)}\r\n"
                head += f"Content-Length: {last + 1 - start}\r\n\r\n"
                await stream.send_all(head.encode() + CONTENT[start : last + 1])
        except trio.BrokenResourceError:
            return

    async with trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, talk, [trio.SSLListener(listener, context)])
        yield f"https://127.0.0.1:{listener.socket.getsockname()[1]}"
        nursery.cancel_scope.cancel()


def talk_tls(tmp_path: Path, trusted: bool, action: Callable[[Client], Awaitable[None]]) -> None:
    async def main() -> None:
        certificate = make_certificate(tmp_path)
        async with serving_tls(certificate) as url:
            client = Client(ClientSettings(url, ca_file=str(certificate) if trusted else "", thread_from=1))
            with trio.fail_after(100):
                await action(client)
            await client.aclose()

    trio.run(main)


def test_encrypted_connections_are_received_in_threads_too(tmp_path: Path) -> None:
    room = Room(len(CONTENT))

    async def action(client: Client) -> None:
        await client.get_range("/f", WHOLE, len(CONTENT), room)
        assert (bytes(room.memory), room.copied) == (CONTENT, [])
        assert (await client.get_range("/f", StoredSpan(5, 9), len(CONTENT))).body == CONTENT[5:9]

    talk_tls(tmp_path, True, action)


def test_a_server_that_nobody_vouches_for_gets_no_request(tmp_path: Path) -> None:
    async def action(client: Client) -> None:
        with pytest.raises(Unavailable, match="certificate"):
            await client.get_range("/f", WHOLE, len(CONTENT))

    talk_tls(tmp_path, False, action)
