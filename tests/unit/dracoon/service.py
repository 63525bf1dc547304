"""An account of its own in the shared sandbox, for tests of one behaviour each."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

import trio

from mountcloud.model.ids import NodeId
from mountcloud.model.keepsakes import Keepsakes
from mountcloud.model.node import Node
from mountcloud.model.provider import UploadTarget
from mountcloud.providers.dracoon.provider import DracoonProvider
from mountcloud.providers.dracoon.settings import Channel, DracoonSettings
from tests.conformance.content import MTIME_NS, BytesSource
from tests.conformance.dracoon_factories import MemorySecrets
from tests.sandbox.account import fresh
from tests.sandbox.fixture import RunningSandbox

PASSWORD, ENCRYPTION_PASSWORD = "secret", "key secret"
ROOM_MANAGER = 4
MEMBER = ("read", "create", "change", "delete")


class Kept(dict[str, str]):
    """Keepsakes in memory."""

    def put(self, name: str, text: str) -> None:
        self[name] = text


@dataclass
class Person:
    """A user of the sandbox; ``providers`` are closed at the end of the test."""

    sandbox: RunningSandbox
    id: int
    name: str
    providers: list[DracoonProvider] = field(default_factory=list)

    def provider(
        self,
        *,
        encryption_password: str = ENCRYPTION_PASSWORD,
        keepsakes: Keepsakes | None = None,
        **settings: object,
    ) -> DracoonProvider:
        base = DracoonSettings(self.sandbox.base_url, self.name, part_size=1 << 20)
        secrets = MemorySecrets(password=PASSWORD)
        if encryption_password:
            secrets.put("encryption_password", encryption_password)
        asked = replace(base, **settings)  # type: ignore[arg-type] # named by each test
        made = DracoonProvider(asked, secrets, keepsakes)
        self.providers.append(made)
        return made

    def room(self, *, encrypted: bool = False, parent: int = 0) -> NodeId:
        number = self.sandbox.control.add_room(fresh("room"), self.id, parent=parent, encrypted=encrypted)
        return NodeId(str(number))


def person(sandbox: RunningSandbox, *key_pairs: str, roles: tuple[int, ...] = (ROOM_MANAGER,)) -> Person:
    """A new user with key pairs of these versions."""
    name = fresh("person")
    user = sandbox.control.add_user(name, PASSWORD, roles=roles)
    for version in key_pairs:
        sandbox.control.add_key_pair(user, ENCRYPTION_PASSWORD, version)
    return Person(sandbox, user, name)


def run(action: Callable[[], Awaitable[None]], *people: Person) -> None:
    """Run a test and end the connections of these people."""

    async def main() -> None:
        try:
            with trio.fail_after(60):
                await action()
        finally:
            with trio.CancelScope(shield=True):
                for one in people:
                    for provider in one.providers:
                        await provider.aclose()

    trio.run(main)


async def put(provider: DracoonProvider, room: NodeId, name: str, data: bytes, replaces: Node | None = None) -> Node:
    """Upload, with the time of all tests."""
    ref = replaces.ref if replaces else None
    return await provider.upload(UploadTarget(room, name, ref, len(data), MTIME_NS), BytesSource(data))


BOTH = (Channel.CLASSIC, Channel.S3)
