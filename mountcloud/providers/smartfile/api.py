"""Calls of the service, one a method: paths in, values of ``wire`` out, every refusal one of our failures."""

from collections.abc import Mapping

import trio

from mountcloud.model.arrival import Arrival
from mountcloud.model.errors import Failure, NotFound, NotPermitted, Outdated, Refused, Unavailable
from mountcloud.model.provider import Source
from mountcloud.net.forms import Form
from mountcloud.net.http import Client, Judge, Response
from mountcloud.providers.smartfile import tasks, wire
from mountcloud.providers.smartfile.errors import failure_for, failure_of_task, softly_refused
from mountcloud.providers.smartfile.tasks import Report, Stand
from mountcloud.providers.smartfile.wire import Entry, Path

_PER_PAGE, _SAFE_PER_PAGE = 1000, 100
"""Entries of one page; the published client asks for so many as surely work."""


class Api:
    """One account."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._per_page = _PER_PAGE

    async def look(self, path: Path) -> Entry:
        """One path; raises ``NotFound``, and believes it only while the root is there."""
        return _entry(await self._info(path))

    async def is_taken(self, path: Path) -> bool:
        """True if something is at the path. That nothing is may be wrong here: it is no word on what anybody has."""
        try:
            _entry(await self._call("GET", f"/api/2/path/info/{wire.quoted(path)}"))
        except NotFound:
            return False
        return True

    async def children(self, path: Path) -> tuple[list[Entry], bool]:
        """What is in a directory, each name once, and whether all of it was told in one answer.

        A list of several pages is no snapshot: what changes meanwhile can push a name over the edge of a page
        (SmartFile facts, 5).
        """
        found: dict[str, Entry] = {}
        number = 1
        while True:
            page = await self._page(path, number)
            found |= {entry.name: entry for entry in page.entries}
            if number >= page.pages:
                return list(found.values()), page.pages <= 1
            number += 1

    async def size(self) -> int:
        """Bytes of everything in the account."""
        answer = (await self._info(())).json()
        size = answer.get("size") if isinstance(answer, dict) else None
        return size if isinstance(size, int) else 0

    async def _page(self, path: Path, number: int) -> wire.Page:
        query: dict[str, str | int] = {"children": "true", "page": number, "limit": self._per_page}
        try:
            answer = await self._info(path, query)
        except Refused:
            if self._per_page == _SAFE_PER_PAGE or number > 1:
                raise
            self._per_page = _SAFE_PER_PAGE
            return await self._page(path, number)
        if not _entry(answer).is_directory:
            raise NotFound("the directory is a file by now")
        return wire.page_of(answer.json(), _now(answer))

    async def _info(self, path: Path, query: Mapping[str, str | int] | None = None) -> Response:
        try:
            return await self._call("GET", f"/api/2/path/info/{wire.quoted(path)}", params=query)
        except NotFound:
            await self._confirm_root(path, query)
            raise

    async def _confirm_root(self, path: Path, query: Mapping[str, str | int] | None) -> None:
        """A server that knows nothing at all any more says nothing of our files."""
        if query and query.get("page") != 1:
            raise Unavailable("the directory shrinks while it is listed")
        if not path:
            raise Unavailable("the service has no root for this account", hint="check the url")
        root = _entry(await self._info(()))
        if not root.is_directory:
            raise Unavailable("the root of the account is no directory")

    async def _call(
        self,
        method: str,
        address: str,
        *,
        params: Mapping[str, str | int] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> Response:
        return _success(await self._client.request(method, address, params=params, form=form))

    async def upload(self, directory: Path, name: str, source: Source) -> Entry:
        """Put a file into a directory; what has its name is replaced. ``name`` is in ASCII."""
        form = Form(source, "file", name)
        return _entry(await self._send(f"/api/2/path/data/{wire.quoted(directory)}", form))

    async def _send(self, address: str, form: Form) -> Response:
        return _success(await self._client.send_stream("POST", address, form.size, form.body, headers=form.headers))

    async def get(self, path: Path, arrival: Arrival, total: int, judge: Judge) -> None:
        """Bytes of a file of ``total`` bytes; ``judge`` sees the headers first. Raises ``Outdated``."""
        address = f"/api/2/path/data/{wire.quoted(path)}"
        answer = await self._client.get_range(address, arrival.missing, total, arrival, judge)
        if answer.status == 416:
            raise Outdated("the file is shorter now")
        _success(answer)

    async def make_directory(self, path: Path) -> Entry:
        """Make a directory; one that is there already is told as it is."""
        return _entry(await self._call("POST", "/api/2/path/oper/mkdir/", form={"path": wire.absolute(path)}))

    async def rename(self, old: Path, new: Path) -> Entry:
        """Give what is at a path another path; nobody knows whether that may be taken (SmartFile facts, 7)."""
        form = {"src": wire.absolute(old), "dst": wire.absolute(new)}
        return _entry(await self._call("POST", "/api/2/path/oper/rename/", form=form))

    async def delete(self, path: Path) -> None:
        """Remove a file at once, by a task where the service has no other way."""
        address = f"/api/3/path/data/{wire.quoted(path).rstrip('/')}"
        try:
            await self._call("DELETE", address)
        except (NotFound, NotPermitted):
            await self.look(path)
            await self.remove(path)

    async def remove(self, path: Path) -> None:
        """Remove a file, or a directory with everything in it."""
        report = await self._task("remove", {"path": wire.absolute(path)})
        if report.errors:
            raise failure_of_task(report.errors)

    async def checksum(self, path: Path, algorithm: str) -> str:
        """Of the content that the service has, in lower-case hex; raises ``Refused`` if it does not tell."""
        where = wire.absolute(path)
        report = await self._task("checksum", {"path": where, "algorithm": algorithm})
        sums = report.result.get("checksums")
        found = sums.get(where) if isinstance(sums, dict) else None
        if not isinstance(found, str):
            raise Refused("the service tells no checksum")
        return found.lower()

    async def _task(self, name: str, form: Mapping[str, str]) -> Report:
        """Begin a task and wait for its end; it may have done a part of its work. Raises ``Refused`` if it failed."""
        answer = (await self._call("POST", f"/api/2/path/oper/{name}/", form=form)).json()
        uuid = answer.get("uuid") if isinstance(answer, dict) else None
        if not isinstance(uuid, str) or not uuid.replace("-", "").isalnum():
            raise Unavailable("the service names no task")
        for pause in tasks.pauses():
            await trio.sleep(pause)
            report = await self._poll(uuid)
            if report.stand is Stand.FAILED:
                raise failure_of_task(report.errors) if report.errors else Refused(f"a task failed: {report.detail}")
            if report.stand is Stand.DONE:
                return report
        raise Unavailable("the service does not come to an end with a task")

    async def _poll(self, uuid: str) -> Report:
        """A task goes on whether anybody can ask for it or not."""
        try:
            return tasks.report_of((await self._call("GET", f"/api/2/task/{uuid}/")).json())
        except Failure as failure:
            if not isinstance(failure, Unavailable):
                raise
            return Report(Stand.UNDER_WAY)

    async def set_attribute(self, path: Path, name: str, value: str) -> Entry:
        """Keep a text beside the content."""
        form = {"attributes": f"{name}={value}"}
        return _entry(await self._call("POST", f"/api/2/path/info/{wire.quoted(path)}", form=form))

    async def signature(self, path: Path, block: int) -> bytes:
        """Of the content that the service has (SmartFile facts, 11)."""
        address = f"/api/2/path/sync/signature/{wire.quoted(path)}"
        return (await self._call("GET", address, params={"block_size": block})).body

    async def patch(self, path: Path, delta: Source) -> None:
        """Make of the content what the delta makes of it."""
        await self._send(f"/api/2/path/sync/patch/{wire.quoted(path)}", Form(delta, "delta", "delta"))


def _success(answer: Response) -> Response:
    checked = softly_refused(answer)
    if checked.ok:
        return checked
    raise failure_for(checked)


def _now(answer: Response) -> int:
    return wire.seconds_of_date(answer.headers.get("date", ""))


def _entry(answer: Response) -> Entry:
    return wire.entry_of(answer.json(), _now(answer))
