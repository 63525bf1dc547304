from pathlib import Path

import pytest

from mountcloud.daemon.draft_keys import DraftKeys
from mountcloud.daemon.secrets import MemorySecrets
from mountcloud.model.errors import NoKey


def test_a_key_is_made_once_and_found_again(tmp_path: Path) -> None:
    secrets, note = MemorySecrets(), tmp_path / "draft-key"
    name, key = DraftKeys(secrets, note).current()
    assert len(key) == 32
    assert DraftKeys(secrets, note).current() == (name, key)
    assert DraftKeys(secrets, note).find(name) == key
    assert note.stat().st_mode & 0o777 == 0o600
    assert note.read_text() == name


def test_a_lost_key_is_never_made_again_under_its_name(tmp_path: Path) -> None:
    secrets, note = MemorySecrets(), tmp_path / "draft-key"
    name, key = DraftKeys(secrets, note).current()
    lost = MemorySecrets()
    with pytest.raises(NoKey, match=name) as refused:
        DraftKeys(lost, note).find(name)
    assert f"draft_key_{name}" in str(refused.value)
    other, another = DraftKeys(lost, note).current()
    assert other != name
    assert another != key
    assert DraftKeys(secrets, note).find(name) == key


def test_no_key_is_in_a_representation(tmp_path: Path) -> None:
    keys = DraftKeys(MemorySecrets(), tmp_path / "draft-key")
    _, key = keys.current()
    assert repr(key)[2:-1] not in repr(keys)
