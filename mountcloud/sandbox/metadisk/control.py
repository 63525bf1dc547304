"""The private surface for tests, ``/_sandbox/…``: accounts, files, tokens, switches, faults, what was requested."""

from mountcloud.sandbox.metadisk import files, people
from mountcloud.sandbox.metadisk.errors import Refusal
from mountcloud.sandbox.metadisk.seed import sent_password
from mountcloud.sandbox.metadisk.shards import Cutter
from mountcloud.sandbox.metadisk.state import Sandbox, now_ms
from mountcloud.sandbox.surface import Body, Surface, Table


class Control(Surface[Sandbox]):
    """Handlers that change the service from outside, without being counted."""

    refusals = (Refusal,)

    def own(self) -> Table:
        """The addresses."""
        return (
            ("POST", "/users", self.add_user),
            ("POST", "/activator", self.activator),
            ("PUT", "/nonce", self.set_nonce),
            ("POST", "/populate", self.populate),
            ("POST", "/tamper", self.tamper),
            ("POST", "/tokens/expire", self.expire_tokens),
            ("POST", "/channels/forget", self.forget_channels),
            ("GET", "/leftovers", self.leftovers),
            ("DELETE", "/leftovers", self.forget_leftovers),
        )

    def add_user(self, body: Body) -> object:
        """``email`` with ``password`` as a person types it, activated, and perhaps the key ``pubkey``."""
        people.create(self._box, body["email"], sent_password(body["password"]), body.get("pubkey", ""), activated=True)
        return {}

    def activator(self, body: Body) -> object:
        """The activation token that ``email`` was sent; null once it is activated."""
        row = self._box.db.one("SELECT activator FROM user WHERE email = ?", body["email"])
        if row is None:
            raise KeyError(body["email"])
        return {"activator": row["activator"]}

    def set_nonce(self, body: Body) -> object:
        """Another client of ``email`` used ``nonce``."""
        self._box.db.run("UPDATE user SET nonce = ? WHERE email = ?", float(body["nonce"]), body["email"])
        return {}

    def populate(self, body: Body) -> object:
        """``count`` small files in ``bucket``, each with its number as content, which begin with ``first``."""
        first = body.get("first", 0)
        for number in range(first, first + body["count"]):
            cutter = Cutter(self._box.blobs, self._box.switches.shard_size, exactly=True)
            cutter.take(str(number).encode())
            hash_, shards = cutter.finish()
            name = f"{body.get('prefix', 'file')}-{number:05d}"
            files.put(self._box, body["bucket"], name, "text/plain", (hash_, cutter.size, shards))
        return {}

    def tamper(self, body: Body) -> object:
        """Change the stored byte at ``offset`` of the shard at ``position`` of a file: ``bucket``, ``hash``."""
        row = files.find(self._box, body["bucket"], body["hash"])
        if row is None:
            raise KeyError(body["hash"])
        shard = files.shards_of(self._box, row)[body.get("position", 0)]
        path = self._box.blobs.path(shard["blob"])
        data = bytearray(path.read_bytes())
        data[body.get("offset", 0)] ^= 1
        path.write_bytes(data)
        return {}

    def expire_tokens(self, _: Body) -> object:
        """All tokens are over."""
        return {"count": self._box.db.run("UPDATE token SET expires = ?", now_ms() - 1)}

    def forget_channels(self, _: Body) -> object:
        """No pointer that was given out is of use any more."""
        count = len(self._box.channels)
        self._box.channels.clear()
        return {"count": count}

    def leftovers(self, _: Body) -> object:
        """How many tokens were asked for and never used, and how many channels."""
        return {"tokens": self._box.db.number("SELECT count(*) FROM token"), "channels": len(self._box.channels)}

    def forget_leftovers(self, _: Body) -> object:
        """No token and no channel that was given out is of use any more."""
        self._box.db.run("DELETE FROM token")
        self._box.channels.clear()
        return {}
