"""Every error in the shape that its wire has; the only place that chooses HTTP status codes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from ..errors import (
    ContextOverflow,
    ControlRefused,
    EngineUnavailable,
    InvalidRequest,
    LanError,
    ModelNotFound,
    NoAnswer,
    QueueFull,
    SwarmError,
    UsageError,
)

_STATUS: list[tuple[type[SwarmError], int]] = [
    (ControlRefused, 403),
    (ModelNotFound, 404),
    (InvalidRequest, 400),
    (UsageError, 400),
    (QueueFull, 429),
    (EngineUnavailable, 503),
    (NoAnswer, 503),
    (LanError, 502),
    (SwarmError, 500),
]
_ANTHROPIC = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
}
_TYPE = re.compile(r"(str|int|float|bool|(list|dict|tuple|union)\[.*\])")  # no place in a body
TOO_LARGE = "A body may have 32 MiB."


class BodyTooLarge(Exception):
    """A body grew larger than the guard lets in."""


class BodyTooSlow(Exception):
    """A body did not arrive in time."""


class Json(JSONResponse):
    """JSON in ASCII: half a surrogate pair, which JSON can carry and UTF-8 cannot, goes through."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content).encode("ascii")


@dataclass(frozen=True, slots=True)
class Fault:
    """What a caller is told about an error, whatever the wire. `extra` are fields of OpenAI's;
    `retry_s` is when to try again, where that may help (429 and 503)."""

    status: int
    message: str
    code: str | None = None
    param: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    retry_s: int = 2


def status_of(error: SwarmError) -> int:
    """The HTTP status of an error of ours."""
    return next(status for kind, status in _STATUS if isinstance(error, kind))


def fault_of(error: SwarmError) -> Fault:
    """An error of ours as a fault; context overflow also in llama.cpp's fields."""
    extra = {}
    if isinstance(error, ContextOverflow):
        extra = {"n_prompt_tokens": error.prompt_tokens, "n_ctx": error.context}
    param = getattr(error, "param", None)
    retry_s = error.retry_s if isinstance(error, QueueFull) else 2
    return Fault(status_of(error), error.full, error.code, param, extra, retry_s)


def object_of(fault: Fault, path: str) -> dict[str, Any]:
    """The error object of the wire that `path` belongs to: Anthropic's, Ollama's, or OpenAI's."""
    if path.startswith("/api/"):
        return {"error": fault.message}
    if path.removeprefix("/v1").startswith("/messages"):
        kind = "invalid_request_error" if fault.status < 500 else "api_error"
        kind = _ANTHROPIC.get(fault.status, kind)
        message = fault.message
        if "n_ctx" in fault.extra:  # the words by which clients know that they must compact
            sizes = f"{fault.extra['n_prompt_tokens']} tokens > {fault.extra['n_ctx']} maximum"
            message = f"prompt is too long: {sizes}. {message}"
        return {"type": "error", "error": {"type": kind, "message": message}}
    kind = "invalid_request_error" if 400 <= fault.status < 500 else "server_error"
    if fault.status == 401:
        kind = "authentication_error"
    return {
        "error": {
            "message": fault.message,
            "type": kind,
            "param": fault.param,
            "code": fault.code,
            **fault.extra,
        }
    }


def answer(fault: Fault, path: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The HTTP answer for a fault on `path`."""
    late = {"Retry-After": str(fault.retry_s)} if fault.status in (429, 503) else {}
    return Json(object_of(fault, path), fault.status, {**late, **(headers or {})})


def respond(error: SwarmError, path: str) -> JSONResponse:
    """The HTTP answer for an error of ours on `path`."""
    return answer(fault_of(error), path)


def install(app: FastAPI) -> None:
    """Makes every route of `app` answer errors in the shape of its wire."""

    @app.exception_handler(SwarmError)
    async def swarm_error(request: Request, error: SwarmError) -> JSONResponse:
        return respond(error, request.url.path)

    @app.exception_handler(RequestValidationError)
    @app.exception_handler(ValidationError)
    async def invalid(
        request: Request, error: RequestValidationError | ValidationError
    ) -> JSONResponse:
        return answer(_invalid(error.errors()), request.url.path)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        return answer(_http(error), request.url.path, error.headers)

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> JSONResponse:
        return answer(internal(error), request.url.path)


def internal(error: Exception) -> Fault:
    """What nobody caught: its text may hold a prompt, so only its name is told."""
    return Fault(500, f"Internal error ({type(error).__name__}).", "internal_error")


def _invalid(errors: Sequence[Mapping[str, Any]]) -> Fault:
    first = errors[0]
    if first["type"] == "json_invalid":
        text = f"The body is no JSON: {first.get('ctx', {}).get('error', 'syntax error')}."
        return Fault(400, text, "invalid_json")
    # Where a value may be of several types, each type has its complaint: the deepest one is about
    # the type that was meant.
    same = [error for error in errors if error["loc"][:2] == first["loc"][:2]]
    first = max(same, key=lambda error: len(error["loc"]))
    where = [
        str(part) for part in first["loc"] if part != "body" and not _TYPE.fullmatch(str(part))
    ]
    param = ".".join(where) or None
    # The input itself is not repeated: prompts never reach a log by way of an error.
    return Fault(
        400,
        f"{param or 'The body'}: {first['msg'].removeprefix('Value error, ')}.",
        "invalid_value",
        param,
    )


def _http(error: HTTPException) -> Fault:
    codes = {404: "not_found", 405: "method_not_allowed"}
    texts = {404: "There is no such route.", 405: "This route does not take this method."}
    status, cause = error.status_code, error.__cause__
    if isinstance(cause, BodyTooLarge):
        return Fault(413, TOO_LARGE, "body_too_large")
    if isinstance(cause, BodyTooSlow):
        return Fault(408, "The body did not arrive in time.", "body_too_slow")
    if isinstance(cause, (UnicodeDecodeError, RecursionError)) or (
        status == 400 and "parsing the body" in str(error.detail)
    ):
        return Fault(400, "The body is no JSON.", "invalid_json")
    return Fault(status, texts.get(status, str(error.detail)), codes.get(status))
