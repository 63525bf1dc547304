"""How ``branchVersion`` moves (DRACOON facts, 17)."""

import time
from collections.abc import Callable

import pytest

from tests.sandbox.account import Account, login
from tests.sandbox.fixture import RunningSandbox

CHANGES: dict[str, Callable[[Account, int, int], object]] = {
    "create": lambda account, folder, file: account.folder(folder),
    "upload": lambda account, folder, file: account.file(folder),
    "rename": lambda account, folder, file: account.put(f"/nodes/files/{file}", {"name": "renamed"}),
    "delete": lambda account, folder, file: account.delete(f"/nodes/{file}"),
    "copy": lambda account, folder, file: account.post(
        f"/nodes/{folder}/copy_to", {"items": [{"id": file, "name": "c"}]}
    ),
}


@pytest.fixture
def account(calm_sandbox: RunningSandbox) -> Account:
    return login(calm_sandbox)


def versions(account: Account, *nodes: int) -> list[int]:
    return [int(account.node(node)["branchVersion"]) for node in nodes]


@pytest.mark.parametrize("delay", [-1, 600])
@pytest.mark.parametrize("change", CHANGES)
def test_ancestors_learn_it_when_told(account: Account, change: str, delay: float) -> None:
    account.server.control.set(branch_delay=delay)
    room = account.room()
    folder = account.folder(room)
    bystander = account.folder(room)
    file = account.file(folder, "a")["id"]
    account.server.control.propagate()
    before = versions(account, room, folder, bystander)
    CHANGES[change](account, folder, file)
    assert versions(account, room, folder, bystander) == before
    assert account.server.control.propagate() >= 1
    after = versions(account, room, folder, bystander)
    assert after[0] > before[0]
    assert after[1] > before[1]
    assert after[2] == before[2]


def test_without_a_delay_they_know_at_once(account: Account) -> None:
    room = account.room()
    folder = account.folder(room)
    before = versions(account, room, folder)
    file = account.file(folder)
    after = versions(account, room, folder, file["id"])
    assert after == [file["branchVersion"]] * 3
    assert after[0] > before[0]
    assert after[1] > before[1]


def test_with_a_delay_they_learn_it_by_themselves(account: Account) -> None:
    account.server.control.set(branch_delay=0.05)
    room = account.room()
    before = versions(account, room)
    account.folder(room)
    deadline = time.monotonic() + 60
    while versions(account, room) == before:
        assert time.monotonic() < deadline


def test_own_changes_show_at_once(account: Account) -> None:
    account.server.control.set(branch_delay=-1)
    room = account.room()
    folder = account.folder(room)
    before = versions(account, folder)
    account.put(f"/nodes/folders/{folder}", {"notes": "n"})
    assert versions(account, folder) > before


@pytest.mark.parametrize("value", ["fresh", "change"])
def test_what_value_the_ancestors_get(account: Account, value: str) -> None:
    account.server.control.set(branch_delay=-1, branch_value=value)
    room = account.room()
    folder = account.folder(room)
    account.server.control.propagate()
    changed = account.file(folder)["branchVersion"]
    account.server.control.propagate()
    ancestors = versions(account, room, folder)
    assert ancestors == [changed, changed] if value == "change" else min(ancestors) > changed


def test_both_sides_of_a_move_learn_it(account: Account) -> None:
    room = account.room()
    source, target = account.folder(room), account.folder(room)
    file = account.file(source)["id"]
    before = versions(account, source, target)
    account.post(f"/nodes/{target}/move_to", {"items": [{"id": file}]})
    after = versions(account, source, target)
    assert after[0] > before[0]
    assert after[1] > before[1]
