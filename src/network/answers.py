"""What the peer port answers by itself: bounded bodies, and errors without a word of a prompt."""

from __future__ import annotations

import json

from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from ..errors import SwarmError
from ..wire import body

BODY_S = 30.0


def bounded(receive: Receive, limit: int) -> Receive:
    """`receive` that raises HTTPException for a body of more than `limit` bytes, or a slow one."""
    large = HTTPException(413, "The body is too large.")
    slow = HTTPException(408, "The body did not arrive in time.")
    return body.bounded(receive, limit, BODY_S, large=large, slow=slow)


def refusal(error: Exception) -> tuple[int, str, str]:
    """Status, code and message; what nobody caught may hold a prompt, so only its name is told."""
    if isinstance(error, HTTPException):
        return error.status_code, "refused", str(error.detail)
    if isinstance(error, SwarmError):
        return 400, error.code, error.message
    return 500, "internal_error", f"Internal error ({type(error).__name__})."


async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """For paths that are no route."""
    await answer(send, 404, "not_found", "There is no such route.")


async def closed(scope: Scope, receive: Receive, send: Send) -> None:
    """For strangers."""
    await answer(send, 403, "not_paired", "This machine serves the machines it is paired with.")


async def answer(send: Send, status: int, code: str, message: str) -> None:
    """Answers with an error."""
    body = json.dumps({"error": {"code": code, "message": message}}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
