"""Work that no program waits for: a fault in it is told in the log, and ends neither the mount nor other work."""

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVarTuple, Unpack

import trio

log = logging.getLogger(__name__)

AGAIN_S = 60.0
"""Seconds after which work that is meant to go on for ever begins anew."""

_Arguments = TypeVarTuple("_Arguments")


async def spared(task: Callable[[Unpack[_Arguments]], Awaitable[object]], *arguments: *_Arguments) -> None:
    """Do it once."""
    try:
        await task(*arguments)
    except Exception:
        log.exception("%s met a fault of mountcloud", task.__qualname__)


async def lasting(service: Callable[[], Awaitable[None]], again_s: float = AGAIN_S) -> None:
    """Do it until it ends by itself, from the beginning after each fault."""
    while True:
        try:
            await service()
        except Exception:
            log.exception("%s met a fault of mountcloud, and begins anew in %g s", service.__qualname__, again_s)
            await trio.sleep(again_s)
        else:
            return
