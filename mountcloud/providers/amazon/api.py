"""Where the service is for this account, and calls to it (Amazon facts, 1, 3, 6 and 14)."""

import json as jsons
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

import trio

from mountcloud.model.errors import Exists, Failure, Forbidden, InvalidArgument, NotFound, Unavailable
from mountcloud.model.provider import Secrets
from mountcloud.net.auth import TokenLogin
from mountcloud.net.http import Client, ClientSettings, Response
from mountcloud.net.oauth2 import OAuthSettings, TokenSource
from mountcloud.providers.amazon import wire
from mountcloud.providers.amazon.errors import NameTaken, failure_for, holder_of
from mountcloud.providers.amazon.settings import EXAMPLE, AmazonSettings
from mountcloud.providers.checking import checked_url

_ENDPOINT_LIFETIME_S = 3 * 86_400.0
_PAGE = 200
_LISTING_TRIES = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """What the service said. ``code`` and ``message`` are of a refusal; ``spoke`` False: something in between did.

    ``holder`` is the node that has the name which was asked for.
    """

    status: int
    body: object = field(repr=False)
    code: str = ""
    message: str = ""
    retry_after: float | None = None
    spoke: bool = True
    holder: str = ""

    @property
    def ok(self) -> bool:
        """True for any 2xx."""
        return 200 <= self.status < 300

    def failure(self) -> Failure:
        """The failure that this refusal means. A 404 of something in between is not a word of the service."""
        if self.status == 404 and not self.spoke:
            return Unavailable("something between us and the service answers 404")
        failure = failure_for(self.status, self.code, self.message, retry_after=self.retry_after)
        return NameTaken(failure.message, self.holder) if isinstance(failure, Exists) else failure

    def required(self) -> wire.Json:
        """The object of a success; raises the failure of a refusal."""
        if not self.ok:
            raise self.failure()
        return wire.mapping(self.body)


def answer_of(response: Response) -> Answer:
    """Read an exchange; raises ``Unavailable`` if a success holds no JSON."""
    try:
        body = response.json() if response.body else None
    except Unavailable:
        if response.ok:
            raise
        body = None
    told = body if isinstance(body, dict) else {}
    code, message = wire.text(told, "code"), wire.text(told, "message")
    spoke, holder = isinstance(body, dict), holder_of(told.get("info"), message)
    return Answer(response.status, body, code, message, response.retry_after, spoke=spoke, holder=holder)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The two addresses of an account, as clients, and when they were found out (trio's time)."""

    metadata: Client
    content: Client
    found_at: float


class Api:
    """The service's interface. ``owner`` is under whose name our properties are."""

    def __init__(self, settings: AmazonSettings, secrets: Secrets) -> None:
        self._settings = settings
        self._login = self._client(settings.url, None)
        oauth = OAuthSettings(
            settings.client_id,
            redirect_uri=settings.redirect_uri,
            scope="clouddrive:read_all clouddrive:write",
            authorize_path=settings.authorize_url,
            token_path=settings.token_url,
            secret_in_form=True,
        )
        self.tokens = TokenSource(self._login, oauth, secrets)
        self._auth = TokenLogin(self.tokens)
        self._discovery = self._client(settings.url, self._auth)
        self._finding = trio.Lock()
        self._endpoint: Endpoint | None = None
        self._replaced: list[Endpoint] = []
        self.owner = settings.owner

    def _client(self, address: str, auth: TokenLogin | None) -> Client:
        settings = self._settings
        known = ClientSettings(
            address, ca_file=settings.ca_file, proxy=settings.proxy, concurrency=settings.max_concurrency
        )
        return Client(known, auth=auth)

    async def endpoint(self) -> Endpoint:
        """Where the account is; asked every three days. Raises ``Forbidden`` for who never opened the service."""
        async with self._finding:
            known = self._endpoint
            if known is None or trio.current_time() - known.found_at > _ENDPOINT_LIFETIME_S:
                if known is not None:
                    self._replaced.append(known)  # others are in the middle of something with it
                self._endpoint = known = await self._discover()
            return known

    async def _discover(self) -> Endpoint:
        found = answer_of(await self._discovery.request("GET", "/drive/v1/account/endpoint")).required()
        if found.get("customerExists") is False:
            raise Forbidden("this account never opened Cloud Drive")
        try:
            addresses = [checked_url(name, wire.text(found, name), EXAMPLE) for name in ("metadataUrl", "contentUrl")]
        except InvalidArgument as wrong:
            raise Unavailable(f"the service gave no usable address: {wrong.message}") from None
        metadata, content = (self._client(address, self._auth) for address in addresses)
        return Endpoint(metadata, content, trio.current_time())

    async def send(
        self, method: str, path: str, *, params: Mapping[str, str | int] | None = None, json: object = None
    ) -> Answer:
        """One call to the metadata address, whatever comes of it; raises only if there is no answer or no token."""
        client = (await self.endpoint()).metadata
        return answer_of(await client.request(method, f"/{path}", params=params, json=json))

    async def call(
        self, method: str, path: str, *, params: Mapping[str, str | int] | None = None, json: object = None
    ) -> wire.Json:
        """The object that the call answers; raises the failure of a refusal."""
        return (await self.send(method, path, params=params, json=json)).required()

    async def stream(self, path: str, json: object, line: Callable[[bytes], None]) -> Answer:
        """A POST whose success is lines, each handed on as it comes; raises ``Unavailable`` where it breaks off."""
        client = (await self.endpoint()).metadata
        body = jsons.dumps(json).encode()
        response = await client.stream_lines("POST", f"/{path}", body, line)
        return Answer(response.status, None) if response.ok else answer_of(response)

    async def node(self, id: str) -> wire.RemoteNode | None:
        """The node in whatever state it is, None if the service knows none."""
        try:
            return self.read(await self.call("GET", f"nodes/{quote(id, safe='')}"))
        except NotFound:
            return None

    def read(self, shown: object) -> wire.RemoteNode:
        """A node object as a value."""
        return wire.node(shown, self.owner)

    async def pages(self, path: str, params: Mapping[str, str | int]) -> list[wire.RemoteNode]:
        """All nodes of a listing. The rest of one cannot be asked for after some minutes: then it begins anew."""
        for _ in range(_LISTING_TRIES):
            found = await self._pages(path, params)
            if found is not None:
                return list(found.values())
        raise Unavailable("the listing takes longer than the service remembers it")

    async def _pages(self, path: str, params: Mapping[str, str | int]) -> dict[str, wire.RemoteNode] | None:
        found: dict[str, wire.RemoteNode] = {}
        token: dict[str, str] = {}
        while True:
            answer = await self.send("GET", path, params={**params, "limit": _PAGE, **token})
            if answer.status == 400 and token:
                return None
            page = answer.required()
            found |= {node.id: node for node in map(self.read, wire.listed(page))}
            following = wire.text(page, "nextToken")
            if not following:
                return found
            if token.get("startToken") == following:
                raise Unavailable("the service's listing leads in circles")
            token = {"startToken": following}

    async def aclose(self) -> None:
        """End all connections; idempotent."""
        known = [*self._replaced, *([self._endpoint] if self._endpoint else [])]
        for client in (self._login, self._discovery, *(each for at in known for each in (at.metadata, at.content))):
            await client.aclose()


def escaped(value: str) -> str:
    """A value in a filter (Amazon facts, 6)."""
    return "".join(f"\\{each}" if each in " +-&|!(){}[]^'\"~*?:\\" else each for each in value)
