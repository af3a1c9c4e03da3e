"""Translates between our words and OpenAI's chat wire as servers of many kinds speak it. Pure.

Nothing is taken for granted beyond `messages`, `stream` and text deltas. What else a server may
offer is asked for and left out where it is refused (`OPTIONAL`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..ballot import Finish, TokenChance
from ..chat import ChatRequest
from ..errors import ContextOverflow, EngineError, EngineUnavailable, InvalidRequest, SwarmError
from .base import Piece, ToolDelta

N, LOGPROBS, USAGE = "n", "logprobs", "stream_options"
OPTIONAL = (N, LOGPROBS, USAGE)
_IMPOSSIBLE = -9999.0  # as OpenAI's API says it
_FINISHES = {
    "length": Finish.LENGTH,
    "max_tokens": Finish.LENGTH,
    "model_length": Finish.LENGTH,
    "tool_calls": Finish.TOOL_CALLS,
    "function_call": Finish.TOOL_CALLS,
}
_GIVEN_UP = ("error", "abort", "cancelled")
_OVERFLOW = re.compile(
    r"context|too long|too many tokens|prompt.{0,20}(exceed|large)", re.IGNORECASE
)


def body(
    request: ChatRequest,
    seats: Sequence[int],
    *,
    model: str,
    max_tokens: int | None,
    offers: Collection[str],
    more: dict[str, Any],
) -> dict[str, Any]:
    """The request for `seats`, always streamed; `more` holds what this kind of server needs.

    A caller's seed is moved on by the number of the first seat.
    """
    sampling = dict(request.sampling)
    if isinstance(seed := sampling.get("seed"), int):
        sampling["seed"] = (seed + seats[0]) % (1 << 31)
    made: dict[str, Any] = {
        **more,
        **sampling,
        "model": model,
        "messages": list(request.messages),
        "stream": True,
    }
    if request.tools and request.tool_choice != "none":
        made["tools"] = list(request.tools)
        if request.tool_choice is not None:
            made["tool_choice"] = request.tool_choice
    if request.response_format is not None:
        made["response_format"] = request.response_format
    if max_tokens is not None:
        made["max_tokens"] = max_tokens
    if len(seats) > 1:
        made["n"] = len(seats)
    if LOGPROBS in offers and (request.top_logprobs is not None or not request.tools):
        made["logprobs"] = True
        if request.top_logprobs:
            made["top_logprobs"] = request.top_logprobs
    if USAGE in offers:
        made["stream_options"] = {"include_usage": True}
    return made


def refused(message: str, used: Collection[str]) -> str | None:
    """Which of the optional fields in `used` a server's refusal is about, by its words; where
    they tell nothing, the first in the order of OPTIONAL. None where none was used."""
    named = [one for one in used if re.search(rf"(?<!\w){one}(?!\w)", message)]
    return next((one for one in (*sorted(named), *OPTIONAL) if one in used), None)


@dataclass(slots=True)
class Reading:
    """Reads the stream of one request for `seats`.

    `top` is how many likely alternatives of each token are wanted; `prompt_tokens` is what the
    server told of the prompt, 0 where it did not. The last piece of a single seat is held back
    until the server has told its tokens: call `rest` at the end.
    """

    seats: Sequence[int]
    top: int | None = None
    prompt_tokens: int = 0
    heard: set[int] = field(default_factory=set)
    _ended: set[int] = field(default_factory=set)
    _events: int = 0
    _letters: int = 0
    _tokens: dict[int, int] = field(default_factory=dict)
    _calls: dict[int, list[str]] = field(default_factory=dict)
    _last: Piece | None = None

    def read(self, event: str) -> Iterator[Piece]:
        """The pieces in one event. Raises SwarmError for an error, or what is no chunk."""
        try:
            chunk = json.loads(event)
        except (ValueError, RecursionError):
            raise EngineError("The server sent an event that is no JSON.") from None
        self._events += 1
        self._letters += len(event)
        if not isinstance(chunk, dict):
            raise EngineError("The server sent an event that is no chunk.")
        if chunk.get("error"):
            raise error_of(500, event.encode())
        try:
            for choice in chunk.get("choices") or ():
                if (piece := self._piece(choice)) is not None:
                    yield piece
            self._told(chunk)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            raise EngineError("The server sent a chunk that cannot be read.") from None

    def rest(self) -> Iterator[Piece]:
        """What was held back."""
        if self._last is not None:
            yield self._last
            self._last = None

    def endless(self, max_tokens: int) -> bool:
        """Whether far more came than `max_tokens` a seat can be, however they are cut in pieces."""
        most = max_tokens * len(self.seats)
        return self._events > 8 * most + 1024 or self._letters > 4096 * most + (1 << 20)

    def cut(self) -> Iterator[Piece]:
        """Ends every seat that the server did not."""
        for at in sorted({*range(len(self.seats))} - self._ended):
            yield Piece(self.seats[at], tokens=self._tokens.get(at), finish=Finish.LENGTH)

    def _piece(self, choice: dict[str, Any]) -> Piece | None:
        at = int(choice.get("index") or 0)
        if not 0 <= at < len(self.seats):
            return None
        delta = choice.get("delta") or choice.get("message") or {}
        chances = tuple(_chances(choice.get("logprobs"), self.top or 0))
        text, thought = delta.get("content") or "", delta.get("reasoning_content")
        thought = thought or delta.get("reasoning") or ""
        calls = tuple(self._call(at, call) for call in delta.get("tool_calls") or ())
        self.heard.add(at)
        made = len(chances) or int(bool(text or thought or calls))
        self._tokens[at] = self._tokens.get(at, 0) + made
        piece = Piece(
            seat=self.seats[at],
            text=str(text),
            reasoning=str(thought),
            tool_calls=calls,
            logprobs=tuple(chance.logprob for chance in chances),
            chances=() if self.top is None else chances,
            tokens=self._tokens[at],
        )
        if not choice.get("finish_reason"):
            return piece
        piece = replace(piece, finish=_finish(str(choice["finish_reason"])))
        self._ended.add(at)
        if len(self.seats) > 1:
            return piece
        self._last = piece
        return None

    def _told(self, chunk: dict[str, Any]) -> None:
        """What the server says of tokens: the usage that was asked for, or llama.cpp's timings."""
        usage, timings = chunk.get("usage") or {}, chunk.get("timings") or {}
        self.prompt_tokens = _count(usage.get("prompt_tokens")) or self.prompt_tokens
        told = _count(usage.get("completion_tokens") or timings.get("predicted_n"))
        if told and len(self.seats) == 1:
            self._tokens[0] = told
            if self._last is not None:
                self._last = replace(self._last, tokens=told)

    def _call(self, at: int, call: dict[str, Any]) -> ToolDelta:
        """Some servers number every call 0, or not at all: a new id is a new call."""
        function, id = call.get("function") or {}, str(call.get("id") or "")
        known = self._calls.setdefault(at, [])
        if id and id not in known:
            known.append(id)
        index = call.get("index")
        if id:
            index = known.index(id)
        elif index is None or index >= len(known):
            index = max(0, len(known) - 1)
        arguments = function.get("arguments") or ""
        if not isinstance(arguments, str):
            arguments = json.dumps(arguments, ensure_ascii=False)
        return ToolDelta(index, id, str(function.get("name") or ""), arguments)


def _count(told: Any) -> int:
    """Tokens as a server tells them; 0 for what can be no number of tokens."""
    tokens = int(told or 0)
    return tokens if 0 < tokens < 1 << 31 else 0


def _chances(logprobs: Any, top: int) -> Iterator[TokenChance]:
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    for token in content or ():
        if isinstance(token, dict) and isinstance(token.get("logprob"), (int, float)):
            others = [
                (str(other["token"]), _logprob(other["logprob"]))
                for other in token.get("top_logprobs") or ()
            ]
            yield TokenChance(
                str(token.get("token") or ""),
                _logprob(token["logprob"]),
                tuple(others[:top]),
            )


def _logprob(told: Any) -> float:
    """Of what a server tells: never infinite, which JSON cannot carry on, and never above 0."""
    return min(0.0, max(_IMPOSSIBLE, float(told)))


def _finish(reason: str) -> Finish:
    """Raises EngineError where the server gave up in the middle."""
    if reason in _GIVEN_UP:
        raise EngineError(f"The server gave its answer up ({reason}).", hint="Try again.")
    return _FINISHES.get(reason, Finish.STOP)


def plain(text: str) -> str:
    """`text` of a stranger without what a terminal would obey."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def error_of(status: int, content: bytes) -> SwarmError:
    """A server's error answer in our words."""
    text = content.decode("utf-8", "replace")
    try:
        made = json.loads(text)
        error = made.get("error") or made.get("detail") or made.get("message") or made
        message = str(error.get("message") or error) if isinstance(error, dict) else str(error)
    except (ValueError, AttributeError, RecursionError):
        message = text
    message = " ".join(plain(message).split())[:300].rstrip(".") or f"status {status}"
    if 300 <= status < 400:
        return EngineUnavailable(
            f"The server sends questions on to another address (status {status}).",
            hint="Give that address: redirects are not followed.",
        )
    numbers = [int(number) for number in re.findall(r"\b\d{2,9}\b", message)]
    if status in (400, 413, 422) and _OVERFLOW.search(message) and len(numbers) >= 2:
        return ContextOverflow(max(numbers), min(numbers))
    if status in (401, 403):
        return EngineUnavailable(
            f"The server wants another API key: {message}.", hint="Give it with --endpoint-key."
        )
    if status == 404:
        return EngineUnavailable(f"The server does not have that: {message}.")
    if status in (429, 503):
        return EngineUnavailable(f"The server is busy or loading: {message}.", hint="Try again.")
    if 400 <= status < 500:
        return InvalidRequest(f"The model refuses the request: {message}")
    return EngineError(f"The server failed: {message}.", hint="Try again.")
