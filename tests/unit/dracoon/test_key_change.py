"""Another key pair beside the present one, and instead of it (DRACOON facts, 6)."""

import functools
import os

import pytest

from mountcloud.crypt.keys import KeyPairVersion, PrivateKeyContainer, PublicKeyContainer, make_key_pair
from mountcloud.model.errors import AuthenticationRequired, NoKey, Unavailable
from mountcloud.providers.dracoon import keys
from tests.conformance.content import read, some_bytes
from tests.sandbox.fixture import RunningSandbox
from tests.unit.dracoon.service import person, put, run
from tests.unit.dracoon.test_keys import join, lacks_key

DATA = some_bytes(1_001)
OTHER = {"A": "RSA-4096", "RSA-4096": "A"}


@functools.cache
def made(version: KeyPairVersion, password: str) -> tuple[PrivateKeyContainer, PublicKeyContainer]:
    return make_key_pair(version, password, os.urandom, rounds=10)


@pytest.fixture(autouse=True)
def _few_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A large pair takes seconds, so all tests are content with one of each."""
    monkeypatch.setattr(keys, "make_key_pair", lambda version, password, _: made(version, password))


@pytest.mark.parametrize("version", OTHER)
def test_another_kind_takes_nothing_away(calm_sandbox: RunningSandbox, version: str) -> None:
    me = person(calm_sandbox, version)

    async def action() -> None:
        provider, room = me.provider(), me.room(encrypted=True)
        old = [await put(provider, room, f"old {number}", DATA) for number in range(3)]
        count = await me.provider().add_key_pair(OTHER[version])
        assert count == (3 if version == "A" else 0)  # the service prefers RSA-4096, so nothing is wrapped for A
        assert set(await me.provider().key_pairs()) == set(OTHER)
        new = await put(me.provider(), room, "new", DATA)
        assert [await read(me.provider(), node) for node in (*old, new)] == [DATA] * 4
        assert await me.provider().add_key_pair(OTHER[version]) == 0

    run(action, me)


def test_what_was_wrapped_for_the_new_pair_needs_the_old_one_no_more(calm_sandbox: RunningSandbox) -> None:
    me = person(calm_sandbox, "A")

    async def action() -> None:
        provider, room = me.provider(), me.room(encrypted=True)
        node = await put(provider, room, "old", DATA)
        await me.provider().add_key_pair("RSA-4096")
        assert (await provider.request("DELETE", "/v4/user/account/keypair?version=A", {})) is None
        assert list(await me.provider().key_pairs()) == ["RSA-4096"]
        assert await read(me.provider(), node) == DATA

    run(action, me)


def test_an_interrupted_handing_over_goes_on(calm_sandbox: RunningSandbox) -> None:
    me = person(calm_sandbox, "A")

    async def action() -> None:
        node = await put(me.provider(), me.room(encrypted=True), "old", DATA)
        calm_sandbox.control.fault(".*/nodes/missingFileKeys.*", status=400, count=1)
        with pytest.raises(Exception, match="400"):
            await me.provider().add_key_pair("RSA-4096")
        assert set(await me.provider().key_pairs()) == set(OTHER)
        assert await me.provider().add_key_pair("RSA-4096") == 1
        assert await read(me.provider(), node) == DATA

    run(action, me)


def test_adding_needs_the_password_of_the_pair_that_is_there(calm_sandbox: RunningSandbox) -> None:
    me, nobody = person(calm_sandbox, "A"), person(calm_sandbox)

    async def action() -> None:
        with pytest.raises(AuthenticationRequired, match="encryption password is wrong"):
            await me.provider(encryption_password="wrong").add_key_pair("RSA-4096")
        with pytest.raises(NoKey, match="not known"):
            await me.provider(encryption_password="").add_key_pair("RSA-4096")
        assert list(await me.provider().key_pairs()) == ["A"]
        with pytest.raises(NoKey, match="no other"):
            await nobody.provider().add_key_pair("RSA-4096")
        assert list(await nobody.provider().key_pairs()) == []

    run(action, me, nobody)


@pytest.mark.parametrize("version", OTHER)
def test_a_replaced_pair_takes_with_it_what_only_it_could_read(calm_sandbox: RunningSandbox, version: str) -> None:
    me, other = person(calm_sandbox, version), person(calm_sandbox, "RSA-4096")

    async def action() -> None:
        provider, mine, ours = me.provider(), me.room(encrypted=True), me.room(encrypted=True)
        join(ours, other)
        await put(provider, mine, "mine alone", DATA)
        shared = await put(provider, ours, "shared", DATA)
        await me.provider().replace_key_pair(version, "another secret")
        after = me.provider(encryption_password="another secret")
        assert list(await after.children(mine)) == []
        assert await lacks_key(me.provider(encryption_password="another secret"), shared)
        assert await other.provider().distribute_keys() == 1
        assert await read(after, shared) == DATA
        with pytest.raises(AuthenticationRequired, match="encryption password is wrong"):
            await me.provider().verify()

    run(action, me, other)


def test_a_replacement_that_breaks_off_is_told_and_can_be_finished(calm_sandbox: RunningSandbox) -> None:
    me = person(calm_sandbox, "A")

    async def action() -> None:
        calm_sandbox.control.fault(".*/user/account/keypair", method="POST", status=503, count=-1)
        with pytest.raises(Unavailable, match="the old key pair is gone"):
            await me.provider().replace_key_pair("A", "another secret")
        calm_sandbox.control.clear_faults()
        await me.provider().make_key_pair("A", "another secret")
        await me.provider(encryption_password="another secret").verify()
        with pytest.raises(NoKey):
            await me.provider().replace_key_pair("RSA-4096", "another secret")

    run(action, me)
