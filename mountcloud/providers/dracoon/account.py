"""Who the account is, where its tree begins, and how much it holds (DRACOON facts, 5)."""

from dataclasses import dataclass

from mountcloud.crypt.keys import key_pair_version
from mountcloud.model.errors import AccountBlocked, InvalidArgument
from mountcloud.model.ids import NodeId, Version
from mountcloud.model.node import Kind, Node, Rights
from mountcloud.model.offers import Encryption, ServiceFacts
from mountcloud.model.provider import Usage
from mountcloud.providers.dracoon import wire
from mountcloud.providers.dracoon.api import Api
from mountcloud.providers.dracoon.keys import AccountKeys
from mountcloud.providers.dracoon.tree import Tree, same_name
from mountcloud.providers.dracoon.wire import NodeType, RemoteNode

_ROOM_MANAGER = "ROOM_MANAGER"


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """What a login has proved. ``encryption_unlocked`` is None where no encryption password is needed."""

    id: int
    user_name: str
    display_name: str
    room_manager: bool
    encryption_enabled: bool
    encryption_unlocked: bool | None = None


class Account:
    """The account behind the token; what rarely changes is asked once."""

    def __init__(self, api: Api, tree: Tree, keys: AccountKeys, root_path: str) -> None:
        self._api = api
        self._tree = tree
        self._keys = keys
        self._root_names = [name for name in root_path.split("/") if name]
        self._facts: AccountFacts | None = None
        self._configured_id: NodeId | None = None

    async def facts(self) -> AccountFacts:
        """The account; raises ``AccountBlocked`` where the user must act on the web first."""
        if self._facts is None:
            self._facts = _facts(await self._api.call("GET", "/v4/user/account"))
        return self._facts

    async def verified(self, *, has_password: bool) -> AccountFacts:
        """Prove everything that a mount will need.

        Raises ``AuthenticationRequired`` if a password is wrong; says whether the private key could be opened.
        """
        self._facts = None
        facts = await self.facts()
        if not facts.encryption_enabled:
            return facts
        if has_password:
            public = await self._keys.preferred_public()
            await self._keys.unlocked(key_pair_version(public.version))
        return AccountFacts(
            facts.id, facts.user_name, facts.display_name, facts.room_manager, True, encryption_unlocked=has_password
        )

    async def root(self) -> Node:
        """The top level, which cannot be asked for, or the room or folder of the settings.

        Raises ``InvalidArgument`` if the settings name none.
        """
        if self._root_names:
            return await self._configured_root()
        rights = Rights.READ
        if (await self.facts()).room_manager:
            rights |= Rights.CREATE_DIRECTORIES
        return Node(wire.ROOT_ID, None, "", Kind.DIRECTORY, 0, Version(""), 0, rights)

    def is_root(self, directory: NodeId) -> bool:
        """True for the place where the tree begins, which has no parent for us."""
        return directory == (wire.ROOT_ID if not self._root_names else self._configured_id)

    async def usage(self) -> Usage:
        """The tenant's space; a negative limit means none."""
        customer = await self._api.call("GET", "/v4/user/account/customer")
        limit = wire.integer(customer, "spaceLimit")
        total = None if limit is None or limit < 0 else limit
        return Usage(max(wire.integer(customer, "spaceUsed") or 0, 0), total)

    async def encryption(self) -> Encryption:
        """Whether the account has a key pair, else whether the tenant would take one (DRACOON facts, 4 and 5)."""
        if (await self.facts()).encryption_enabled:
            return Encryption.LOCKED
        general = await self._api.call("GET", "/v4/config/info/general")
        return Encryption.NO_KEYS if general.get("cryptoEnabled") is True else Encryption.NONE

    def forget(self) -> None:
        """What was asked once may be otherwise now."""
        self._facts = None

    async def about(self) -> ServiceFacts:
        """The version of the service and its clock (DRACOON facts, 4)."""
        software = await self._api.call("GET", "/v4/public/software/version")
        told = await self._api.call("GET", "/v4/public/time")
        version = wire.text(software, "version") or wire.text(software, "sdsServerVersion")
        time_ms = wire.parse_time_ms(wire.text(told, "time"))
        return ServiceFacts("DRACOON", version, None if time_ms is None else time_ms / 1000)

    async def _configured_root(self) -> Node:
        found: RemoteNode | None = None
        for name in self._root_names:
            parent = wire.ROOT_ID if found is None else found.node_id
            found = await self._directory(parent, name)
        if found is None:
            raise InvalidArgument("the root of the settings is empty")
        node = self._tree.to_node(found)
        self._configured_id = node.id
        kept = node.rights & (Rights.READ | Rights.CREATE_FILES | Rights.CREATE_DIRECTORIES | Rights.MOVE_IN)
        return Node(node.id, None, "", node.kind, 0, node.version, node.mtime_ns, kept, node.encrypted)

    async def _directory(self, parent: NodeId, name: str) -> RemoteNode:
        matching = [
            child
            for child in await self._tree.children(parent)
            if child.type is not NodeType.FILE and same_name(child.name, name)
        ]
        if not matching:
            raise InvalidArgument(f"the root of the settings does not exist: no directory {name!r}")
        return matching[0]


def _facts(account: wire.Json) -> AccountFacts:
    if account.get("isLocked") is True:
        raise AccountBlocked("the account is locked")
    if account.get("needsToAcceptEULA") is True:
        raise AccountBlocked("the terms of use must be accepted on the web")
    roles = account.get("userRoles")
    names = [wire.text(role, "name") for role in wire.items(roles)] if isinstance(roles, dict) else []
    first, last = wire.text(account, "firstName"), wire.text(account, "lastName")
    return AccountFacts(
        id=wire.integer(account, "id") or 0,
        user_name=wire.text(account, "userName"),
        display_name=f"{first} {last}".strip(),
        room_manager=_ROOM_MANAGER in names,
        encryption_enabled=account.get("isEncryptionEnabled") is True,
    )
