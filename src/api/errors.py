"""Every error as an OpenAI error object; the only place that chooses HTTP status codes."""

from __future__ import annotations

import json
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from ..errors import (
    EngineUnavailable,
    InvalidRequest,
    ModelNotFound,
    NoAnswer,
    QueueFull,
    SwarmError,
    UsageError,
)

_STATUS: list[tuple[type[SwarmError], int]] = [
    (ModelNotFound, 404),
    (InvalidRequest, 400),
    (UsageError, 400),
    (QueueFull, 429),
    (EngineUnavailable, 503),
    (NoAnswer, 503),
    (SwarmError, 500),
]


TOO_LARGE = "A body may have 32 MiB."


class BodyTooLarge(Exception):
    """A body grew larger than the guard lets in."""


class Json(JSONResponse):
    """JSON in ASCII: half a surrogate pair, which JSON can carry and UTF-8 cannot, goes through."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content).encode("ascii")


def status_of(error: SwarmError) -> int:
    """The HTTP status of an error of ours."""
    return next(status for kind, status in _STATUS if isinstance(error, kind))


def error_object(
    message: str, *, status: int, code: str | None = None, param: str | None = None
) -> dict[str, Any]:
    """OpenAI's error object."""
    kind = "invalid_request_error" if 400 <= status < 500 else "server_error"
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def object_of(error: SwarmError) -> dict[str, Any]:
    """The error object of an error of ours; context overflow also in llama.cpp's fields."""
    status = status_of(error)
    made = error_object(
        error.full, status=status, code=error.code, param=getattr(error, "param", None)
    )
    for field, name in (("n_prompt_tokens", "prompt_tokens"), ("n_ctx", "context")):
        if hasattr(error, name):
            made["error"][field] = getattr(error, name)
    return made


def respond(error: SwarmError) -> JSONResponse:
    """The HTTP answer for an error of ours."""
    status = status_of(error)
    headers = {"Retry-After": "2"} if status in (429, 503) else None
    return Json(object_of(error), status, headers)


def install(app: FastAPI) -> None:
    """Makes every route of `app` answer errors with error objects."""

    @app.exception_handler(SwarmError)
    async def swarm_error(_: Request, error: SwarmError) -> JSONResponse:
        return respond(error)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        if first["type"] == "json_invalid":
            text = f"The body is no JSON: {first.get('ctx', {}).get('error', 'syntax error')}."
            return _answer(400, text, "invalid_json")
        where = [str(part) for part in first["loc"] if part != "body"]
        param = ".".join(where) or None
        # The input itself is not repeated: prompts never reach a log by way of an error.
        return _answer(400, f"{param or 'The body'}: {first['msg']}.", "invalid_value", param)

    @app.exception_handler(HTTPException)
    async def http(_: Request, error: HTTPException) -> JSONResponse:
        codes = {404: "not_found", 405: "method_not_allowed"}
        texts = {404: "There is no such route.", 405: "This route does not take this method."}
        status = error.status_code
        if isinstance(error.__cause__, BodyTooLarge):
            return _answer(413, TOO_LARGE, "body_too_large")
        if isinstance(error.__cause__, (UnicodeDecodeError, RecursionError)) or (
            status == 400 and "parsing the body" in str(error.detail)
        ):
            return _answer(400, "The body is no JSON.", "invalid_json")
        return _answer(
            status, texts.get(status, str(error.detail)), codes.get(status), headers=error.headers
        )

    @app.exception_handler(Exception)
    async def unexpected(_: Request, error: Exception) -> JSONResponse:
        return _answer(500, f"Internal error ({type(error).__name__}).", "internal_error")


def _answer(
    status: int, message: str, code: str | None, param: str | None = None, headers: Any = None
) -> JSONResponse:
    made = error_object(message, status=status, code=code, param=param)
    return Json(made, status, headers)
