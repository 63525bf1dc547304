"""The private surface for tests, ``/_sandbox/…``: accounts, shares, switches, faults, and what was requested."""

from mountcloud.sandbox.nextcloud import login_flow, people, tree, uploads
from mountcloud.sandbox.nextcloud.calls import split
from mountcloud.sandbox.nextcloud.errors import Refusal
from mountcloud.sandbox.nextcloud.state import Sandbox, now
from mountcloud.sandbox.nextcloud.tree import Spot
from mountcloud.sandbox.surface import Body, Surface, Table


class Control(Surface[Sandbox]):
    """Handlers that change the server from outside, without rights and without being counted."""

    refusals = (Refusal,)

    def own(self) -> Table:
        """The addresses."""
        return (
            ("POST", "/accounts", self.add_account),
            ("PUT", "/accounts", self.change_account),
            ("POST", "/app_passwords", self.add_app_password),
            ("DELETE", "/app_passwords", self.revoke_app_passwords),
            ("POST", "/shares", self.share),
            ("POST", "/externals", self.add_external),
            ("POST", "/externals/change", self.change_external),
            ("PUT", "/locks", self.lock),
            ("POST", "/login_flows/grant", self.grant),
            ("POST", "/uploads/expire", self.expire_uploads),
            ("GET", "/uploads", self.get_uploads),
            ("POST", "/populate", self.populate),
            ("POST", "/tamper", self.tamper),
        )

    def _spot(self, body: Body) -> Spot:
        return tree.need(self._box, people.account(self._box, body["account"]), split(body["path"]))

    def add_account(self, body: Body) -> object:
        """``login``, ``password``, perhaps ``id``."""
        identity = people.create(self._box, body["login"], body["password"], identity=body.get("id", ""))
        return {"id": identity}

    def change_account(self, body: Body) -> object:
        """``account``; ``password``, ``two_factor``, ``quota`` (negative as the service has it)."""
        if "password" in body:
            people.set_password(self._box, body["account"], body["password"])
        for name in ("two_factor", "quota"):
            if name in body:
                self._box.db.run(f"UPDATE account SET {name} = ? WHERE id = ?", int(body[name]), body["account"])  # noqa: S608 - our names
        return {}

    def add_app_password(self, body: Body) -> object:
        """One for ``account``."""
        return {"password": people.new_app_password(self._box, body["account"], body.get("device", "test"))}

    def revoke_app_passwords(self, body: Body) -> object:
        """All of ``account``."""
        return {"count": self._box.db.run("DELETE FROM app_password WHERE account = ?", body["account"])}

    def share(self, body: Body) -> object:
        """``path`` of ``account`` with ``recipient``, at the top as ``name``, with the letters ``permissions``."""
        node = self._spot(body).node
        self._mount(body["recipient"], body.get("name", node["name"]), node["id"], "shared", body["permissions"])
        return {}

    def add_external(self, body: Body) -> object:
        """A storage of its own for ``account``, at the top as ``name``."""
        node = tree.add(self._box, body["account"], "directory", None, body["name"])
        self._mount(body["account"], body["name"], node, "external", body.get("permissions", tree.ALL))
        return {"id": node}

    def _mount(self, account: str, name: str, node: int, kind: str, permissions: str) -> None:
        top = people.account(self._box, account)["home"]
        values = {"account": account, "parent": top, "name": name, "node": node, "kind": kind}
        self._box.db.insert("mount", {**values, "permissions": permissions})

    def change_external(self, body: Body) -> object:
        """Behind the server's back: the directory ``path`` has a file ``name`` with ``text``, none if that is null."""
        blob, text = None, body["text"]
        if text is not None:
            blob = self._box.blobs.new()
            self._box.blobs.write(blob, text.encode(), 0)
        values = (self._spot(body).node["id"], body["name"], blob, body.get("mtime", now()))
        self._box.db.run("INSERT OR REPLACE INTO unscanned VALUES (?, ?, ?, ?)", *values)
        return {}

    def lock(self, body: Body) -> object:
        """Somebody works on the file, or has ended."""
        self._box.db.run("UPDATE node SET locked = ? WHERE id = ?", int(body["locked"]), self._spot(body).node["id"])
        return {}

    def grant(self, body: Body) -> object:
        """Every login that waits is granted for ``account``."""
        return {"count": login_flow.grant_all(self._box, body["account"])}

    def expire_uploads(self, _: Body) -> object:
        """A day has passed since the last activity of every upload."""
        return {"count": uploads.expire(self._box, 0)}

    def get_uploads(self, _: Body) -> object:
        """Names of unfinished uploads, and how many chunks each has."""
        sql = "SELECT name, (SELECT count(*) FROM chunk WHERE chunk.upload = upload.id) AS chunks FROM upload"
        return {"uploads": {row["name"]: row["chunks"] for row in self._box.db.all(sql)}}

    def populate(self, body: Body) -> object:
        """``count`` empty files or directories below ``path``."""
        spot, kind = self._spot(body), body.get("kind", "file")
        for number in range(body["count"]):
            blob = self._box.blobs.new() if kind == "file" else None
            name = f"{body.get('prefix', 'file')}-{number:05d}"
            tree.add(self._box, spot.node["owner"], kind, spot.node["id"], name, blob=blob)
        tree.touch(self._box, spot.node["id"])
        return {}

    def tamper(self, body: Body) -> object:
        """Change one stored byte at ``offset``."""
        path = self._box.blobs.path(self._spot(body).node["blob"])
        data = bytearray(path.read_bytes())
        data[body.get("offset", 0)] ^= 1
        path.write_bytes(data)
        return {}
