"""Who may speak to the node, and how: checked before any route, as plain ASGI (a
BaseHTTPMiddleware would hide hang-ups)."""

from __future__ import annotations

import hmac
import logging
import re
import secrets
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..caller import caller
from ..wire.address import host_and_port, is_loopback
from ..wire.body import bounded
from . import cors, page
from .errors import TOO_LARGE, BodyTooLarge, BodyTooSlow, Fault, answer, internal

MAX_BODY = 32 << 20  # bytes, as the message TOO_LARGE says
_MAX_HEAD = 32 << 10  # bytes of all headers; the server itself ends a connection at 64 KiB
_BODY_S = 60.0  # for the whole body: on loopback even 32 MiB take no second
_OPEN = ("/health", "/v1/health", *page.OPEN)
_JSON = re.compile(r"application/([\w.-]+\+)?json\s*(;|$)", re.IGNORECASE)
_ID = re.compile(r"[\w.:-]{1,128}")
_LOG = logging.getLogger("local_swarm.api")


@dataclass(frozen=True, slots=True)
class Access:
    """`host` is the address bound; `api_key` is needed from everybody where it is set."""

    host: str
    api_key: str | None = None


class Guard:
    """Refuses foreign Host and Origin headers, wrong keys, headers and bodies that are
    huge, bodies that are slow or no JSON.

    Also what every answer has in common: a request id, CORS headers for pages on loopback, paths
    with doubled and trailing slashes, HEAD wherever there is GET, and 500 for what nobody caught.
    `seen` is told the route (None where there is none), status and seconds of every answer.
    """

    def __init__(
        self,
        app: ASGIApp,
        access: Access,
        seen: Callable[[str | None, int, float], None] = lambda route, status, seconds: None,
    ) -> None:
        self._app, self._access, self._seen = app, access, seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        inner = {**scope, "path": re.sub("/{2,}", "/", scope["path"]).rstrip("/") or "/"}
        if inner["method"] == "HEAD":  # the server sends no body, whatever we give it
            inner["method"] = "GET"
        sender, started = _Sender(send, headers), time.monotonic()
        caller.set(_client(scope, headers))
        refusal = self._refusal(inner, headers)
        if refusal is not None and refusal.status == 403:
            sender.origin = None
        try:
            if refusal is not None:
                await answer(refusal, inner["path"])(inner, receive, sender)
            elif inner["method"] == "OPTIONS":
                await cors.preflight(headers)(inner, receive, sender)
            else:
                await self._app(
                    inner,
                    bounded(receive, MAX_BODY, _BODY_S, large=BodyTooLarge(), slow=BodyTooSlow()),
                    sender,
                )
        except Exception as error:
            # The message may hold a prompt; where it happened cannot.
            frames = traceback.extract_tb(error.__traceback__)[-6:]
            places = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames))
            _LOG.error("internal error %s: %s at %s", sender.id, type(error).__name__, places)
            if not sender.status:
                await answer(internal(error), inner["path"])(inner, receive, sender)
        finally:
            route = getattr(inner.get("route"), "path", None)
            self._seen(route, sender.status, time.monotonic() - started)

    def _refusal(self, scope: Scope, headers: Headers) -> Fault | None:
        if sum(len(name) + len(value) for name, value in headers.raw) > _MAX_HEAD:
            return Fault(431, "The headers may have 32 KiB.", "headers_too_large")
        host = _name(f"//{headers.get('host', '')}")
        open_to_lan = not is_loopback(self._access.host)
        # A page of a foreign name that resolves to us (DNS rebinding) carries that name.
        if not (is_loopback(host) or host == self._access.host or open_to_lan):
            return Fault(403, f"The host name '{host}' is not served here.", "forbidden_host")
        origin = headers.get("origin")
        if origin and not is_loopback(_name(origin)):
            # Our own page on another address than loopback; a key is needed there.
            ours = open_to_lan and origin.partition("://")[2] == headers.get("host")
            if not ours:
                return Fault(403, "Pages of other sites may not use this node.", "forbidden_origin")
        if scope["method"] == "OPTIONS":  # a browser asks without key and body
            return None
        if self._access.api_key and scope["path"] not in _OPEN and not self._has_key(headers):
            return Fault(401, "The API key is missing or wrong.", "invalid_api_key")
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > MAX_BODY:
            return Fault(413, TOO_LARGE, "body_too_large")
        body = length != "0" or "transfer-encoding" in headers
        if body and not _JSON.match(headers.get("content-type", "")):
            text = "The body must be JSON, with the header Content-Type: application/json."
            return Fault(415, text, "unsupported_media_type")
        return None

    def _has_key(self, headers: Headers) -> bool:
        bearer = headers.get("authorization", "")
        bearer = bearer[7:].strip() if bearer[:7].lower() == "bearer " else ""
        wanted = (self._access.api_key or "").encode()
        given = (bearer, headers.get("x-api-key", ""), headers.get("api-key", ""))
        return any(hmac.compare_digest(key.encode("latin-1"), wanted) for key in given)


class _Sender:
    """`send` that puts request id and CORS headers on the answer, and remembers its status."""

    def __init__(self, send: Send, headers: Headers) -> None:
        self._send = send
        self.origin = headers.get("origin")  # None for pages that may not read the answer
        self.status = 0
        asked = headers.get("x-request-id", "")
        self.id = asked if _ID.fullmatch(asked) else f"req_{secrets.token_hex(12)}"

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(raw=list(message.get("headers", ())))
            headers["x-request-id"] = self.id
            headers["request-id"] = self.id  # Anthropic's name for it
            headers["x-content-type-options"] = "nosniff"
            if self.origin:
                headers.update(cors.allow(self.origin))
            message = {**message, "headers": headers.raw}
        await self._send(message)


def _client(scope: Scope, headers: Headers) -> str:
    """Tells clients apart, for their turns in the queue: by address, key and program."""
    names = ("authorization", "x-api-key", "api-key", "user-agent", "origin")
    address = (scope.get("client") or ("",))[0]
    return str(hash((address, *(headers.get(name) for name in names))))


def _name(address: str) -> str:
    """The host name in an address; empty when it is malformed."""
    found = host_and_port(address)
    return found[0] if found else ""
