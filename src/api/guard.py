"""Who may speak to the node: checked before any route, as plain ASGI (a BaseHTTPMiddleware
would hide hang-ups)."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from fastapi.responses import JSONResponse
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..wire.address import host_and_port, is_loopback
from .errors import TOO_LARGE, BodyTooLarge, Json, error_object

MAX_BODY = 32 << 20  # bytes, as the message TOO_LARGE says
_OPEN = ("/health", "/v1/health")


@dataclass(frozen=True, slots=True)
class Access:
    """`host` is the address bound; `api_key` is needed from everybody where it is set."""

    host: str
    api_key: str | None = None


def _name(address: str) -> str:
    """The host name in an address; empty when it is malformed."""
    found = host_and_port(address)
    return found[0] if found else ""


class Guard:
    """Refuses foreign Host and Origin headers, wrong keys and huge bodies."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope["path"], Headers(scope=scope))
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        await self._app(scope, _bounded(receive), send)

    def _refusal(self, path: str, headers: Headers) -> JSONResponse | None:
        host = _name(f"//{headers.get('host', '')}")
        open_to_lan = not is_loopback(self._access.host)
        # A page of a foreign name that resolves to us (DNS rebinding) carries that name.
        if not (is_loopback(host) or host == self._access.host or open_to_lan):
            return _refuse(403, f"The host name '{host}' is not served here.", "forbidden_host")
        origin = headers.get("origin")
        if origin and not is_loopback(_name(origin)):
            return _refuse(403, "Pages of other sites may not use this node.", "forbidden_origin")
        if self._access.api_key and path not in _OPEN and not self._has_key(headers):
            return _refuse(401, "The API key is missing or wrong.", "invalid_api_key")
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > MAX_BODY:
            return _refuse(413, TOO_LARGE, "body_too_large")
        return None

    def _has_key(self, headers: Headers) -> bool:
        bearer = headers.get("authorization", "").removeprefix("Bearer ").strip()
        wanted = (self._access.api_key or "").encode()
        given = (bearer, headers.get("x-api-key", ""), headers.get("api-key", ""))
        return any(hmac.compare_digest(key.encode("latin-1"), wanted) for key in given)


def _bounded(receive: Receive) -> Receive:
    """`receive` that raises BodyTooLarge, whatever the headers had promised."""
    seen = 0

    async def bounded() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > MAX_BODY:
            raise BodyTooLarge
        return message

    return bounded


def _refuse(status: int, message: str, code: str) -> JSONResponse:
    return Json(error_object(message, status=status, code=code), status)
