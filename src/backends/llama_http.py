"""The HTTP side of llama.cpp's server: one client for one child, whatever its address is now."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import httpx

from ..chat import ChatRequest
from ..errors import EngineError, EngineUnavailable, InvalidRequest
from ..wire.connection import OneConnection
from ..wire.sse import Comment, LineTooLong, lines, parse
from .base import Piece
from .forced import as_calls, is_forced
from .llama_wire import Garbled, body, engine_error, pieces
from .pulse import Pulse

_PROBE_TOKENS = 64  # shorter prefills hide broken matrix kernels


class LlamaHttp:
    """Asks the child at `url` with a random `key`. All methods raise httpx.TransportError when
    the child is dead, and SwarmError when it refuses."""

    def __init__(self) -> None:
        self.key = secrets.token_urlsafe(24)
        self.url = ""
        self.pulse = Pulse()
        self._http = httpx.AsyncClient(
            headers={
                "Authorization": f"Bearer {self.key}",
                "Content-Type": "application/json",
            },
            timeout=httpx.Timeout(None, connect=5),
            # A connection a request: the child closes some that it has just used (9 of 260 here),
            # and one of its threads waits at each that is idle.
            transport=OneConnection(),
            trust_env=False,  # a proxy has no business between us and our own child
        )

    async def close(self) -> None:
        """Closes all connections."""
        await self._http.aclose()

    async def probe(self, birth: dict[str, Any]) -> None:
        """Returns when the child, born with `birth`, has produced a real token."""
        self.url = birth["url"]
        asked = {"prompt": [10] * _PROBE_TOKENS, "n_predict": 1, "cache_prompt": False}
        await self.post("/completion", asked)

    async def count(self, request: ChatRequest) -> int:
        """Tokens of the prompt, by the engine's own template and tokenizer."""
        asked = body(request, seats=1, first=0, max_tokens=1)
        try:
            response = await self.post("/v1/chat/completions/input_tokens", asked)
        except EngineUnavailable:
            raise
        except EngineError as error:
            # Nothing was generated yet: what fails here is the request, whatever the status said.
            raise InvalidRequest(
                f"The model's chat template refuses the request: {_first_line(error.message)}"
            ) from None
        return int(field_of(response, "input_tokens"))

    async def alive(self) -> bool:
        """Whether the child answers: a broken connection is not yet a dead child."""
        try:
            response = await self._http.get(f"{self.url}/health", timeout=2)
        except httpx.HTTPError:
            return False
        return response.status_code == 200

    async def busy(self) -> int:
        """How many slots the engine is working on."""
        response = await self._http.get(f"{self.url}/slots")
        return sum(bool(slot.get("is_processing")) for slot in response.json())

    async def stream(
        self, request: ChatRequest, seats: list[int], max_tokens: int
    ) -> AsyncGenerator[Piece]:
        """The answers of `seats`, piece by piece. Closing it makes the engine stop."""
        asked = body(request, seats=len(seats), first=seats[0], max_tokens=max_tokens)
        async with aclosing(self.events("/v1/chat/completions", asked)) as events:
            read = _pieces(events, seats, request.top_logprobs)
            async for piece in as_calls(read) if is_forced(request) else read:
                yield piece

    async def events(self, path: str, asked: dict[str, Any]) -> AsyncGenerator[str]:
        """The data of the events that `path` streams. Closing it makes the engine stop."""
        content = _encode(asked)
        with self.pulse.call(stream=True):
            request = self._http.stream("POST", f"{self.url}{path}", content=content)
            async with whole(), request as response:
                if response.status_code != 200:
                    raise engine_error(response.status_code, await response.aread())
                async for event in parse(lines(response.aiter_bytes())):
                    self.pulse.beat()
                    if not isinstance(event, Comment):
                        yield event
                self.pulse.answers += 1

    async def post(self, path: str, asked: dict[str, Any]) -> httpx.Response:
        """The answer of `path`, which is 200."""
        content = _encode(asked)
        with self.pulse.call():
            async with whole():
                response = await self._http.post(f"{self.url}{path}", content=content)
            self.pulse.answered()
        if response.status_code != 200:
            raise engine_error(response.status_code, response.content)
        return response


async def _pieces(
    events: AsyncGenerator[str], seats: list[int], top: int | None
) -> AsyncGenerator[Piece]:
    async for event in events:
        try:
            made = pieces(event, seats, top)
        except Garbled as garbled:  # asked once more, as if the connection had broken
            raise httpx.RemoteProtocolError(str(garbled)) from None
        for piece in made:
            yield piece


@asynccontextmanager
async def whole() -> AsyncGenerator[None]:
    """Whatever is no answer by the rules of HTTP is as good as a broken connection."""
    try:
        yield
    except httpx.TransportError:
        raise
    except (httpx.DecodingError, LineTooLong) as garbled:
        raise httpx.RemoteProtocolError(f"the engine sent garbage: {garbled}") from None


def field_of(response: httpx.Response, name: str) -> Any:
    """A field of the engine's answer. Raises RemoteProtocolError where there is none."""
    try:
        return response.json()[name]
    except (ValueError, KeyError, TypeError, IndexError):
        raise httpx.RemoteProtocolError(f"the engine sent an answer without {name}") from None


def _encode(asked: dict[str, Any]) -> bytes:
    """JSON in UTF-8; half a surrogate pair, which JSON can carry and UTF-8 cannot, becomes "?"."""
    try:
        return json.dumps(asked, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
    except ValueError:
        raise InvalidRequest("NaN and Infinity are no JSON numbers.") from None


def _first_line(message: str) -> str:
    """What a user can use of the engine's message: no template source, no stack."""
    line = message.removeprefix("The engine failed: ").partition("\n")[0]
    return line.partition("While executing")[0].strip(" :.")[:300] + "."
