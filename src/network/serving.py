"""What a peer gets from this machine: ballots of its own seats, while its own user asks nothing.

The question never goes on to a third machine: what answers is handed the engines, not the swarm.
"""

from __future__ import annotations

import asyncio
import math
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from ..ballot import Ballot, Meter
from ..caller import caller
from ..chat import ChatRequest
from ..errors import ContextOverflow, SwarmError
from . import protocol
from .desk import Desk, Full, Job, Repeated
from .protocol import Accepted, Commit, End, Heartbeat, Line, NotUnderstood, Question
from .server import PEER

Sample = Callable[[ChatRequest, int, Meter], AsyncIterator[Ballot]]
BEAT_S = 1.0
_PAUSED_S = 60
_SLOW_S = 10.0  # a peer that takes nothing for so long is gone


def routes(
    cast: Sample,
    models: Callable[[], Sequence[str]],
    desk: Desk,
    willing: Callable[[], str | None] = lambda: None,
    most: Callable[[], int] = lambda: protocol.MAX_SEATS,
) -> list[Route]:
    """The route of ballots, for the peer port.

    `cast` answers with the seats of this machine; `models` are those that it has; `willing` is why
    the machine takes no questions of peers now (paused, on battery), or None; `most` is how many
    seats one question gets.
    """

    async def ballots(request: Request) -> Response:
        peer = str(request.scope[PEER])
        if why := willing():
            return _refused(503, why, _PAUSED_S)
        try:
            asked = protocol.read_question(await _body(request))
        except NotUnderstood as error:
            return _refused(400, str(error))
        except ClientDisconnect:
            return Response(status_code=400)
        if asked.protocol != protocol.VERSION:
            return _refused(426, f"this machine speaks protocol {protocol.VERSION}")
        if asked.model is not None and asked.model not in models():
            return _refused(404, "that model is not served here")
        asked = asked.model_copy(update={"seats": max(1, min(asked.seats, most()))})
        return _Answer(asked, peer, cast, desk)

    return [Route(protocol.PATH, ballots, methods=["POST"])]


async def _body(request: Request) -> bytes:
    """Raises NotUnderstood as soon as it is too large."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > protocol.MAX_BODY:
            raise NotUnderstood("the question is too large")
        parts.append(part)
    return b"".join(parts)


def _refused(status: int, why: str, retry_s: float | None = None) -> JSONResponse:
    headers = {} if retry_s is None else {"Retry-After": str(math.ceil(retry_s))}
    return JSONResponse({"error": {"code": "refused", "message": why}}, status, headers)


class _Answer(Response):
    """Drives the seats for one question, and stops them when the peer hangs up."""

    def __init__(self, asked: Question, peer: str, cast: Sample, desk: Desk) -> None:
        super().__init__()
        self._asked, self._peer, self._sample, self._desk = asked, peer, cast, desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            with self._desk.job(self._peer, self._asked.id) as job:
                await self._until_gone(job, receive, send)
        except Full as full:
            await _refused(503, full.why, full.retry_s)(scope, receive, send)
        except Repeated:
            await _refused(409, "this question was asked already")(scope, receive, send)
        except _Gone:
            pass

    async def _until_gone(self, job: Job, receive: Receive, send: Send) -> None:
        work = asyncio.create_task(self._work(job, send))
        gone = asyncio.create_task(_hang_up(receive))
        try:
            await asyncio.wait((work, gone), return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                raise _Gone
            work.result()
        finally:
            work.cancel()
            gone.cancel()
            await asyncio.gather(work, gone, return_exceptions=True)

    async def _work(self, job: Job, send: Send) -> None:
        headers = [(b"content-type", b"application/x-ndjson"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        out = _Lines(send)
        await out.say(Accepted(seats=self._asked.seats))
        lines: asyncio.Queue[Line] = asyncio.Queue()
        meter = Meter()
        seats = asyncio.create_task(self._seats(job, lines, meter))
        try:
            while True:
                try:
                    async with asyncio.timeout(BEAT_S):
                        line = await lines.get()
                except TimeoutError:
                    line = Heartbeat(tokens=_tokens(meter))
                await out.say(line)
                if isinstance(line, End):
                    break
        finally:
            seats.cancel()
            await asyncio.gather(seats, return_exceptions=True)
        await out.close()

    async def _seats(self, job: Job, lines: asyncio.Queue[Line], meter: Meter) -> None:
        """Puts into `lines` what the seats say, and an End whatever happens."""
        why = End(why="failed")
        stopped = asyncio.create_task(job.stopped.wait())
        work = asyncio.create_task(self._vote(job, lines, meter))
        try:
            async with asyncio.timeout(self._asked.deadline_ms / 1000):
                await asyncio.wait((work, stopped), return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                why = End(why="preempted")
            else:
                work.result()
                why = End(why="done")
        except TimeoutError:
            why = End(why="deadline")
        except ContextOverflow:
            why = End(why="too_long")
        except SwarmError:
            pass
        finally:
            work.cancel()
            stopped.cancel()
            await asyncio.gather(work, stopped, return_exceptions=True)
            lines.put_nowait(why)

    async def _vote(self, job: Job, lines: asyncio.Queue[Line], meter: Meter) -> None:
        await job.turn()
        caller.set(f"peer:{job.peer}")  # the engine's queue is fair to all who ask
        stream: Any = self._sample(self._asked.request(), self._asked.seats, meter)
        seat = 0
        async with aclosing(stream):
            async for ballot in stream:
                line = protocol.Cast.of(ballot, seat, secrets.token_hex(16))
                lines.put_nowait(Commit(seat=seat, hash=line.digest(self._asked.id)))
                lines.put_nowait(line)
                seat += 1


class _Lines:
    """Sends lines; a reader who stopped is hung up on."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def say(self, line: Line) -> None:
        await self._body(protocol.write_line(line), more=True)

    async def close(self) -> None:
        await self._body(b"", more=False)

    async def _body(self, data: bytes, *, more: bool) -> None:
        try:
            async with asyncio.timeout(_SLOW_S):
                await self._send({"type": "http.response.body", "body": data, "more_body": more})
        except (TimeoutError, OSError):
            raise _Gone from None


class _Gone(Exception):
    """The peer has hung up, or takes nothing any more."""


async def _hang_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _tokens(meter: Meter) -> list[int]:
    """Tokens of each seat so far, in no telling order."""
    return [min(n, protocol.MAX_TOKENS) for n in meter.by_seat.values()][: protocol.MAX_SEATS]
