"""Key pairs and file keys of one account: fetched once, unlocked once, shared with those who lack them."""

import json
import logging
import os
from collections import OrderedDict, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import trio

from mountcloud.crypt.keys import (
    FileKey,
    KeyPairVersion,
    PrivateKeyContainer,
    PublicKeyContainer,
    UnlockedKey,
    WrappedFileKey,
    file_key_version,
    make_key_pair,
    unlock,
    wrap,
)
from mountcloud.model.errors import Corrupt, Failure, NoKey, Unsupported
from mountcloud.model.keepsakes import Keepsakes
from mountcloud.model.provider import Secrets
from mountcloud.providers.dracoon import wire
from mountcloud.providers.dracoon.api import Api
from mountcloud.providers.dracoon.errors import NO_KEY_PAIR

_log = logging.getLogger(__name__)

_CACHED_KEYS = 4096
_BATCH = 100
"""The service gives no more missing keys at once (DRACOON facts, 13)."""

_MAX_BATCHES = 1000
_FILE_KEY, _PRIVATE_KEY = "file key ", "private key "
"""Names of keepsakes."""
_HINT = "store it with `mountcloud login`"


@dataclass(frozen=True, slots=True)
class _Gift:
    """A file's key, wrapped for somebody else."""

    user: int
    file: int
    key: WrappedFileKey


class AccountKeys:
    """The keys of one account. Secrets used: ``encryption_password``. Nothing decrypted ever reaches the disk.

    Keepsakes: file keys wrapped as the service has them, and the private key locked by its password.
    """

    def __init__(self, api: Api, secrets: Secrets, keepsakes: Keepsakes) -> None:
        self._api = api
        self._secrets = secrets
        self._keepsakes = keepsakes
        self._unlocking = trio.Lock()
        self._unlocked: dict[KeyPairVersion, UnlockedKey] = {}
        self._preferred: PublicKeyContainer | None = None
        self._file_keys: OrderedDict[str, FileKey] = OrderedDict()

    async def file_key(self, version: str) -> FileKey:
        """The key of a file at this version, from here or from the service; raises what ``asked_file_key`` raises."""
        return await self.kept_file_key(version) or await self.asked_file_key(version)

    async def asked_file_key(self, version: str) -> FileKey:
        """The same, asked of the service and kept; raises ``NoKey`` (none for us, or no password), ``NotFound``.

        Raises ``AuthenticationRequired`` if the encryption password is wrong.
        """
        wrapped = await self.wrapped_file_key(version)
        known = await self.unwrapped(wrapped)
        self._keep(version, wrapped)
        self.remember(version, known)
        return known

    async def kept_file_key(self, version: str) -> FileKey | None:
        """The key, if it is known here without asking the service; a new key pair opens no old keepsake."""
        known, kept = self._file_keys.get(version), self._keepsakes.get(_FILE_KEY + version)
        if known is None and kept is not None:
            known = await self._of_use(kept)
        elif known is not None and kept is None and self._preferred is not None:  # a file that was uploaded just now
            self._keep(version, await trio.to_thread.run_sync(wrap, known, self._preferred))
        if known is not None:
            self.remember(version, known)
        return known

    def _keep(self, version: str, wrapped: WrappedFileKey) -> None:
        self._keepsakes.put(_FILE_KEY + version, json.dumps(wire.file_key_json(wrapped)))

    async def _of_use(self, kept: str) -> FileKey | None:
        try:
            return await self.unwrapped(wire.file_key(json.loads(kept)))
        except (NoKey, Corrupt) as failure:
            _log.info("a file key that was kept here is of no use any more: %s", failure)
            return None

    async def unwrapped(self, wrapped: WrappedFileKey) -> FileKey:
        """What is inside; raises ``NoKey``, ``Corrupt``, ``AuthenticationRequired``."""
        pair = await self.unlocked(file_key_version(wrapped.version).key_pair_version)
        return await trio.to_thread.run_sync(pair.unwrap, wrapped)

    async def wrapped_file_key(self, version: str) -> WrappedFileKey:
        """The key of a file as the service keeps it for us; raises ``NoKey``, ``NotFound``."""
        return wire.file_key(await self._api.call("GET", f"/v4/nodes/files/{version}/user_file_key"))

    def remember(self, version: str, file_key: FileKey) -> None:
        """Keep the key of a version, which never changes."""
        self._file_keys[version] = file_key
        self._file_keys.move_to_end(version)
        while len(self._file_keys) > _CACHED_KEYS:
            self._file_keys.popitem(last=False)

    async def unlocked(self, version: KeyPairVersion) -> UnlockedKey:
        """Our private key; unlocking costs a second, so it happens once and in a thread (DRACOON facts, 22.2)."""
        async with self._unlocking:
            known = self._unlocked.get(version)
            if known is not None:
                return known
            password = self._secrets.get("encryption_password")
            if not password:
                raise NoKey("the encryption password of this account is not known", hint=_HINT)
            key = await trio.to_thread.run_sync(unlock, await self._locked(version), password)
            self._unlocked[version] = key
            return key

    async def _locked(self, version: KeyPairVersion) -> PrivateKeyContainer:
        """Our private key as the service has it; as it was seen last, while the service is away."""
        name = _PRIVATE_KEY + version.value
        try:
            found = wire.private_key((await self._pair(version)).get("privateKeyContainer"))
        except Failure as failure:
            kept = self._keepsakes.get(name) if failure.transient else None
            if kept is None:
                raise
            return wire.private_key(json.loads(kept))
        self._keepsakes.put(name, json.dumps(wire.private_key_json(found)))
        return found

    async def unlock_ahead(self) -> None:
        """The private key that most files need, if its password is stored; raises what ``unlocked`` raises."""
        if not self._secrets.get("encryption_password"):
            return
        for version in await self._preferences():
            try:
                await self.unlocked(version)
            except NoKey:
                continue
            return

    async def preferred_public(self) -> PublicKeyContainer:
        """Our public key of the kind that the service requires, else of any kind we have; raises ``NoKey``."""
        if self._preferred is None:
            self._preferred = await self._find_preferred()
        return self._preferred

    async def versions(self) -> list[KeyPairVersion]:
        """The kinds that the service takes, those that it requires first."""
        return await self._preferences()

    async def held(self) -> list[KeyPairVersion]:
        """The kinds of which the account has a pair, what the service requires first."""
        return [version for version in await self._preferences() if await self._holds(version)]

    async def make(self, version: KeyPairVersion, password: str) -> None:
        """Give the account its first pair of this kind; raises ``Exists`` if it has one (DRACOON facts, 6)."""
        pair = await _new_pair(version, password)
        (await self._api.send("POST", "/v4/user/account/keypair", json=pair)).done()
        self._forget()

    async def add(self, version: KeyPairVersion) -> int:
        """Make a pair of this kind beside the one that there is, under the same password, and wrap file keys for it.

        Tells how many. What was interrupted goes on when it is called again; the other pair stays, since it alone opens
        what is in recycle bins (DRACOON facts, 6). Raises ``NoKey``, ``AuthenticationRequired`` (wrong password).
        """
        others = [each for each in await self.held() if each is not version]
        if not others:
            raise NoKey("this account has no other key pair")
        await self.unlocked(others[0])
        if not await self._holds(version):
            old = wire.private_key((await self._pair(others[0])).get("privateKeyContainer"))
            pair = await _new_pair(version, self._secrets.get("encryption_password") or "")
            body = {"previousPrivateKey": wire.private_key_json(old), **pair}
            (await self._api.send("POST", "/v4/user/account/keypairs", json=body)).done()
        self._forget()
        return await self.distribute(own=True)

    async def replace(self, version: KeyPairVersion, password: str) -> None:
        """Throw the pair of this kind away and make another; what only it could open is lost (DRACOON facts, 6).

        Raises ``NoKey`` if there is none. After a failure between the two steps there is none, and ``make`` makes it.
        """
        await self._pair(version)
        pair = await _new_pair(version, password)
        gone = await self._api.send("DELETE", "/v4/user/account/keypair", params={"version": version.value})
        gone.done()
        self._forget()
        try:
            (await self._api.send("POST", "/v4/user/account/keypair", json=pair)).done()
        except Failure as failure:
            words = f"the old key pair is gone, and the new one did not arrive: {failure.message}"
            raise type(failure)(words, hint="mountcloud login NAME makes one") from failure

    async def distribute(self, *, file: int | None = None, own: bool = False) -> int:
        """Give the file's key (or all keys) to those who lack it; returns how many were given.

        With ``own`` those are we ourselves, with a new key pair.

        The list shrinks by what was given, so each round begins anew behind those that nobody can help
        (DRACOON facts, 13).
        """
        given: set[tuple[int, int]] = set()
        hopeless = 0
        for _ in range(_MAX_BATCHES):
            missing = await self._missing(file, hopeless, own=own)
            posted = await self._give(missing) - given
            given |= posted
            hopeless += len(set(missing.pairs) - posted)
            if not missing.more or not missing.pairs:
                break
        return len(given)

    async def _missing(self, file: int | None, offset: int, *, own: bool) -> wire.MissingKeys:
        query: dict[str, str | int] = {"offset": offset, "limit": _BATCH}
        if own:
            query["use_key"] = "previous_user_key"
        if file is not None:
            query["file_id"] = file
        return wire.missing_keys(await self._api.call("GET", "/v4/nodes/missingFileKeys", params=query))

    async def _give(self, missing: wire.MissingKeys) -> set[tuple[int, int]]:
        """Post what can be wrapped; the (user, file) pairs that got a key."""
        keys = await self._unwrap_all(missing)
        if not keys:
            return set()
        found = await trio.to_thread.run_sync(lambda: list(_wrapped_for_others(missing, keys)))
        gifts = [{"userId": gift.user, "fileId": gift.file, "fileKey": wire.file_key_json(gift.key)} for gift in found]
        if gifts:
            (await self._api.send("POST", "/v4/nodes/files/keys", json={"items": gifts})).done()
        return {(gift.user, gift.file) for gift in found}

    async def _unwrap_all(self, missing: wire.MissingKeys) -> dict[int, FileKey]:
        """The keys that we can open; one that fails must not keep the others back."""
        keys: dict[int, FileKey] = {}
        for number, wrapped in missing.files:
            if (known := keys.get(number) or self._file_keys.get(str(number))) is not None:
                keys[number] = known
                continue
            try:
                keys[number] = await self.unwrapped(wrapped)
            except (NoKey, Corrupt, Unsupported) as failure:
                _log.warning("the key of file %d cannot be shared: %s", number, failure)
        return keys

    async def _find_preferred(self) -> PublicKeyContainer:
        for version in await self._preferences():
            try:
                return wire.public_key((await self._pair(version)).get("publicKeyContainer"))
            except NoKey:
                continue
        raise NoKey("this account has no key pair", hint="set an encryption password on the web")

    async def _preferences(self) -> list[KeyPairVersion]:
        """Required kinds first; an old service without the list means ``A`` (DRACOON facts, 4)."""
        answer = await self._api.send("GET", "/v4/config/info/policies/algorithms")
        if not answer.ok and answer.status != 404:
            raise answer.failure()
        algorithms = wire.items(wire.mapping(answer.body), "keyPairAlgorithms") if answer.ok else []
        required = [wire.text(item, "version") for item in algorithms if item.get("status") == "REQUIRED"]
        known = [KeyPairVersion(text) for text in required if text in {version.value for version in KeyPairVersion}]
        fallback = [KeyPairVersion.RSA_4096, KeyPairVersion.A] if algorithms else [KeyPairVersion.A]
        return [*known, *(version for version in fallback if version not in known)]

    async def _holds(self, version: KeyPairVersion) -> bool:
        try:
            await self._pair(version)
        except NoKey:
            return False
        return True

    def _forget(self) -> None:
        """What was known of pairs and of the keys that they open."""
        self._preferred = None
        self._unlocked.clear()
        self._file_keys.clear()

    async def _pair(self, version: KeyPairVersion) -> wire.Json:
        answer = await self._api.send("GET", "/v4/user/account/keypair", params={"version": version.value})
        if answer.status == 404 and answer.code in {NO_KEY_PAIR, None} and answer.spoke_json:
            raise NoKey(f"this account has no key pair of version {version.value}")
        return answer.required()


async def _new_pair(version: KeyPairVersion, password: str) -> dict[str, dict[str, str]]:
    private, public = await trio.to_thread.run_sync(make_key_pair, version, password, os.urandom)
    return {
        "privateKeyContainer": wire.private_key_json(private),
        "publicKeyContainer": wire.public_key_json(public),
    }


def _wrapped_for_others(missing: wire.MissingKeys, keys: dict[int, FileKey]) -> Iterator[_Gift]:
    """One gift per pair and public key of the user; keys that cannot be used are skipped."""
    recipients: defaultdict[int, list[PublicKeyContainer]] = defaultdict(list)
    for user, public in missing.users:
        recipients[user].append(public)
    for user, file in missing.pairs:
        for public in recipients[user] if file in keys else ():
            try:
                yield _Gift(user, file, wrap(keys[file], public))
            except (Corrupt, Unsupported) as failure:
                _log.warning("user %d cannot be given the key of file %d: %s", user, file, failure)
