"""The only HTTP in the program: one client per service, foreign exceptions turned into our own.

Nothing secret leaves here in a text: the HTTP library's own loggers print URLs and headers, so they are silenced, and
failures name the host alone.
"""

import json
import logging
import re
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from typing import Any
from urllib.request import getproxies

import httpcore
import httpx
import trio

from mountcloud.model.arrival import Arrival, Arrived
from mountcloud.model.errors import Unavailable
from mountcloud.model.span import StoredSpan
from mountcloud.net.bodies import Body, ExactBody, Once
from mountcloud.net.direct import Direct
from mountcloud.net.download import Download, beginning, check_range, ended, hand_on_lines, take, whole
from mountcloud.net.failures import BrokenOff, Silence, our_failures
from mountcloud.net.throttle import Throttle, Turn

_log = logging.getLogger(__name__)

USER_AGENT = f"mountcloud/{version('mountcloud')}"
JSON = "application/json"
OCTETS = "application/octet-stream"

_READ_SIZE = 256 * 1024
_PATIENCE_S = (1.0, 2.0, 3.0)
"""Pauses after a 429 that names none; one try each (DRACOON facts, 21)."""

_ASKS_FOR_LESS = {429, 503}
_MOST_SILENCES = 3
"""Silences one after the other, with nothing in between, after which a transfer is given up."""

_MAX_REDIRECTS = 5
_LOOPBACK = {"127.0.0.1", "localhost", "[::1]"}

_SECONDS = re.compile(r"(\d{1,9}(?:\.\d+)?)")
_THROTTLED = re.compile(r"; *next=(\d{1,9}(?:\.\d+)?) *sec")

_Attempt = Callable[[], Awaitable["Response"]]
Line = Callable[[bytes], None]
Judge = Callable[["Response"], None]
"""Sees the headers of a 2xx answer before its body, and raises what it thinks of them."""


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """Where the service is and how long to wait for it. ``ca_file`` is trusted besides the system's authorities.

    ``stall_s`` is how long a download may be silent before it goes on over another connection.
    ``thread_from`` bytes and more are received in a thread; less is not worth the way there.
    ``most_answer`` bytes are held of an answer that is no download; what goes on for longer is none.
    ``proxy`` is the address of a proxy for all requests but those to this machine; without it the environment decides.
    """

    base_url: str
    connect_timeout_s: float = 15.0
    read_timeout_s: float = 60.0
    stall_s: float = 5.0
    ca_file: str = ""
    concurrency: int = 8
    proxy: str = ""
    thread_from: int = 512 * 1024
    most_answer: int = 512 << 20


@dataclass(frozen=True, slots=True)
class Response:
    """A complete answer; header names are in lower case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def ok(self) -> bool:
        """True for any 2xx."""
        return 200 <= self.status < 300

    def json(self) -> object:
        """The body as JSON; raises ``Unavailable`` if it is something else, such as a proxy's HTML."""
        try:
            decoded: object = json.loads(self.body)
        except (ValueError, RecursionError):
            raise Unavailable(f"the service answered {self.status} with something that is not JSON") from None
        return decoded

    @property
    def retry_after(self) -> float | None:
        """Seconds of the Retry-After header, or of X-Throttle (SmartFile facts, 9), where they name them."""
        text = self.headers.get("retry-after", "")
        told = _SECONDS.fullmatch(text) or _THROTTLED.search(self.headers.get("x-throttle", ""))
        return float(told[1]) if told else None

    @property
    def is_throttled(self) -> bool:
        """True if the request was not executed because there were too many."""
        return self.status == 429 or (self.status == 503 and "x-throttle" in self.headers)


class Client:
    """Requests to one service, and to the storage hosts that it sends us to.

    Every method returns whatever status the server gave, after waiting for and repeating what was throttled;
    it raises ``Unavailable`` where there was no (whole) answer. May be made without a running loop.
    With ``auth``, each request to the service itself (not to where it sends us) is answered for by it.
    """

    def __init__(
        self, settings: ClientSettings, throttle: Throttle | None = None, auth: httpx.Auth | None = None
    ) -> None:
        _silence_library()
        _widen_reads()
        self._base = httpx.URL(settings.base_url.rstrip("/"))
        self._throttle = throttle or Throttle(settings.concurrency)
        self._settings = settings
        self._auth = auth
        tls = tls_context(settings.ca_file)
        threads = trio.CapacityLimiter(2 * settings.concurrency)
        self._http = self._library(tls, keep_alive=4 * settings.concurrency)
        self._bodies = self._library(tls, threads, keep_alive=settings.concurrency)
        self._fresh = self._library(tls, threads, keep_alive=0)

    def _library(
        self, tls: ssl.SSLContext, threads: trio.CapacityLimiter | None = None, *, keep_alive: int
    ) -> httpx.AsyncClient:
        """With ``keep_alive`` 0 every request has a connection of its own; ``threads`` make it one for bodies."""
        direct = None if threads is None else Direct(tls, threads, keep_alive=keep_alive)
        proxied = bool(self._settings.proxy) or "all" in getproxies()
        everywhere = {} if direct is None or proxied else {"all://": direct}
        return httpx.AsyncClient(
            verify=tls,
            timeout=httpx.Timeout(self._settings.read_timeout_s, connect=self._settings.connect_timeout_s, pool=None),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=keep_alive),
            headers={"User-Agent": USER_AGENT},
            proxy=self._settings.proxy or None,
            mounts={**everywhere, **{f"all://{host}": direct for host in sorted(_LOOPBACK)}},
            follow_redirects=False,
        )

    async def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str | int] | None = None,
        json: object = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        authorization: str | None = None,
    ) -> Response:
        """One exchange with bodies in memory. ``url`` is a path on the service, or absolute.

        Raises ``ValueError`` rather than send ``authorization`` to another origin than the service's.
        """
        target = self._target(url)
        sent = {"Accept": JSON, **(headers or {})}
        if authorization is not None:
            if not self._is_ours(target):
                raise ValueError("credentials are for the service alone")
            sent["Authorization"] = authorization
        with our_failures(target, "prepare a request"):
            request = self._http.build_request(
                method,
                target,
                # An empty mapping would drop the query of the target itself, which presigned addresses live by.
                params=dict(params) if params else None,
                json=json,
                data=form,
                headers=sent,
                content=content,
            )

        body = request.content
        request.stream = ExactBody(lambda: Once(body), len(body))
        return await self._patiently(target, "call", lambda: self._exchange(request))

    async def get_range(
        self, url: str, span: StoredSpan, total: int, arrived: Arrived | None = None, judge: Judge | None = None
    ) -> Response:
        """The bytes of ``span`` of a resource of ``total`` bytes, without credentials but ``auth``; follows redirects.

        A 2xx answer holds exactly these bytes, or, with ``arrived``, none: that gets them as they come, in order, each
        once, and what it got before a failure is right. Any other answer has the start of its body.
        A download that is silent for ``stall_s``, or breaks off, goes on from where it stopped over a new connection;
        the patience doubles with each silence that follows on another, since the service may be slow rather than gone.
        With ``judge``, who must see to the version, a server that ignores ranges is read to the end of the span.
        Raises ``Corrupt`` if the server holds another total, ``Unavailable`` if bytes are missing or ranges ignored.
        """
        target = self._target(url)
        download = Download(target, total, Arrival(span, arrived), whole=judge is not None)
        while True:
            before = download.arrival.missing
            try:
                return await self._patiently(target, "transfer", lambda: self._receive(download, judge))
            except (Silence, BrokenOff) as interruption:
                self._go_on_or_give_up(download, interruption, progress=download.arrival.missing != before)

    def _go_on_or_give_up(self, download: Download, interruption: Unavailable, *, progress: bool) -> None:
        """Raises the interruption when another attempt is in vain, or is for others to decide."""
        download.connections += 1
        download.silences = 0 if progress else download.silences + 1
        in_vain = isinstance(interruption, BrokenOff) or download.silences >= _MOST_SILENCES
        if in_vain and not progress:
            raise interruption
        _log.info("a download from %s goes on over a new connection: %s", download.target.host, interruption)

    async def send_stream(
        self, method: str, url: str, size: int, body: Body, *, headers: Mapping[str, str] | None = None
    ) -> Response:
        """Send exactly ``size`` bytes; ``body`` is called again if the server asks for patience, or who we are."""
        target = self._target(url)
        sent = {"Content-Type": OCTETS, **(headers or {}), "Content-Length": str(size), "Accept": "*/*"}

        async def attempt() -> Response:
            with our_failures(target, "prepare a transfer"):
                request = self._http.build_request(method, target, headers=sent)
                request.stream = ExactBody(body, size)
            return await self._exchange(request)

        return await self._patiently(target, "transfer", attempt)

    async def stream_lines(self, method: str, url: str, body: bytes, line: Line) -> Response:
        """An answer in lines: each whole one of a 2xx is handed on as it comes, so that none is ever whole in memory.

        A last line without an end is not handed on. Any other answer has the start of its body. Raises ``Unavailable``
        where the answer breaks off; what was handed on is right.
        """
        target = self._target(url)
        with our_failures(target, "prepare a request"):
            request = self._http.build_request(method, target, headers={"Accept": JSON, "Content-Type": JSON})
            request.stream = ExactBody(lambda: Once(body), len(body))
            request.headers["Content-Length"] = str(len(body))
        return await self._patiently(target, "call", lambda: self._read_lines(request, line))

    async def _read_lines(self, request: httpx.Request, line: Line) -> Response:
        started, start = trio.current_time(), b""
        with our_failures(request.url, "send its lines"):
            answer = await self._http.send(request, auth=self._auth_for(request.url), stream=True)
            async with ended(answer):
                if answer.is_success:
                    await hand_on_lines(answer, line)
                else:
                    start = await beginning(answer)
        self._note(request, answer.status_code, started)
        return Response(answer.status_code, _lower(answer.headers), start)

    async def aclose(self) -> None:
        """End all connections; idempotent."""
        for library in (self._http, self._bodies, self._fresh):
            await library.aclose()

    def _target(self, url: str) -> httpx.URL:
        with our_failures(self._base, "understand an address"):
            if url.startswith("/"):
                return httpx.URL(f"{self._base}{url}")
            target = httpx.URL(url)
        if target.scheme not in {"http", "https"} or not target.host:
            raise Unavailable("the service gave an address that is none")
        if target.scheme != self._base.scheme and self._base.scheme == "https":
            raise Unavailable("the service asked for an unencrypted transfer")
        return target

    def _is_ours(self, target: httpx.URL) -> bool:
        return (target.scheme, target.host, target.port) == (self._base.scheme, self._base.host, self._base.port)

    async def _patiently(self, target: httpx.URL, purpose: str, attempt: _Attempt) -> Response:
        """What was refused for being too much was not executed, so it may be repeated whatever the method is."""
        for fallback_s in _PATIENCE_S:
            async with self._throttle.slot(target.netloc.decode(), purpose) as turn:
                response = await _heeded(attempt, turn)
            if not response.is_throttled:
                return response
            pause_s = response.retry_after
            self._throttle.pause(target.netloc.decode(), fallback_s if pause_s is None else pause_s)
        return response

    async def _exchange(self, request: httpx.Request) -> Response:
        started = trio.current_time()
        with our_failures(request.url, "answer"):
            answer = await self._http.send(request, auth=self._auth_for(request.url), stream=True)
            async with ended(answer):
                body = await whole(answer, self._settings.most_answer)
        self._note(request, answer.status_code, started)
        return Response(answer.status_code, _lower(answer.headers), body)

    def _auth_for(self, target: httpx.URL) -> httpx.Auth | None:
        return self._auth if self._is_ours(target) else None

    async def _receive(self, download: Download, judge: Judge | None) -> Response:
        started, wanted = trio.current_time(), download.arrival.missing
        body = b""
        with our_failures(download.target, "send its bytes"):
            answer = await self._follow(download, wanted)
            async with ended(answer):
                if answer.is_success:
                    if judge is not None:
                        judge(Response(answer.status_code, _lower(answer.headers), b""))
                    check_range(answer, wanted, download.total, whole=download.whole)
                    download.check_version(answer)
                    await take(answer, download)
                    body = download.arrival.gathered()
                else:
                    body = await beginning(answer)
        self._note(answer.request, answer.status_code, started)
        return Response(answer.status_code, _lower(answer.headers), body)

    async def _follow(self, download: Download, wanted: StoredSpan) -> httpx.Response:
        """Follow redirects one by one, since each new address must pass our own checks."""
        headers = {"Range": f"bytes={wanted.start}-{wanted.end - 1}", "Accept-Encoding": "identity"}
        patience_s = self._settings.stall_s * 2**download.silences
        timeout = httpx.Timeout(patience_s, connect=min(patience_s, self._settings.connect_timeout_s), pool=None)
        usual = self._bodies if wanted.length >= self._settings.thread_from else self._http
        library = self._fresh if download.connections else usual
        target = download.target
        for _ in range(_MAX_REDIRECTS):
            request = library.build_request("GET", target, headers=headers, timeout=timeout)
            request.stream = ExactBody(lambda: Once(b""), 0)
            answer = await library.send(request, stream=True, auth=self._auth_for(target))
            if not answer.has_redirect_location:
                return answer
            await answer.aclose()
            target = self._target(str(target.join(answer.headers["location"])))
        raise Unavailable("the service redirects for ever")

    def _note(self, request: httpx.Request, status: int, started: float) -> None:
        """Addresses of transfers are secrets in themselves, so only paths of authenticated calls are logged."""
        path = request.url.path if "Authorization" in request.headers else "..."
        elapsed_ms = (trio.current_time() - started) * 1000
        _log.debug("%s %s%s: %d in %.0f ms", request.method, request.url.host, path, status, elapsed_ms)


async def _heeded(attempt: _Attempt, turn: Turn) -> Response:
    """One attempt; how it ends says how much the host can bear."""
    try:
        response = await attempt()
    except Silence:
        turn.refused()
        raise
    if response.ok:
        turn.borne()
    elif response.status in _ASKS_FOR_LESS:
        turn.refused()
    return response


def _lower(headers: httpx.Headers) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


@cache
def tls_context(ca_file: str) -> ssl.SSLContext:
    """The system's authorities, and the user's own besides; raises ``OSError`` if the file cannot be used.

    Reading all of them takes longer than a request, so the clients of a process share one.
    """
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    if ca_file:
        context.load_verify_locations(cafile=ca_file)
    return context


def _silence_library() -> None:
    """The library logs whole addresses at INFO and whole headers at DEBUG, tokens included."""
    for name in ("httpx", "httpcore"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.WARNING)
        logger.propagate = False


def _widen_reads() -> None:
    """Raise the size of one socket read from 64 KiB, which measures 40 % more throughput.

    The attribute is private, so a library without it keeps its own size.
    """
    connection: Any = getattr(httpcore, "AsyncHTTP11Connection", None)
    present = getattr(connection, "READ_NUM_BYTES", None)
    if isinstance(present, int):
        connection.READ_NUM_BYTES = max(present, _READ_SIZE)
