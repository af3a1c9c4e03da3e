"""One HTTP client for a server that speaks OpenAI's chat wire, wherever it is."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, suppress
from typing import Any

import httpx

from ..chat import ChatRequest
from ..errors import EngineError, EngineUnavailable, InvalidRequest
from ..wire.client import key_header
from ..wire.connection import OneConnection
from ..wire.sse import Comment, lines, parse
from .base import Piece
from .llama_http import whole
from .openai_wire import LOGPROBS, OPTIONAL, USAGE, Reading, body, error_of, refused
from .pulse import Pulse

_SILENCE_S = 300.0  # a large prompt on a slow machine; after that nobody comes
_ERROR, _ERROR_S = 1 << 16, 10.0  # bytes and seconds of an error's text
_OBJECT = 16 << 20  # bytes of an answer in one piece


class OpenAiHttp:
    """Asks the server at `url` (without /v1). Methods raise httpx.TransportError when it is gone,
    and SwarmError when it refuses.

    `offers` are the optional fields that were not refused yet; `more` goes into every request.
    Neither proxies nor redirects are followed: a question goes to the address that was named.
    """

    def __init__(self, url: str, key: str | None, more: dict[str, Any] | None = None) -> None:
        self.url = url
        self.offers = set(OPTIONAL)
        self.more = more or {}
        self.pulse = Pulse()
        headers = key_header(key)
        headers["Content-Type"] = "application/json"
        self._http = httpx.AsyncClient(
            headers=headers,
            timeout=httpx.Timeout(_SILENCE_S, connect=5, pool=None),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
            transport=None if url.startswith("https:") else OneConnection(),
            trust_env=False,
        )

    async def close(self) -> None:
        """Closes all connections."""
        await self._http.aclose()

    async def alive(self) -> bool:
        """Whether a server answers there. What it says is not read: it may have no end."""
        try:
            async with self._http.stream("GET", f"{self.url}/v1/models", timeout=5) as response:
                return response.status_code == 200
        except httpx.HTTPError:
            return False

    async def probe(self, model: str) -> None:
        """Returns when the server has produced a real token; the prompt is more than a word,
        because short prefills hide broken matrix kernels."""
        words = "Say hello. " + "one two three four five six seven eight nine ten " * 7
        asked = ChatRequest("probe", ({"role": "user", "content": words},))
        said = [item async for item in self.stream(asked, [0], model, max_tokens=1)]
        if len(said) < 2:  # the reading alone
            raise EngineUnavailable("The server ended its first answer without a word.")

    async def stream(
        self, request: ChatRequest, seats: Sequence[int], model: str, max_tokens: int | None
    ) -> AsyncGenerator[Piece | Reading]:
        """Pieces of the answers of `seats`, then the finished Reading. Closing it hangs up.

        An optional field that is refused is left out from then on; where the request is refused
        without them too, they were not at fault.
        """
        used = {LOGPROBS, USAGE} & self.offers
        while True:
            asked = body(
                request, seats, model=model, max_tokens=max_tokens, offers=used, more=self.more
            )
            reading, said = Reading(seats, request.top_logprobs), False
            try:
                async with aclosing(self._events(asked)) as events:
                    async for event in events:
                        for piece in reading.read(event):
                            said = True
                            yield piece
                        if max_tokens is not None and reading.endless(max_tokens):
                            for piece in reading.cut():
                                yield piece
                            break
            except InvalidRequest as refusal:
                sent = {field for field in used if field in asked}
                fault = refused(refusal.message, sent)
                if said or fault is None or len(seats) > 1:
                    raise
                used.discard(fault)
                continue
            self.offers -= {LOGPROBS, USAGE} - used
            for piece in reading.rest():
                yield piece
            yield reading
            return

    async def _events(self, asked: dict[str, Any]) -> AsyncGenerator[str]:
        try:
            content = json.dumps(asked, ensure_ascii=False, allow_nan=False)
        except ValueError:
            raise InvalidRequest("NaN and Infinity are no JSON numbers.") from None
        request = self._http.stream(
            "POST", f"{self.url}/v1/chat/completions", content=content.encode("utf-8", "replace")
        )
        with self.pulse.call(stream=True):
            async with whole(), request as response:
                if response.status_code != 200:
                    raise error_of(response.status_code, await _beginning(response))
                async for event in parse(_told(lines(response.aiter_bytes()))):
                    if not isinstance(event, Comment):
                        self.pulse.beat()
                        yield event


async def _beginning(response: httpx.Response) -> bytes:
    """What an error says, as far as anybody would read it."""
    said = b""
    with suppress(TimeoutError):
        async with asyncio.timeout(_ERROR_S):
            async for chunk in response.aiter_bytes():
                said += chunk
                if len(said) > _ERROR:
                    break
    return said[:_ERROR]


async def _told(lines: AsyncIterator[str]) -> AsyncIterator[str]:
    """The lines of a stream of events. Where a server sent one JSON object instead, as if nobody
    had asked for a stream, it is made the only event. Raises EngineError for what is neither, and
    ReadTimeout where nothing but signs of life comes."""
    heard = time.monotonic()
    parts: list[str] = []
    size = 0
    async for line in lines:
        if parts or line.lstrip().startswith("{"):
            parts.append(line)
            size += len(line) + 1
            if size > _OBJECT:
                raise EngineError("The server sent more than an answer.")
            continue
        if line.lstrip().startswith("<"):
            raise EngineError(
                "The server sent a web page instead of an answer.", hint="Check its address."
            )
        if line.startswith("data:"):
            heard = time.monotonic()
        elif time.monotonic() - heard > _SILENCE_S:
            raise httpx.ReadTimeout(f"no word in {_SILENCE_S:.0f} s")
        yield line
    if parts:
        text = "".join(parts)
        if '"choices"' not in text:
            raise error_of(500, text.encode())
        yield f"data: {text}"
