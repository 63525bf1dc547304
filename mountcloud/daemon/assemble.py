"""Settings -> objects. The only place that knows concrete classes."""

import os
import random
import shutil
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import trio

from mountcloud.crypt.draft_cipher import DraftSealer
from mountcloud.daemon.draft_keys import DraftKeys
from mountcloud.daemon.offering import Offers
from mountcloud.daemon.paths import AccountPaths
from mountcloud.daemon.secrets import SecretsWithRoom
from mountcloud.daemon.settings import AccountSettings
from mountcloud.engine.background import spared
from mountcloud.engine.budget import Budget
from mountcloud.engine.confirming import Confirmation
from mountcloud.engine.drafting import Drafts
from mountcloud.engine.fetching import Means
from mountcloud.engine.guarding import Removals
from mountcloud.engine.local_changes import LocalChanges
from mountcloud.engine.persisting import Persister
from mountcloud.engine.pinning import Pinner
from mountcloud.engine.queueing import Queue
from mountcloud.engine.reading import Library
from mountcloud.engine.recovery import recover
from mountcloud.engine.replaying import Replayer
from mountcloud.engine.resolving import Resolver
from mountcloud.engine.salvaging import Salvage
from mountcloud.engine.scouting import Scout
from mountcloud.engine.sending import Sender
from mountcloud.engine.surveying import Surveyor
from mountcloud.engine.syncing import Syncer
from mountcloud.fs.attributes import Owner
from mountcloud.fs.core import Core
from mountcloud.fs.filesystem import FileSystem
from mountcloud.fs.handles import Handles
from mountcloud.fs.states import States
from mountcloud.fuse.attributes import Timeouts
from mountcloud.fuse.notify import KernelNotifier
from mountcloud.fuse.operations import Operations
from mountcloud.fuse.session import MAX_TASKS, Session
from mountcloud.model.change import KernelCache, Stale
from mountcloud.model.errors import Failure
from mountcloud.model.node import Node
from mountcloud.model.notice import Told
from mountcloud.model.provider import Provider, Secrets
from mountcloud.policy.breadth import Breadth
from mountcloud.policy.freshness import Pace
from mountcloud.policy.guard import DeleteGuard
from mountcloud.policy.local_names import LocalNames
from mountcloud.policy.naming import Naming
from mountcloud.providers import registry
from mountcloud.providers.wrap.limited import limited
from mountcloud.providers.wrap.retrying import retrying
from mountcloud.store.attributes import Attributes
from mountcloud.store.chunk_memory import ChunkMemory
from mountcloud.store.chunk_store import ChunkStore, Limits
from mountcloud.store.index import Index
from mountcloud.store.journal import Journal
from mountcloud.store.places import PlaceBook
from mountcloud.store.reserve import Reserve
from mountcloud.store.staging import Staging

_MIB = 1 << 20
_SURVEYED_PER_SECOND = 5.0
"""Directories: a fraction of what services allow, so that programs and other machines hardly notice."""


@dataclass(slots=True)
class Mount:
    """One account, put together."""

    provider: Provider
    index: Index
    journal: Journal
    attributes: Attributes
    places: PlaceBook
    syncer: Syncer
    replayer: Replayer
    queue: Queue
    persister: Persister
    core: Core
    session: Session
    operations: Operations
    chunks: ChunkStore
    pinner: Pinner
    states: States
    offers: Offers
    surveyor: Surveyor | None = None

    def tell(self, told: Told) -> None:
        """From now on the user hears of trouble by this."""
        for each in (self.syncer, self.replayer, self.replayer.resolver, self.queue.removals):
            each.told = told

    def close(self) -> None:
        """Close the stores; every file that is still open is owed first."""
        for draft in self.core.drafts.all:
            self.core.local.seal(draft)
        self.persister.sweep()
        self.chunks.close()
        self.index.close()
        self.journal.close()
        self.attributes.close()
        self.places.close()


def _service(
    account: AccountSettings, secrets: Secrets, places: PlaceBook, chunks: ChunkStore
) -> tuple[Provider, Offers]:
    bare = registry.create(account.provider, account.options, secrets, places, chunks.keepsakes)
    return retrying(limited(bare)), Offers(bare)


def _limits(account: AccountSettings, paths: AccountPaths) -> Limits:
    usual = Limits.usual(paths.chunks.parent)
    return usual if account.cache.disk_mib is None else Limits(account.cache.disk_mib * _MIB, usual.keep_free)


def _reserves(paths: AccountPaths) -> tuple[Reserve, Reserve]:
    """For the state and for the cache; one for both where they are on one disk."""
    reserve = Reserve(paths.reserve)
    shared = paths.state.stat().st_dev == paths.cache.stat().st_dev
    return reserve, reserve if shared else Reserve(paths.cache_reserve)


def _staging(paths: AccountPaths, secrets: Secrets, reserve: Reserve) -> Staging:
    """Raises ``NoKey`` if drafts are here that nobody could read any more: better no mount than lost work."""
    keys = DraftKeys(secrets, paths.draft_key)
    staging = Staging(paths.staging, DraftSealer(keys, os.urandom), reserve)
    staging.demand_keys()
    with suppress(Failure):  # made now, as a keyring may take its time; a failure is for the first draft that needs it
        keys.current()
    return staging


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def _pace(account: AccountSettings) -> Pace:
    """While the kernel answers by itself a mount in use looks unused, so idleness begins well after that."""
    unseen_s = max(account.attributes.entry_timeout_s, account.attributes.attribute_timeout_s)
    return Pace(account.poll_interval_s, account.idle_poll_interval_s, max(2 * unseen_s, 120.0))


def _timeouts(account: AccountSettings) -> Timeouts:
    return Timeouts(account.attributes.entry_timeout_s, account.attributes.attribute_timeout_s)


def _means(account: AccountSettings, provider: Provider, chunks: ChunkStore, nursery: trio.Nursery) -> Means:
    memory = account.cache.memory_mib * _MIB
    loose, budget = ChunkMemory(memory // 4), Budget(memory * 3 // 4)
    return Means(provider, chunks, loose, budget, nursery, trio.CapacityLimiter(account.cache.parallel))


def _confirmation(
    account: AccountSettings, index: Index, journal: Journal, local: LocalChanges, replayer: Replayer
) -> Confirmation | None:
    """Half of the places at which the mount answers may be taken by calls that wait for the service."""
    if account.durability == "local":
        return None
    removals = local.removals
    found = Confirmation(
        index,
        journal,
        local.held,
        account.remote_deadline_s,
        MAX_TASKS // 2,
        stays_here=local.stays_here,
        stopped=lambda: removals.stopped,
    )
    replayer.refused, replayer.finished, removals.halted = found.refused, found.finished, found.finished
    replayer.waited_for = lambda: found.waiting > 0
    return found


def _breadth(parallel: int, requests: int) -> Breadth:
    """A quarter of the requests is left to whoever reads. Who wants changes one by one gets that."""
    return Breadth.of(parallel, 1 if parallel == 1 else min(4 * parallel, requests * 3 // 4))


def _forget_content(node: Node, index: Index, kernel: KernelCache) -> None:
    """What the kernel keeps of altered content must not be shown again."""
    entry = index.by_id(node.id)
    if entry is not None:
        kernel.forget([Stale(entry.inode, content=True)])


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is kept on this machine."""

    index: Index
    journal: Journal
    attributes: Attributes
    places: PlaceBook
    staging: Staging
    chunks: ChunkStore
    reserves: tuple[Reserve, Reserve]

    @property
    def databases(self) -> tuple[Index, Journal, Attributes, PlaceBook]:
        """What is written in small steps."""
        return self.index, self.journal, self.attributes, self.places


def _chunks(account: AccountSettings, paths: AccountPaths, reserve: Reserve) -> ChunkStore:
    limits = _limits(account, paths)
    return ChunkStore(paths.chunks, limits, _boot(), lambda: shutil.disk_usage(paths.chunks).free, reserve)


def _kept(
    paths: AccountPaths,
    secrets: Secrets,
    *,
    naming: Naming,
    places: PlaceBook,
    chunks: ChunkStore,
    reserves: tuple[Reserve, Reserve],
) -> _Kept:
    """Open it, and lay what is owed over what was known. Raises ``NoKey``."""
    reserve, cache_reserve = reserves
    index = Index(paths.index, naming.file_name, naming.folded, cache_reserve)
    journal, attributes = Journal(paths.journal, reserve), Attributes(paths.attributes, reserve)
    staging = _staging(paths, secrets, reserve)
    recover(index, journal, attributes, staging, time.time())
    attributes.prune(time.time(), lambda node: index.by_id(node) is not None)
    return _Kept(index, journal, attributes, places, staging, chunks, reserves)


def _removals(account: AccountSettings, journal: Journal) -> Removals:
    found = Removals(journal, DeleteGuard(account.upload.delete_limit, account.upload.delete_window_s), time.time)
    found.start()
    return found


def _local(
    account: AccountSettings, provider: Provider, kept: _Kept, *, drafts: Drafts, handles: Handles, salvage: Salvage
) -> LocalChanges:
    """Who waits for the service at each change gains nothing by letting files settle."""
    return LocalChanges(
        kept.index,
        kept.journal,
        kept.attributes,
        drafts,
        time.time_ns,
        account.upload.settle_s if account.durability == "local" else 0.0,
        handles.open_on,
        handles.writing_on,
        salvage,
        _removals(account, kept.journal),
        LocalNames(account.upload.local_only),
        keeps_modes=provider.capabilities.keeps_modes,
    )


def _resolver(provider: Provider, kept: _Kept, local: LocalChanges, syncer: Syncer) -> Resolver:
    return Resolver(
        index=kept.index,
        journal=kept.journal,
        attributes=kept.attributes,
        local=local,
        syncer=syncer,
        clock=time.time,
        today=lambda: datetime.now(UTC).date().isoformat(),
        host=socket.gethostname(),
        names=provider.capabilities.names,
    )


def _replayer(
    account: AccountSettings, provider: Provider, kept: _Kept, local: LocalChanges, syncer: Syncer
) -> Replayer:
    return Replayer(
        index=kept.index,
        journal=kept.journal,
        attributes=kept.attributes,
        staging=kept.staging,
        local=local,
        sender=Sender(provider, kept.journal, kept.staging, local),
        syncer=syncer,
        clock=time.time,
        jitter=random.random,
        resolver=_resolver(provider, kept, local, syncer),
        parallel=account.upload.parallel,
        breadth=_breadth(account.upload.parallel, provider.capabilities.max_concurrency),
    )


def assemble(
    account: AccountSettings, paths: AccountPaths, secrets: Secrets, mountpoint: Path, nursery: trio.Nursery
) -> Mount:
    """Open the stores, recover the journal, make everything; needs no network. ``nursery`` carries downloads."""
    reserves = _reserves(paths)
    secrets = SecretsWithRoom(secrets, reserves[0].release)
    places, chunks = PlaceBook(paths.places, reserves[0]), _chunks(account, paths, reserves[1])
    provider, offers = _service(account, secrets, places, chunks)
    naming = Naming(provider.capabilities.names, account.attributes.symlinks)
    kept = _kept(paths, secrets, naming=naming, places=places, chunks=chunks, reserves=reserves)
    index, attributes = kept.index, kept.attributes
    means = _means(account, provider, kept.chunks, nursery)
    library = Library(means, strict=account.cache.integrity == "strict")
    drafts = Drafts(kept.staging, library, time.time_ns)
    handles, salvage, notifier = Handles(), Salvage(library, nursery), KernelNotifier()
    local = _local(account, provider, kept, drafts=drafts, handles=handles, salvage=salvage)
    recheck_s = 6 * account.poll_interval_s
    syncer = Syncer(provider, index, kept.journal, drafts, notifier, time.time, recheck_s, _pace(account))
    replayer = _replayer(account, provider, kept, local, syncer)
    scout = Scout(index, syncer.list_once, nursery, time.monotonic)
    syncer.walked, syncer.listed = scout.opened, scout.go_on
    syncer.vanished = attributes.vanished
    local.owed, salvage.done = replayer.changed, replayer.wake
    library.outdated = lambda node: nursery.start_soon(spared, syncer.look_again, node.parent) if node.parent else None
    means.altered = lambda node: _forget_content(node, index, notifier)
    pinner = Pinner(index, attributes, syncer, library, kept.chunks, 3 * account.poll_interval_s)
    core = Core(
        index,
        kept.journal,
        attributes,
        drafts,
        library,
        local,
        syncer,
        naming,
        Owner(os.getuid(), os.getgid()),
        handles,
        _confirmation(account, index, kept.journal, local, replayer),
    )
    states = States(core, pinner, account.provider, offers.words)
    operations = _operations(account, FileSystem(core, states, provider.capabilities.max_file_size))
    session = Session(mountpoint, account.name, notifier, account.allow_other, account.desktop.subtype)
    queue, persister = Queue(replayer, local.removals), Persister(kept.journal, kept.staging, reserves, kept.databases)
    surveyor = Surveyor(index, syncer, _SURVEYED_PER_SECOND) if account.background_index else None
    return Mount(
        *(provider, *kept.databases, syncer, replayer, queue, persister, core, session, operations, kept.chunks),
        *(pinner, states, offers),
        surveyor=surveyor,
    )


def _operations(account: AccountSettings, fs: FileSystem) -> Operations:
    extended, thumbnailers = account.attributes.extended, account.desktop.thumbnailers
    return Operations(fs, _timeouts(account), extended=extended, thumbnailers=thumbnailers)
