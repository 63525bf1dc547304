"""The two things that we say over D-Bus; the only import of its library (the extra ``desktop``).

Each has a connection of its own: both are rare, and a bus that was restarted needs no care.
"""

import html
from collections.abc import Sequence

from jeepney import DBusAddress, DBusErrorResponse, MessageType, new_method_call
from jeepney.fds import FileDescriptor
from jeepney.io.trio import open_dbus_router

_NOTIFICATIONS = DBusAddress(
    "/org/freedesktop/Notifications",
    bus_name="org.freedesktop.Notifications",
    interface="org.freedesktop.Notifications",
)
_LOGIND = DBusAddress(
    "/org/freedesktop/login1", bus_name="org.freedesktop.login1", interface="org.freedesktop.login1.Manager"
)
_NORMAL_URGENCY = 1


class BusError(Exception):
    """There is no such bus, or what was asked for was refused."""


async def notify(summary: str, body: str) -> None:
    """Show a notification (Desktop Notifications Specification 1.2). Raises ``BusError``."""
    hints: dict[str, tuple[str, object]] = {"urgency": ("y", _NORMAL_URGENCY), "category": ("s", "network")}
    arguments: tuple[object, ...] = (
        "mountcloud",
        0,
        "folder-remote",
        summary,
        html.escape(body, quote=False),
        [],
        hints,
        -1,
    )
    await _asked("SESSION", _NOTIFICATIONS, "Notify", "susssasa{sv}i", arguments)


async def inhibit(what: str, why: str, mode: str) -> int:
    """A descriptor; ``what`` waits until it is closed (systemd-logind's Inhibit). Raises ``BusError``."""
    (lock,) = await _asked("SYSTEM", _LOGIND, "Inhibit", "ssss", (what, "mountcloud", why, mode))
    if not isinstance(lock, FileDescriptor):
        raise BusError("the answer holds no lock")
    return int(lock.to_raw_fd())


async def _asked(
    bus: str, address: DBusAddress, method: str, signature: str, arguments: Sequence[object]
) -> tuple[object, ...]:
    try:
        async with open_dbus_router(bus, enable_fds=True) as router:
            reply = await router.send_and_get_reply(new_method_call(address, method, signature, tuple(arguments)))
    except (OSError, KeyError, ValueError) as error:
        raise BusError(f"there is no {bus.lower()} bus: {error}") from error
    if reply.header.message_type is MessageType.error:
        raise BusError(f"{method} was refused: {DBusErrorResponse(reply)}")
    return tuple(reply.body)
