"""A way through a proxy to a host behind it (RFC 9110, section 9.3.6, CONNECT)."""

import base64

import h11
import trio
from websockets.proxy import Proxy, get_proxy, parse_proxy
from websockets.uri import WebSocketURI

from mountcloud.model.errors import Unavailable
from mountcloud.net.failures import BrokenOff
from mountcloud.net.http import tls_context

_THIS_MACHINE = {"127.0.0.1", "localhost", "::1"}
_READ_SIZE = 16 * 1024


def proxy_for(address: WebSocketURI, wanted: str) -> Proxy | None:
    """The proxy of the settings, else that of the environment, for everything but this machine.

    Raises ``Unavailable`` for kinds of proxies that cannot be used for this.
    """
    if address.host in _THIS_MACHINE:
        return None
    found = wanted or get_proxy(address)
    if found is None:
        return None
    proxy = parse_proxy(found)
    if proxy.scheme not in {"http", "https"}:
        hint = "name an http proxy as proxy in the settings"
        raise Unavailable(f"a proxy of the kind {proxy.scheme} does not carry WebSockets here", hint=hint)
    return proxy


async def tunnel(proxy: Proxy, host: str, port: int, ca_file: str) -> trio.abc.Stream:
    """A connection to the host. Raises ``BrokenOff`` if the proxy refuses, and what trio raises of streams."""
    stream: trio.abc.Stream = await trio.open_tcp_stream(proxy.host, proxy.port)
    try:
        if proxy.scheme == "https":
            stream = trio.SSLStream(stream, tls_context(ca_file), server_hostname=proxy.host, https_compatible=True)
        await _ask(stream, proxy, f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    except BaseException:
        await trio.aclose_forcefully(stream)
        raise
    return stream


async def _ask(stream: trio.abc.Stream, proxy: Proxy, target: str) -> None:
    connection = h11.Connection(h11.CLIENT)
    headers = [("Host", target)]
    if proxy.username is not None:
        pair = base64.b64encode(f"{proxy.username}:{proxy.password or ''}".encode()).decode()
        headers.append(("Proxy-Authorization", f"Basic {pair}"))
    asked = connection.send(h11.Request(method="CONNECT", target=target, headers=headers))
    await stream.send_all(asked or b"")
    try:
        while (event := connection.next_event()) is h11.NEED_DATA:
            connection.receive_data(bytes(await stream.receive_some(_READ_SIZE)))
    except h11.RemoteProtocolError:
        raise BrokenOff(f"the proxy {proxy.host} does not speak HTTP") from None
    status = event.status_code if isinstance(event, h11.Response) else 0
    if not 200 <= status < 300:
        raise BrokenOff(f"the proxy {proxy.host} does not let us through to {target}: {status}")
