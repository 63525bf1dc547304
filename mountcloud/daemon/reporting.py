"""What ``mountcloud status`` and ``mountcloud info`` tell, as JSON values."""

from mountcloud.daemon.assemble import Mount
from mountcloud.model.operation import Operation, OperationState

_MOST_NAMED = 20
"""Changes of a kind that a status names; ``mountcloud queue`` names all."""
_LOOKED_THROUGH = 1000
"""Of more changes than this some are meant for the service: those that stay here for their names are few."""


def report(mount: Mount, state: str) -> dict[str, object]:
    """How the mount is. Sizes in bytes, rates in bytes a second, times in seconds since the epoch."""
    parked = parked_changes(mount)
    return {
        "state": state,
        "mountpoint": str(mount.session.mountpoint),
        "service": mount.states.service,
        "online": mount.syncer.healthy,
        "trouble": mount.syncer.trouble,
        "last_poll": mount.syncer.last_poll,
        "owed": owed(mount),
        "parked": len(parked),
        "uploads": [_upload(mount, each) for each in _under_way(mount)],
        "parked_changes": [_parked(mount, each) for each in parked[:_MOST_NAMED]],
        **_surveyed(mount),
        "kernel_requests": mount.operations.answered,
        "paused": mount.replayer.paused,
        "message": mount.queue.trouble or (parked[0].error if parked else mount.pinner.trouble),
        "cache_used": mount.chunks.used,
        "cache_limit": mount.chunks.most,
        "pinned": mount.pinner.paths,
        "pinned_missing": mount.pinner.missing,
        "altered": _altered(mount),
    }


async def info(mount: Mount, path: str) -> dict[str, object]:
    """One file or directory, as its attributes tell; raises what looking up a path raises."""
    entry = await mount.core.at(path)
    words: dict[str, object] = dict(mount.states.of(entry).words())
    facts = mount.core.stat(entry)
    kind = "directory" if entry.node.is_directory else "file"
    return {"path": path, "kind": kind, "size": facts.size, "mtime_ns": facts.mtime_ns, **words}


def owed(mount: Mount) -> int:
    """How many changes are on their way to the service, or will be."""
    return sum(each.state is not OperationState.PARKED for each in mount.replayer.owed)


def is_owed(mount: Mount) -> bool:
    """True if there is work that the service does not have; asked often, so long queues are not looked through."""
    operations = mount.journal.operations
    return len(operations) > _LOOKED_THROUGH or (bool(operations) and bool(mount.replayer.owed))


def parked_changes(mount: Mount) -> list[Operation]:
    """Those that failed and wait for the user."""
    return [each for each in mount.journal.operations if each.state is OperationState.PARKED]


def _under_way(mount: Mount) -> list[Operation]:
    found = (mount.journal.get(key) for key in list(mount.replayer.sender.uploads))
    return [each for each in found if each is not None][:_MOST_NAMED]


def _upload(mount: Mount, operation: Operation) -> dict[str, object]:
    sent = mount.replayer.sender.uploads[operation.id]
    speed = sent.rate.speed
    left = sent.rate.left(max(operation.size - sent.done, 0))
    return {
        "path": mount.queue.path(operation),
        "size": operation.size,
        "sent": min(sent.done, operation.size),
        "rate": None if speed is None else round(speed),
        "seconds_left": None if left is None else round(left, 1),
    }


def _parked(mount: Mount, operation: Operation) -> dict[str, object]:
    return {"path": mount.queue.path(operation), "kind": operation.kind.value, "reason": operation.error}


def _altered(mount: Mount) -> list[str]:
    """Names of files whose content is not what was uploaded, as far as it is still the present one."""
    index, found = mount.index, mount.chunks.quarantined
    entries = [entry for ref in found if (entry := index.by_id(ref.id)) is not None and entry.node.ref == ref]
    return [entry.file_name for entry in entries]


def _surveyed(mount: Mount) -> dict[str, object]:
    if mount.surveyor is None:
        return {}
    progress = mount.surveyor.progress()
    return {"directories_listed": progress.listed, "directories_left": progress.left}
