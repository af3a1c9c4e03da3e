"""The page at `/`: static files, no build step, nothing from elsewhere."""

from __future__ import annotations

from functools import cache
from importlib import resources

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import PlainTextResponse, Response

# The answer of a model is only ever text: no script, style or picture from anywhere but here.
_CSP = "; ".join((
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'",
    "img-src data:", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
))  # fmt: skip
_HEADERS = {
    "Content-Security-Policy": _CSP,
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
FILES = (
    "index.html", "style.css", "app.js", "chat.js", "ballots.js", "node.js", "connect.js",
    "wire.js", "dom.js",
)  # fmt: skip
# Without a key in a header no browser could load the page that asks for it. It holds no data.
OPEN = ("/", *(f"/web/{name}" for name in FILES))


def routes() -> APIRouter:
    """The page for browsers, one line of text for everybody else."""
    router = APIRouter()

    @router.get("/", response_model=None, include_in_schema=False)
    async def root(request: Request) -> Response:
        if "text/html" in request.headers.get("accept", ""):
            return _file("index.html")
        return PlainTextResponse("Local Swarm is running. The API is at /v1.\n")

    @router.get("/web/{name}", response_model=None, include_in_schema=False)
    async def file(name: str) -> Response:
        if name not in FILES:
            raise HTTPException(404)
        return _file(name)

    return router


@cache
def _content(name: str) -> bytes:
    return (resources.files(__package__) / "web" / name).read_bytes()


def _file(name: str) -> Response:
    kind = _TYPES[name[name.rindex(".") :]]
    return Response(_content(name), media_type=f"{kind}; charset=utf-8", headers=_HEADERS)
