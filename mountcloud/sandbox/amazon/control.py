"""The private surface for tests, ``/_sandbox/…``: customers, switches, faults, and what was requested."""

from mountcloud.sandbox.amazon import changes, oauth, seed, tree
from mountcloud.sandbox.amazon.errors import Refusal
from mountcloud.sandbox.amazon.state import Sandbox, now_ms
from mountcloud.sandbox.surface import Body, Surface, Table


class Control(Surface[Sandbox]):
    """Handlers that change the service from outside, without being counted."""

    refusals = (Refusal,)

    def own(self) -> Table:
        """The addresses."""
        return (
            ("POST", "/customers", self.add_customer),
            ("POST", "/tokens/expire", self.expire_tokens),
            ("POST", "/changes/forget", self.forget_checkpoints),
            ("POST", "/purge", self.purge),
            ("PUT", "/status", self.set_status),
            ("POST", "/populate", self.populate),
            ("POST", "/tamper", self.tamper),
        )

    def _node(self, body: Body) -> tree.Row:
        row = self._box.db.one("SELECT * FROM node WHERE id = ?", body["node"])
        if row is None:
            raise KeyError(body["node"])
        return row

    def add_customer(self, body: Body) -> object:
        """``name``, perhaps ``quota`` in bytes; also tokens of the client ``mountcloud``."""
        number = seed.add_customer(self._box, body["name"], body.get("quota", seed.DEMO_QUOTA))
        root = self._box.db.one("SELECT root FROM customer WHERE id = ?", number)
        return {"id": number, "root": root["root"] if root else "", **oauth.issue(self._box, number, "mountcloud")}

    def expire_tokens(self, _: Body) -> object:
        """All access tokens are over."""
        return {"count": self._box.db.run("UPDATE token SET expires_at = ? WHERE kind = 'access'", now_ms() - 1)}

    def forget_checkpoints(self, _: Body) -> object:
        """No checkpoint that was given out is of use any more."""
        self._box.set_fact(changes.EPOCH, self._box.fact(changes.EPOCH, 0) + 1)
        return {}

    def purge(self, body: Body) -> object:
        """Thirty days have passed for ``node``."""
        tree.purge(self._box, self._node(body))
        return {}

    def set_status(self, body: Body) -> object:
        """``node`` gets ``status``, such as PENDING."""
        tree.change(self._box, self._node(body), status=str(body["status"]))
        return {}

    def populate(self, body: Body) -> object:
        """``count`` empty folders or files below ``node``."""
        row, kind = self._node(body), body.get("kind", "FOLDER")
        for number in range(body["count"]):
            columns: dict[str, str | int | float | bytes | None] = {}
            if kind == "FILE":
                columns = {"blob": self._box.blobs.new(), "size": 0, "md5": _EMPTY, "content_version": 1}
                columns |= {"content_type": "application/octet-stream", "content_at": now_ms()}
            name = f"{body.get('prefix', 'node')}-{number:05d}"
            tree.add(self._box, row["customer"], kind, name, [row["id"]], **columns)
        return {}

    def tamper(self, body: Body) -> object:
        """Change one stored byte at ``offset``."""
        path = self._box.blobs.path(self._node(body)["blob"])
        data = bytearray(path.read_bytes())
        data[body.get("offset", 0)] ^= 1
        path.write_bytes(data)
        return {}


_EMPTY = "d41d8cd98f00b204e9800998ecf8427e"
"""The MD5 of nothing."""
