"""The private surface for tests, ``/_sandbox/…``: accounts, rights, switches, faults, and what was requested."""

from mountcloud.sandbox.smartfile import accounts, oauth, tree
from mountcloud.sandbox.smartfile.errors import Refusal
from mountcloud.sandbox.smartfile.state import Sandbox
from mountcloud.sandbox.smartfile.tree import Spot, split
from mountcloud.sandbox.surface import Body, Surface, Table


class Control(Surface[Sandbox]):
    """Handlers that change the server from outside, without rights and without being counted."""

    refusals = (Refusal,)

    def own(self) -> Table:
        """The addresses."""
        return (
            ("POST", "/accounts", self.add_account),
            ("PUT", "/accounts", self.change_account),
            ("POST", "/oauth/grant", self.grant),
            ("PUT", "/rights", self.deny),
            ("POST", "/populate", self.populate),
            ("PUT", "/times", self.set_time),
        )

    def _spot(self, body: Body) -> Spot:
        account = self._box.db.one("SELECT * FROM account WHERE key = ?", body["account"])
        if account is None:
            raise KeyError(body["account"])
        return tree.need(self._box, account, split(body["path"]))

    def add_account(self, body: Body) -> object:
        """``username``; its key and password come back."""
        key, password = accounts.create(self._box, body["username"])
        return {"key": key, "password": password}

    def change_account(self, body: Body) -> object:
        """``account`` gets another ``password``."""
        self._box.db.run("UPDATE account SET password = ? WHERE key = ?", body["password"], body["account"])
        return {}

    def grant(self, body: Body) -> object:
        """The user of ``account`` grants access to every program that waits: the codes by request token."""
        return {"codes": oauth.grant(self._box, body["account"])}

    def deny(self, body: Body) -> object:
        """``path`` of ``account`` and all below it: ``denied`` has letters of list, read, write, d (remove)."""
        self._box.db.update("node", self._spot(body).node["id"], {"denied": body["denied"]})
        return {}

    def populate(self, body: Body) -> object:
        """``count`` empty files in ``path``."""
        spot = self._spot(body)
        for number in range(body["count"]):
            place = {"parent": spot.node["id"], "name": f"file-{number:05d}", "is_directory": 0}
            self._box.db.insert("node", {**place, "time": int(self._box.now()), "blob": self._box.blobs.new()})
        return {}

    def set_time(self, body: Body) -> object:
        """``time`` of a node in seconds since the epoch."""
        self._box.db.update("node", self._spot(body).node["id"], {"time": int(body["time"])})
        return {}
