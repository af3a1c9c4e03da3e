"""CORS for pages that the guard let in: those on loopback, and our own."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.responses import Response

_METHODS = "GET, HEAD, POST, OPTIONS"


def allow(origin: str) -> dict[str, str]:
    """The headers that let a page of `origin` read the answer."""
    return {
        "access-control-allow-origin": origin,
        "access-control-expose-headers": "x-request-id, request-id, retry-after",
        "vary": "Origin",
    }


def preflight(headers: Headers) -> Response:
    """The answer to OPTIONS, a browser's question before the request itself."""
    allowed = {"allow": _METHODS}
    if "access-control-request-method" in headers:
        wanted = headers.get("access-control-request-headers", "")
        allowed |= {
            "access-control-allow-methods": _METHODS,
            "access-control-allow-headers": wanted or "authorization, content-type",
            "access-control-max-age": "600",
        }
    if "access-control-request-private-network" in headers:
        allowed["access-control-allow-private-network"] = "true"
    return Response(status_code=204, headers=allowed)
