"""Sends an answer while listening for the caller's hang-up, which stops all work at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, Generic, Protocol, TypeVar

from starlette.responses import JSONResponse, Response
from starlette.types import Message, Receive, Scope, Send

from ..errors import EngineError, SwarmError
from .errors import Json, respond

COMMENT_S = 5.0  # a proxy may cut what is silent for longer
CHUNK_S = 20.0  # some clients count events and ignore comments
_SLOW_S = 120.0  # a caller who takes nothing for so long is gone

E = TypeVar("E")
_Event = TypeVar("_Event", contravariant=True)


class Wire(Protocol[_Event]):
    """How one wire says what happens. Texts are sent as they are, in UTF-8; "" sends nothing."""

    @property
    def media_type(self) -> str:
        """The content type of a stream."""
        ...

    def whole(self, event: _Event) -> dict[str, Any] | None:
        """Takes the next event of a plain answer; the answer, once it is the last."""
        ...

    def opened(self) -> str:
        """What begins a stream, before there is anything to say."""
        ...

    def said(self, event: _Event) -> tuple[str, bool]:
        """The next event of a stream, and whether clients see it (a comment they do not)."""
        ...

    def alive(self, *, seen: bool) -> str:
        """A sign of life: a comment, or with `seen` something that clients count."""
        ...

    def broken(self, error: SwarmError) -> str:
        """An error in the middle of a stream."""
        ...


class AnswerResponse(Response, Generic[E]):
    """Drives `events` for one request and says them by `wire`, streamed or as one object.

    Starlette's own streaming notices a hang-up only when it next sends, and a plain response
    never does; a vote may be silent for a minute. A slow reader holds memory, never a seat: the
    events are taken from the engine as they come.
    """

    def __init__(
        self,
        events: Callable[[], AsyncIterator[E]],
        wire: Wire[E],
        *,
        stream: bool,
    ) -> None:
        super().__init__()
        self._events, self._wire, self._stream = events, wire, stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        work = asyncio.create_task(
            self._streamed(scope["path"], _Patient(send))
            if self._stream
            else self._plain(scope, receive, send)
        )
        gone = asyncio.create_task(_hang_up(receive))
        try:
            await asyncio.wait((work, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            hung_up = not work.done()
            work.cancel()
            gone.cancel()
            results = await asyncio.gather(work, gone, return_exceptions=True)
        failure = results[0]
        if not hung_up and isinstance(failure, Exception) and not isinstance(failure, TimeoutError):
            raise failure

    async def _plain(self, scope: Scope, receive: Receive, send: Send) -> None:
        response: Response | None = None
        try:
            async with aclosing(self._events()) as events:  # type: ignore[type-var]
                async for event in events:
                    body = self._wire.whole(event)
                    response = Json(body) if body is not None else response
        except SwarmError as error:
            response = respond(error, scope["path"])
        response = response or respond(_silence(), scope["path"])
        await response(scope, receive, send)

    async def _streamed(self, path: str, send: _Patient) -> None:
        inbox: asyncio.Queue[tuple[E] | SwarmError | None] = asyncio.Queue()
        producer = asyncio.create_task(self._produce(inbox))
        opened = self._wire.opened()
        try:
            try:
                async with asyncio.timeout(COMMENT_S):
                    first = await inbox.get()
            except TimeoutError:  # the caller should know by now that somebody is there
                await send.head(self._wire.media_type)
                await send.text(opened + self._wire.alive(seen=False))
                first, _ = await self._next(inbox, send, asyncio.get_running_loop().time())
                await self._follow(first or _silence(), inbox, send, "")
                return
            if first is None:
                first = _silence()
            if isinstance(first, SwarmError):  # the status line can still say it
                await send.plain(respond(first, path))
                return
            await send.head(self._wire.media_type)
            await self._follow(first, inbox, send, opened)
        finally:
            producer.cancel()
            await asyncio.gather(producer, return_exceptions=True)

    async def _follow(
        self,
        item: tuple[E] | SwarmError | None,
        inbox: asyncio.Queue[tuple[E] | SwarmError | None],
        send: _Patient,
        text: str,
    ) -> None:
        """Says `text`, `item` and what comes after it."""
        clock = asyncio.get_running_loop().time
        last_seen = clock()
        while item is not None:
            if isinstance(item, SwarmError):
                said, seen = self._wire.broken(item), True
            else:
                said, seen = self._wire.said(item[0])
            text += said
            last_seen = clock() if seen else last_seen
            if not inbox.empty():  # what has come meanwhile goes out in one piece
                item = inbox.get_nowait()
                continue
            await send.text(text)
            text = ""
            item, last_seen = await self._next(inbox, send, last_seen)
        await send.end(text)

    async def _next(
        self,
        inbox: asyncio.Queue[tuple[E] | SwarmError | None],
        send: _Patient,
        last_seen: float,
    ) -> tuple[tuple[E] | SwarmError | None, float]:
        """Waits for what is next, with signs of life; and when the caller last saw one."""
        clock = asyncio.get_running_loop().time
        while True:
            if clock() - last_seen >= CHUNK_S:
                await send.text(self._wire.alive(seen=True))
                last_seen = clock()
            try:
                async with asyncio.timeout(COMMENT_S):
                    return await inbox.get(), last_seen
            except TimeoutError:
                if clock() - last_seen < CHUNK_S:
                    await send.text(self._wire.alive(seen=False))

    async def _produce(self, inbox: asyncio.Queue[tuple[E] | SwarmError | None]) -> None:
        try:
            async with aclosing(self._events()) as events:  # type: ignore[type-var]
                async for event in events:
                    inbox.put_nowait((event,))
        except SwarmError as error:
            inbox.put_nowait(error)
        except Exception as error:  # a stream that has begun can only say it in an event
            inbox.put_nowait(EngineError(f"Internal error ({type(error).__name__})."))
        finally:
            inbox.put_nowait(None)


class Once(AnswerResponse[dict[str, Any]]):
    """An answer that comes in one piece, and can be hung up on as any other."""

    def __init__(self, make: Callable[[], Awaitable[dict[str, Any]]]) -> None:
        async def events() -> AsyncIterator[dict[str, Any]]:
            yield await make()

        super().__init__(events, _Itself(), stream=False)


class _Itself:
    """A wire without streams, whose only event is the answer."""

    media_type = "application/json"

    def whole(self, event: dict[str, Any]) -> dict[str, Any]:
        return event

    def opened(self) -> str:
        return ""

    def said(self, event: dict[str, Any]) -> tuple[str, bool]:
        return "", True

    def alive(self, *, seen: bool) -> str:
        return ""

    def broken(self, error: SwarmError) -> str:
        return ""


class _Patient:
    """Sends with a limit on the caller's patience with us: a reader who stopped is hung up on."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def head(self, media_type: str) -> None:
        headers = {
            "content-type": media_type,
            "cache-control": "no-cache",
            "x-accel-buffering": "no",
        }
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": 200, "headers": raw})

    async def text(self, text: str) -> None:
        if text:
            await self._body(text.encode("utf-8", "replace"), more=True)

    async def end(self, text: str) -> None:
        await self._body(text.encode("utf-8", "replace"), more=False)

    async def plain(self, response: JSONResponse) -> None:
        start = {"type": "http.response.start", "status": response.status_code}
        await self._send({**start, "headers": response.raw_headers})
        await self._body(bytes(response.body), more=False)

    async def _body(self, data: bytes, *, more: bool) -> None:
        message: Message = {"type": "http.response.body", "body": data, "more_body": more}
        async with asyncio.timeout(_SLOW_S):
            await self._send(message)


async def _hang_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _silence() -> EngineError:
    return EngineError("The swarm gave no answer.")
