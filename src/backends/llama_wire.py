"""Translates between our words and the HTTP of llama.cpp's server. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from ..ballot import Finish, TokenChance
from ..chat import ChatRequest
from ..errors import ContextOverflow, EngineError, EngineUnavailable, InvalidRequest, SwarmError
from . import forced
from .base import Piece, ToolDelta

_UNSUPPORTED = ("not supported", "unsupported", "does not support")


def body(request: ChatRequest, *, seats: int, first: int, max_tokens: int) -> dict[str, Any]:
    """The request as the engine takes it: always streamed, always bounded.

    A caller's seed is moved on by the number of the `first` seat, so that no wave repeats
    another.
    """
    sampling = dict(request.sampling)
    seed = sampling.get("seed")
    if isinstance(seed, int):
        sampling["seed"] = (seed + first) % (1 << 32)
    wanted = request.top_logprobs
    optional = {
        "tools": list(request.tools) or None,
        "tool_choice": request.tool_choice if request.tools else None,
        "response_format": request.response_format,
    }
    if request.tool_choice == "none":  # a model that reads of tools calls them, in its text
        optional["tools"] = optional["tool_choice"] = None
    elif forced.is_forced(request):
        optional["tool_choice"] = "none"  # nothing but the JSON is to be parsed
        optional["response_format"] = forced.response_format(request)
    return {
        **sampling,
        **{name: value for name, value in optional.items() if value is not None},
        "messages": list(request.messages),
        "n": seats,
        "max_tokens": max_tokens,
        "stream": True,
        # `logprobs` is refused together with tools; n_probs is not. Probabilities after the
        # samplers cost nothing (those before them 5 %), but are always 1 when greedy.
        "n_probs": max(1, wanted or 0),
        "post_sampling_probs": wanted is None and sampling.get("temperature") != 0,
        "timings_per_token": True,  # `usage` is wrong for n > 1
    }


class Garbled(Exception):
    """The engine sent an event that is none of its own."""


def pieces(event: str, seats: list[int], top: int | None = None) -> list[Piece]:
    """The pieces in one event of the engine's stream, with the chances of their tokens and of
    `top` others where it is not None. Raises what `engine_error` makes, and Garbled."""
    try:
        chunk = json.loads(event)
        if "error" in chunk:
            error = chunk["error"]
            raise _error(error, int(error.get("code") or 500))
        return list(_pieces(chunk, seats, top))
    except (ValueError, TypeError, KeyError, IndexError, AttributeError):
        raise Garbled("the engine sent an event that is no part of an answer") from None


def _pieces(chunk: dict[str, Any], seats: list[int], top: int | None) -> Iterator[Piece]:
    timings = chunk.get("timings") or {}
    tokens, prompt = timings.get("predicted_n"), None
    if "prompt_n" in timings and "cache_n" in timings:  # read now, and known from before
        prompt = int(timings["prompt_n"]) + int(timings["cache_n"])
    for choice in chunk.get("choices", ()):
        delta = choice.get("delta") or {}
        finish = choice.get("finish_reason")
        yield Piece(
            seat=seats[choice["index"]],
            text=_text(delta.get("content")),
            reasoning=_text(delta.get("reasoning_content")),
            tool_calls=tuple(_tool(call) for call in delta.get("tool_calls") or ()),
            logprobs=tuple(_logprobs(choice.get("logprobs"))),
            chances=() if top is None else tuple(_chances(choice.get("logprobs"), top)),
            tokens=None if tokens is None else int(tokens),
            finish=_finish(finish) if finish else None,
            prompt_tokens=prompt,
        )


def _text(given: Any) -> str:
    if given is None or isinstance(given, str):
        return given or ""
    raise TypeError("text that is none")


def _tool(call: dict[str, Any]) -> ToolDelta:
    function = call.get("function") or {}
    return ToolDelta(
        index=call.get("index", 0),
        id=call.get("id") or "",
        name=function.get("name") or "",
        arguments=function.get("arguments") or "",
    )


def _logprobs(logprobs: dict[str, Any] | None) -> Iterator[float]:
    for token in (logprobs or {}).get("content") or ():
        if "logprob" in token:
            yield float(token["logprob"])
        elif "prob" in token:
            yield math.log(max(float(token["prob"]), 1e-9))


def _chances(logprobs: dict[str, Any] | None, top: int) -> Iterator[TokenChance]:
    for token in (logprobs or {}).get("content") or ():
        others = [(other["token"], other["logprob"]) for other in token.get("top_logprobs") or ()]
        yield TokenChance(token["token"], token["logprob"], tuple(others[:top]))


def _finish(reason: str) -> Finish:
    try:
        return Finish(reason)
    except ValueError:
        return Finish.STOP


def engine_error(status: int, content: bytes) -> SwarmError:
    """An engine's error answer in our words. The engine never learns to speak to users."""
    try:
        error = json.loads(content)["error"]
    except (ValueError, KeyError, TypeError):
        error = {"message": content.decode("utf-8", "replace")[:200]}
    return _error(error if isinstance(error, dict) else {"message": str(error)}, status)


def _error(error: dict[str, Any], status: int) -> SwarmError:
    # After the first line comes the source of a chat template, and where in it.
    message = str(error.get("message") or "unknown error").partition("\n")[0].rstrip(" :.")
    if error.get("type") == "exceed_context_size_error":
        return ContextOverflow(int(error.get("n_prompt_tokens", 0)), int(error.get("n_ctx", 0)))
    if "image input is not supported" in message:
        return InvalidRequest(
            "This model sees no images.",
            param="messages",
            hint="Serve one that does: local-swarm run MODEL --mmproj FILE.",
        )
    if 400 <= status < 500 or any(word in message for word in _UNSUPPORTED):
        return InvalidRequest(f"The model refuses the request: {message}.")
    if status == 503:
        return EngineUnavailable("The engine is loading.", hint="Try again in a moment.")
    return EngineError(f"The engine failed: {message}.", hint="Try again.")
