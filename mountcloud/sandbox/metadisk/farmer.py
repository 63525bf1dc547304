"""The farmers: whoever knows a channel's token gets its shard over a WebSocket, once (Metadisk facts, 6)."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress

from starlette.websockets import WebSocket, WebSocketDisconnect

from mountcloud.sandbox.metadisk.state import Channel, Sandbox


class _Rejected(Exception):
    """A transfer that the farmer refuses."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


async def transfer(socket: WebSocket) -> None:
    """One connection, from its first message to its end."""
    box: Sandbox = socket.app.state.box
    await socket.accept()
    try:
        async with asyncio.timeout(box.switches.channel_lifetime):
            message = await socket.receive()
    except TimeoutError:
        await socket.close()
        return
    if message["type"] != "websocket.disconnect":
        with suppress(WebSocketDisconnect):
            await _answer(socket, box, message.get("text") or message.get("bytes") or "")


async def _answer(socket: WebSocket, box: Sandbox, wish: str | bytes) -> None:
    try:
        await _give(socket, box, _asked(box, wish))
    except _Rejected as rejected:
        await _reject(socket, box, rejected)


async def _give(socket: WebSocket, box: Sandbox, channel: tuple[str, Channel]) -> None:
    token, promise = channel
    promise.active = True
    try:
        trouble = _trouble(box)
        async for piece in _pieces(box, promise, trouble):
            await socket.send_bytes(piece)
        if trouble == "silent":
            await _gone(socket)
        if trouble == "error":
            raise _Rejected(500, box.switches.farmer_error)
    finally:
        box.channels.pop(token, None)
    if box.switches.late_farmers:
        await socket.send_text(json.dumps({"code": 200, "message": "Consignment completed"}))
    await socket.close()


async def _pieces(box: Sandbox, promise: Channel, trouble: str) -> AsyncIterator[bytes]:
    """The shard in messages, as far as there is no trouble."""
    left = box.switches.farmer_after
    try:
        file = box.blobs.path(promise.blob).open("rb")
    except FileNotFoundError:
        raise _Rejected(500, "Shard not found") from None
    with file:
        while piece := file.read(max(1, box.switches.piece)):
            if trouble in {"error", "short", "silent"}:
                piece = piece[:left]
            elif trouble == "wrong" and left < len(piece):
                piece = piece[:left] + bytes([piece[left] ^ 1]) + piece[left + 1 :]
                trouble = ""
            if not piece:
                return
            left -= min(left, len(piece))
            yield piece
    if trouble == "long":
        yield b"more than was stored"


async def _reject(socket: WebSocket, box: Sandbox, rejected: _Rejected) -> None:
    """Farmers of version 0.6 close with the code, though no close code may be less than 1000 (RFC 6455, 7.4.2)."""
    if box.switches.late_farmers:
        await socket.close(rejected.code, str(rejected))
        return
    code = 500 if rejected.code == 500 else 400
    await socket.send_text(json.dumps({"code": code, "message": str(rejected)}))
    await socket.close()


async def _gone(socket: WebSocket) -> None:
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass
    raise WebSocketDisconnect


def _asked(box: Sandbox, text: str | bytes) -> tuple[str, Channel]:
    """The channel that the first message opens, with its token."""
    try:
        said = json.loads(text)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise _Rejected(400, "Failed to parse message")
    token, hash_ = said.get("token"), said.get("hash")
    if not token:
        raise _Rejected(400, "You did not supply a token")
    channel = box.channel(str(token))
    if channel is None:
        raise _Rejected(401, "The supplied token is not accepted")
    if not hash_:
        raise _Rejected(400, "You did not supply the data hash")
    if channel.active:
        raise _Rejected(400, "Channel is already active")
    if channel.hash != hash_:
        raise _Rejected(400, "Token not valid for hash")
    return str(token), channel


def _trouble(box: Sandbox) -> str:
    """What goes wrong this time."""
    switches = box.switches
    if not switches.farmer_trouble or not switches.farmer_troubles:
        return ""
    if switches.farmer_troubles > 0:
        with box.transaction():
            box.change_switches({"farmer_troubles": switches.farmer_troubles - 1})
    return switches.farmer_trouble
