"""Sends an answer while listening for the caller's hang-up, which stops all work at once."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from ..chat import ChatRequest, Delta, Done, Event, Progress, Responder
from ..errors import EngineError, SwarmError
from .errors import Json, object_of, respond
from .render import Renderer

_KEEP_ALIVE_S = 5.0
_IDLE_CHUNK_EVERY = 4  # keep-alives
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]


class AnswerResponse(Response):
    """Drives `responder` for one request; `stream` chooses chunks or one object.

    Starlette's own streaming notices a hang-up only when it next sends, and a plain response
    never does; a vote may be silent for a minute.
    """

    def __init__(
        self, responder: Responder, request: ChatRequest, *, stream: bool, include_usage: bool
    ) -> None:
        super().__init__()
        self._responder, self._request = responder, request
        self._stream, self._include_usage = stream, include_usage
        self._render = Renderer(request)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        work = asyncio.create_task(
            self._streamed(send) if self._stream else self._plain(scope, receive, send)
        )
        gone = asyncio.create_task(_hang_up(receive))
        try:
            await asyncio.wait((work, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            hung_up = not work.done()
            work.cancel()
            gone.cancel()
            results = await asyncio.gather(work, gone, return_exceptions=True)
        if not hung_up and isinstance(results[0], Exception):
            raise results[0]

    async def _plain(self, scope: Scope, receive: Receive, send: Send) -> None:
        response: Response | None = None
        try:
            events: Any = self._responder.respond(self._request)
            async with aclosing(events):
                async for event in events:
                    if isinstance(event, Done):
                        response = Json(self._render.completion(event))
        except SwarmError as error:
            response = respond(error)
        await (response or respond(EngineError("The swarm gave no answer.")))(scope, receive, send)

    async def _streamed(self, send: Send) -> None:
        inbox: asyncio.Queue[Event | SwarmError | None] = asyncio.Queue()
        producer = asyncio.create_task(self._produce(inbox))
        try:
            first = await inbox.get()
            if first is None:
                first = EngineError("The swarm gave no answer.")
            if isinstance(first, SwarmError):  # the status line can still say it
                await _send_plain(send, respond(first))
                return
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            await _send(send, f"data: {self._render.first()}\n\n")
            await _send(send, self._event(first))
            silent = 0
            while True:
                try:
                    item = await asyncio.wait_for(inbox.get(), _KEEP_ALIVE_S)
                except TimeoutError:
                    silent += 1
                    await _send(send, self._sign_of_life(silent))
                    continue
                if item is None:
                    break
                silent = 0
                await _send(send, self._event(item))
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            producer.cancel()
            await asyncio.gather(producer, return_exceptions=True)

    def _event(self, item: Event | SwarmError) -> str:
        """One event as SSE text."""
        if isinstance(item, Progress):
            return f": swarm {item.cast}/{item.seats} ballots {item.tokens} tokens\n\n"
        if isinstance(item, Delta):
            return f"data: {self._render.delta(item.answer)}\n\n"
        if isinstance(item, Done):
            usage = f"data: {self._render.usage(item)}\n\n" if self._include_usage else ""
            return f"data: {self._render.last(item)}\n\n{usage}data: [DONE]\n\n"
        return f"data: {json.dumps(object_of(item))}\n\n"

    def _sign_of_life(self, silent: int) -> str:
        """What keeps a silent connection open: comments, and for clients that count events now
        and then an empty chunk."""
        if silent % _IDLE_CHUNK_EVERY == 0:
            return f"data: {self._render.idle()}\n\n"
        return ": waiting\n\n"

    async def _produce(self, inbox: asyncio.Queue[Event | SwarmError | None]) -> None:
        try:
            events: Any = self._responder.respond(self._request)
            async with aclosing(events):
                async for event in events:
                    inbox.put_nowait(event)
        except SwarmError as error:
            inbox.put_nowait(error)
        except Exception as error:  # a stream that has begun can only say it in an event
            inbox.put_nowait(EngineError(f"Internal error ({type(error).__name__})."))
        finally:
            inbox.put_nowait(None)


async def _hang_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send(send: Send, text: str) -> None:
    data = text.encode("utf-8", "replace")
    await send({"type": "http.response.body", "body": data, "more_body": True})


async def _send_plain(send: Send, response: JSONResponse) -> None:
    start = {"type": "http.response.start", "status": response.status_code}
    await send({**start, "headers": response.raw_headers})
    await send({"type": "http.response.body", "body": bytes(response.body)})
