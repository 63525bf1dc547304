"""Client for the sandbox' private surface (``mountcloud sandbox dracoon --control``)."""

from typing import Any

from tests.sandbox.surface import Surface

ALL_RIGHTS = (
    "manage",
    "read",
    "create",
    "change",
    "delete",
    "manageDownloadShare",
    "manageUploadShare",
    "readRecycleBin",
    "restoreRecycleBin",
    "deleteRecycleBin",
)


class Control(Surface):
    """Changes the tenant from outside, without rights and without being counted."""

    def add_user(self, name: str, password: str = "secret", roles: tuple[int, ...] = ()) -> int:
        """A new account; role 4 is Room Manager."""
        body = {"userName": name, "password": password, "roles": list(roles)}
        return int(self._call("POST", "/users", body)["id"])

    def add_key_pair(self, user: int, password: str, version: str = "RSA-4096") -> None:
        """The sandbox makes a pair, quickly locked, for the user."""
        self._call("POST", f"/users/{user}/keypair", {"version": version, "password": password})

    def set_key_pair(self, user: int, private: dict[str, str], public: dict[str, str]) -> None:
        """A pair that exists already."""
        self._call("POST", f"/users/{user}/keypair", {"privateKeyContainer": private, "publicKeyContainer": public})

    def lock_user(self, user: int, *, locked: bool = True) -> None:
        """Lock or unlock an account."""
        self._call("PUT", f"/users/{user}/locked", {"locked": locked})

    def add_group(self, name: str, users: tuple[int, ...]) -> int:
        """A new group."""
        return int(self._call("POST", "/groups", {"name": name, "userIds": list(users)})["id"])

    def add_room(self, name: str, owner: int, *, parent: int = 0, encrypted: bool = False) -> int:
        """A new room that the owner manages."""
        body = {"name": name, "ownerId": owner, "parentId": parent, "encrypted": encrypted}
        return int(self._call("POST", "/rooms", body)["id"])

    def set_rights(self, room: int, user: int, rights: tuple[str, ...]) -> None:
        """Membership of a user with these rights."""
        permissions = {name: name in rights for name in ALL_RIGHTS}
        self._call("PUT", f"/rooms/{room}/members", {"userId": user, "permissions": permissions})

    def set_group_rights(self, room: int, group: int, rights: tuple[str, ...]) -> None:
        """Membership of a group with these rights."""
        permissions = {name: name in rights for name in ALL_RIGHTS}
        self._call("PUT", f"/rooms/{room}/members", {"groupId": group, "permissions": permissions})

    def end_membership(self, room: int, user: int) -> None:
        """The user is no member any more."""
        self._call("PUT", f"/rooms/{room}/members", {"userId": user})

    def expire(self, *kinds: str, user: int = 0) -> None:
        """Tokens are over: ``access``, ``refresh``, ``download``, ``upload``, ``part``."""
        self._call("POST", "/tokens/expire", {"kinds": list(kinds), "userId": user})

    def propagate(self) -> int:
        """Let ancestors know of all changes now."""
        return int(self._call("POST", "/branch/propagate")["count"])

    def finish_uploads(self) -> None:
        """Storage has caught up: S3 uploads are done, completed nodes are there."""
        self._call("POST", "/uploads/finish")

    def populate(
        self, parent: int, count: int, *, prefix: str = "file", suffix: str = "", size: int = 0, kind: str = "file"
    ) -> None:
        """Many files of zero bytes, or many folders, in one request."""
        body = {"parentId": parent, "count": count, "prefix": prefix, "suffix": suffix, "size": size, "type": kind}
        self._call("POST", "/populate", body)

    def stored(self, file: int) -> bytes:
        """What lies on the server's disk."""
        answer = self._http.get(f"/files/{file}/stored")
        answer.raise_for_status()
        return answer.content

    def tamper(self, file: int, offset: int = 0) -> None:
        """Change one stored byte."""
        self._call("POST", f"/files/{file}/tamper", {"offset": offset})

    def set_verdict(self, file: int, verdict: str) -> None:
        """``CLEAN``, ``IN_PROGRESS``, ``NOT_SCANNING`` or ``MALICIOUS``."""
        self._call("PUT", f"/files/{file}/verdict", {"verdict": verdict})

    def drop_key(self, file: int, user: int) -> None:
        """The user loses the key of a file."""
        self._call("DELETE", f"/files/{file}/keys/{user}")

    def _call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        answer = self._http.request(method, path, json=body)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found
