"""The private surface for tests, ``/_sandbox/…``: accounts, rights, switches, faults, and what was requested."""

from collections.abc import Sequence
from dataclasses import asdict, fields

from starlette.responses import FileResponse, Response
from starlette.routing import Route

from mountcloud.sandbox.dracoon import branch, tree
from mountcloud.sandbox.dracoon.accounts import NewUser, create_user
from mountcloud.sandbox.dracoon.calls import Call, Handler, empty, public, reply
from mountcloud.sandbox.dracoon.errors import BAD_ARGUMENT, USER_UNKNOWN, Refusal
from mountcloud.sandbox.dracoon.fields import Fields, now_ms
from mountcloud.sandbox.dracoon.keypairs import store_pair
from mountcloud.sandbox.dracoon.permissions import Right, rights_of
from mountcloud.sandbox.dracoon.rooms import set_group, set_member
from mountcloud.sandbox.dracoon.seed import new_key_pair
from mountcloud.sandbox.dracoon.state import Sandbox
from mountcloud.sandbox.faults import CONTROL, Fault, Trouble

_TOKEN_KINDS = ("access", "refresh", "download", "upload", "part")
_VERDICTS = ("CLEAN", "IN_PROGRESS", "NOT_SCANNING", "MALICIOUS")
_TEST_ROUNDS = 1000


class Control:
    """Handlers that change the tenant from outside, without rights and without being counted."""

    def __init__(self, box: Sandbox, trouble: Trouble) -> None:
        self._box, self._trouble = box, trouble

    def routes(self) -> Sequence[Route]:
        """The addresses."""
        table: Sequence[tuple[str, str, Handler]] = (
            ("POST", "/users", self.add_user),
            ("POST", "/users/{id:int}/keypair", self.add_key_pair),
            ("PUT", "/users/{id:int}/locked", self.lock_user),
            ("POST", "/groups", self.add_group),
            ("POST", "/rooms", self.add_room),
            ("PUT", "/rooms/{id:int}/members", self.set_rights),
            ("GET", "/switches", self.get_switches),
            ("PUT", "/switches", self.set_switches),
            ("POST", "/faults", self.add_fault),
            ("GET", "/faults", self.get_faults),
            ("DELETE", "/faults", self.clear_faults),
            ("GET", "/requests", self.get_requests),
            ("DELETE", "/requests", self.forget_requests),
            ("POST", "/tokens/expire", self.expire_tokens),
            ("POST", "/branch/propagate", self.propagate),
            ("POST", "/uploads/finish", self.finish_uploads),
            ("POST", "/populate", self.populate),
            ("GET", "/files/{id:int}/stored", self.stored_bytes),
            ("POST", "/files/{id:int}/tamper", self.tamper),
            ("PUT", "/files/{id:int}/verdict", self.set_verdict),
            ("DELETE", "/files/{id:int}/keys/{user:int}", self.drop_key),
        )
        return [Route(CONTROL + path, public(handler), methods=[method]) for method, path, handler in table]

    def add_user(self, call: Call) -> Response:
        """An account; ``roles`` are numbers."""
        body = call.body
        new = NewUser(body.need_text("userName"), body.need_text("password"), tuple(body.numbers("roles")))
        return reply({"id": create_user(call.box, new)}, 201)

    def add_key_pair(self, call: Call) -> Response:
        """A pair as posted, or one made here for ``version`` and ``password``."""
        body = call.body
        if not body.has("privateKeyContainer"):
            rounds = body.number("rounds") or _TEST_ROUNDS
            body = new_key_pair(body.text("version") or "RSA-4096", body.need_text("password"), rounds)
        store_pair(call.box, call.id(), body, None)
        return empty()

    def lock_user(self, call: Call) -> Response:
        """Lock or unlock."""
        if not call.box.db.run("UPDATE user SET locked = ? WHERE id = ?", int(call.body.flag("locked")), call.id()):
            raise Refusal(USER_UNKNOWN)
        call.box.forget_people()
        return empty()

    def add_group(self, call: Call) -> Response:
        """A group with members."""
        group = call.box.db.next("id")
        call.box.db.insert("user_group", {"id": group, "name": call.body.need_text("name")})
        for user in call.body.numbers("userIds"):
            call.box.db.insert("group_member", {"group_id": group, "user_id": user})
        call.box.access.forget()
        return reply({"id": group}, 201)

    def add_room(self, call: Call) -> Response:
        """A room of ``ownerId``, ``encrypted`` or not, without asking for rights."""
        body, owner = call.body, call.body.need_number("ownerId")
        above = body.number("parentId") or 0
        columns = {"encrypted": int(body.flag("encrypted"))} if not above else {}
        room = tree.add(call.box, owner, "room", above, body.need_text("name"), columns=dict(columns))
        set_member(call.box, room, owner, Right.ALL)
        return reply({"id": room}, 201)

    def set_rights(self, call: Call) -> Response:
        """Rights of ``userId`` or ``groupId``; without ``permissions`` the membership ends."""
        room, body = call.id(), call.body
        user, group = body.number("userId"), body.number("groupId")
        rights = rights_of(body.fields("permissions")) if body.has("permissions") else None
        if rights is None:
            call.box.db.run("DELETE FROM room_user WHERE room_id = ? AND user_id = ?", room, user)
            call.box.db.run("DELETE FROM room_group WHERE room_id = ? AND group_id = ?", room, group)
        elif group is not None:
            set_group(call.box, room, group, rights, "autoallow")
        else:
            set_member(call.box, room, body.need_number("userId"), rights)
        call.box.access.forget()
        return empty()

    def get_switches(self, call: Call) -> Response:
        """All switches."""
        return reply(call.box.switches.values())

    def set_switches(self, call: Call) -> Response:
        """Set some switches."""
        call.box.change_switches(call.body.values)
        return self.get_switches(call)

    def add_fault(self, call: Call) -> Response:
        """A fault, as ``Fault`` describes it."""
        self._trouble.faults.append(_fault(call.body))
        return empty()

    def get_faults(self, call: Call) -> Response:
        """The faults with their hits."""
        return reply({"items": [asdict(fault) for fault in self._trouble.faults]})

    def clear_faults(self, call: Call) -> Response:
        """No more faults."""
        self._trouble.faults.clear()
        return empty()

    def get_requests(self, call: Call) -> Response:
        """Counts by method and path template, the last requests, and how many were in flight at most."""
        trouble = self._trouble
        items = [asdict(record) for record in trouble.records]
        return reply({"counts": dict(trouble.counts), "items": items, "mostAtOnce": trouble.most_at_once})

    def forget_requests(self, call: Call) -> Response:
        """Begin the counts anew."""
        self._trouble.forget()
        return empty()

    def expire_tokens(self, call: Call) -> Response:
        """All tokens of these kinds are over, of ``userId`` or of everybody."""
        kinds, user = call.body.array("kinds"), call.body.number("userId") or 0
        for kind in kinds:
            if kind not in _TOKEN_KINDS:
                raise Refusal(BAD_ARGUMENT, words=f"a token is one of {', '.join(_TOKEN_KINDS)}")
            _expire(call.box, str(kind), user)
        return empty()

    def propagate(self, call: Call) -> Response:
        """Do what the background job for ``branchVersion`` has before it."""
        return reply({"count": branch.propagate(call.box)})

    def finish_uploads(self, call: Call) -> Response:
        """S3 uploads that are finishing are due now, and nodes that storage was late with are there."""
        call.box.db.run("UPDATE upload SET finish_at = 0 WHERE status = 'finishing'")
        call.box.db.run("UPDATE node SET visible_at = 0 WHERE visible_at > 0")
        return empty()

    def populate(self, call: Call) -> Response:
        """``count`` files (or ``type`` folder) named ``prefix00001suffix`` and so on, with ``size`` zero bytes."""
        body, box = call.body, call.box
        parent = tree.need_container(box, body.need_number("parentId"))
        size, kind = body.number("size") or 0, body.text("type") or "file"
        for number in range(body.need_number("count")):
            columns: dict[str, str | int | float | bytes | None] = {}
            if kind == "file":
                columns = {"size": size, "blob": _zeros(box, size)}
            name = f"{body.text('prefix') or 'file'}{number:05d}{body.text('suffix') or ''}"
            tree.add(box, parent["created_by"], kind, parent["id"], name, columns=columns)
        return empty()

    def stored_bytes(self, call: Call) -> Response:
        """What lies on the server's disk for a file."""
        return FileResponse(call.box.blobs.path(_file(call)["blob"]), media_type="application/octet-stream")

    def tamper(self, call: Call) -> Response:
        """Change one stored byte."""
        box, blob = call.box, _file(call)["blob"]
        offset = call.body.number("offset") or 0
        with box.blobs.path(blob).open("r+b") as file:
            file.seek(offset)
            (byte,) = file.read(1)
            file.seek(offset)
            file.write(bytes([byte ^ 0xFF]))
        return empty()

    def set_verdict(self, call: Call) -> Response:
        """What the virus scanner says of a file."""
        verdict = call.body.need_text("verdict")
        if verdict not in _VERDICTS:
            raise Refusal(BAD_ARGUMENT)
        call.box.db.update("node", _file(call)["id"], {"verdict": verdict})
        return empty()

    def drop_key(self, call: Call) -> Response:
        """A user loses the key of a file."""
        call.box.db.run("DELETE FROM file_key WHERE file_id = ? AND user_id = ?", call.id(), call.id("user"))
        return empty()


def _fault(body: Fields) -> Fault:
    known = {field.name for field in fields(Fault)}
    if not body.values.keys() <= known:
        raise Refusal(BAD_ARGUMENT, words=f"a fault has {', '.join(sorted(known))}")
    try:
        return Fault(**body.values)  # type: ignore[arg-type] # checked by the constructor, and by its caller's types
    except (TypeError, ValueError) as problem:
        raise Refusal(BAD_ARGUMENT, words=str(problem)) from None


def _expire(box: Sandbox, kind: str, user: int) -> None:
    past = now_ms() - 1
    if kind in {"access", "refresh"}:
        box.db.run("UPDATE token SET expires_at = ? WHERE kind = ? AND ? IN (0, user_id)", past, kind, user)
    elif kind == "download":
        box.db.run("UPDATE download SET expires_at = ? WHERE ? IN (0, user_id)", past, user)
    elif kind == "part":
        box.db.run("UPDATE part_url SET expires_at = ?", past)
    else:
        box.db.run("DELETE FROM upload WHERE status = 'transfer' AND ? IN (0, user_id)", user)


def _file(call: Call) -> tree.Row:
    row = call.box.db.one("SELECT * FROM node WHERE id = ? AND type = 'file'", call.id())
    if row is None:
        raise Refusal(BAD_ARGUMENT, words="no such file")
    return row


def _zeros(box: Sandbox, size: int) -> str:
    blob = box.blobs.new()
    with box.blobs.path(blob).open("r+b") as file:
        file.truncate(size)
    return blob
