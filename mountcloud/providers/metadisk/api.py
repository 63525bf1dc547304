"""Calls of the service, one a method: values of ``wire`` in and out, every refusal one of our failures."""

import mimetypes
from collections.abc import Mapping

from mountcloud.model.errors import InvalidName, NotFound, Unavailable
from mountcloud.model.provider import Source
from mountcloud.net.forms import Form
from mountcloud.net.http import Client
from mountcloud.providers.metadisk import wire
from mountcloud.providers.metadisk.errors import TokenSpent, failure_for
from mountcloud.providers.metadisk.signed import SignedCalls
from mountcloud.providers.metadisk.wire import Bucket, Entry, Pointer

_ATTEMPTS = 3


class Api:
    """One account. Tokens are asked for right before they are used, and for each attempt anew."""

    def __init__(self, client: Client, calls: SignedCalls) -> None:
        self._client = client
        self._calls = calls

    async def buckets(self) -> tuple[Bucket, ...]:
        """All of them."""
        try:
            answer = await self._calls.send("GET", "/buckets")
        except NotFound as missing:
            raise Unavailable("the service has no buckets at all", hint="check the url") from missing
        return wire.list_of(answer.json(), wire.bucket_of)

    async def make_bucket(self, name: str, storage: int, transfer: int) -> Bucket:
        """Another one, whatever the others are called."""
        fields = {"name": name, "storage": storage, "transfer": transfer}
        return wire.bucket_of((await self._calls.send("POST", "/buckets", fields)).json())

    async def rename_bucket(self, bucket: str, name: str) -> Bucket:
        """Only its name changes."""
        return wire.bucket_of((await self._calls.send("PATCH", f"/buckets/{bucket}", {"name": name})).json())

    async def remove_bucket(self, bucket: str) -> None:
        """With all that is in it (Metadisk facts, 4)."""
        await self._calls.send("DELETE", f"/buckets/{bucket}")

    async def entries(self, bucket: str) -> tuple[Entry, ...]:
        """All of a bucket; raises ``NotFound`` only if the list of buckets has it no more."""
        try:
            answer = await self._calls.send("GET", f"/buckets/{bucket}/files")
        except NotFound:
            if any(each.id == bucket for each in await self.buckets()):
                raise Unavailable("the service does not find a bucket that it has") from None
            raise
        return wire.list_of(answer.json(), wire.entry_of)

    async def store(self, bucket: str, name: str, source: Source) -> Entry:
        """Put a content into a bucket; if it is there already, it has this name from now on (Metadisk facts, 5)."""
        try:
            return await self._store(bucket, name, source)
        except TokenSpent:
            return await self._store(bucket, name, source)

    async def _store(self, bucket: str, name: str, source: Source) -> Entry:
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        try:
            form = Form(source, "data", name, kind)
            size = form.size
        except UnicodeEncodeError:
            raise InvalidName("the name is not valid Unicode") from None
        headers = {**form.headers, "x-token": await self._token(bucket, "PUSH"), "x-filesize": str(source.size)}
        answer = await self._client.send_stream("PUT", f"/buckets/{bucket}/files", size, form.body, headers=headers)
        if not answer.ok:
            raise failure_for(answer)
        return wire.entry_of(answer.json())

    async def pointers(self, bucket: str, content: str) -> tuple[Pointer, ...]:
        """Where the shards of a content are, in order; raises ``NotFound`` if the bucket does not have it."""
        try:
            return await self._pointers(bucket, content)
        except TokenSpent:
            return await self._pointers(bucket, content)

    async def _pointers(self, bucket: str, content: str) -> tuple[Pointer, ...]:
        headers = {"x-token": await self._token(bucket, "PULL")}
        answer = await self._client.request("GET", f"/buckets/{bucket}/files/{content}", headers=headers)
        if not answer.ok:
            raise failure_for(answer)
        return wire.list_of(answer.json(), wire.pointer_of)

    async def _token(self, bucket: str, operation: str) -> str:
        """Raises ``NotFound`` only if the list of buckets does not have it either.

        Whoever asks with an old nonce is taken for somebody without an account, who gets tokens if the bucket lists his
        key; else it is "not found" (Metadisk facts, 4).
        """
        for _ in range(_ATTEMPTS):
            try:
                answer = await self._calls.send("POST", f"/buckets/{bucket}/tokens", {"operation": operation})
            except NotFound:
                if all(each.id != bucket for each in await self.buckets()):
                    raise
            else:
                return wire.token_of(answer.json())
        raise Unavailable("the service does not find a bucket that it has")

    async def remove(self, bucket: str, content: str) -> None:
        """Raises ``NotFound`` if the bucket does not have it."""
        await self._calls.send("DELETE", f"/buckets/{bucket}/files/{content}")

    async def forget_key(self, public: str) -> None:
        """Requests that this key signs are refused from now on."""
        await self._calls.send("DELETE", f"/keys/{public}")

    async def raw(self, method: str, path: str, fields: Mapping[str, object]) -> object:
        """Whatever has no method here; None for an empty answer."""
        answer = await self._calls.send(method, path, fields)
        return answer.json() if answer.body else None

    async def describe(self) -> tuple[object, Mapping[str, str]]:
        """What the service says of itself, and the answer's headers; needs no log-in."""
        answer = await self._client.request("GET", "/")
        if not answer.ok:
            raise failure_for(answer)
        return answer.json(), answer.headers
