"""The answer of a single seat, streamed as it is written: no vote is held."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from ..backends.base import Engine, Grant
from ..ballot import Answer, Finish, Meter, Verdict
from ..chat import ChatRequest, Delta, Done, Event, Progress
from ..errors import EngineError, NoAnswer
from .assembly import Assembly
from .canonical import key_of
from .decision import Rule, decide
from .tally import Cast
from .voter import seed_of, worker
from .weights import HOME


async def answer(
    engine: Engine, request: ChatRequest, rule: Rule, degraded: str | None
) -> AsyncGenerator[Event]:
    """One seat of `engine`. What was sent is never taken back; `degraded` says why there is only
    one. Raises EngineError when the engine dies in the middle, NoAnswer at the deadline."""
    started, meter, said, finish = time.monotonic(), Meter(), Assembly(), Finish.STOP
    sent = False
    stream: Any = engine.sample(request, 1)
    try:
        async with asyncio.timeout(request.swarm.deadline_s), aclosing(stream):
            async for item in stream:
                if isinstance(item, Grant):
                    again = bool(meter.granted)
                    meter.grant(HOME, 1, item.prompt_tokens, item.degraded or degraded)
                    if not again:
                        yield Progress(0, 1, 0)
                    continue
                if item.restart and sent:
                    raise EngineError(
                        "The engine died in the middle of its answer.", hint="Ask again."
                    )
                said.add(item)
                finish = item.finish or finish
                if item.text or item.reasoning:
                    sent = True
                    said_now = Answer(item.text, reasoning=item.reasoning, chances=item.chances)
                    yield Delta(said_now)
    except TimeoutError:
        raise NoAnswer(
            f"The answer was not finished within {request.swarm.deadline_s:g} seconds.",
            hint="Give a longer swarm.deadline_s or a smaller max_tokens.",
        ) from None
    whole = said.answer
    if whole.tool_calls:
        yield Delta(Answer(tool_calls=whole.tool_calls))
    seconds = time.monotonic() - started
    yield Done(whole, finish, _verdict(engine.model, request, rule, said, finish, meter, seconds))


def _verdict(
    model: str, request: ChatRequest, rule: Rule, said: Assembly, finish: Finish, meter: Meter,
    seconds: float,
) -> Verdict:  # fmt: skip
    """The verdict over a single ballot."""
    ballot = said.ballot(
        finish,
        voter=worker(model, 0),
        machine=HOME,
        model=model,
        seconds=seconds,
        seed=seed_of(request, 0),
    )
    meter.by_seat[HOME, 0] = said.tokens
    cast = Cast(ballot, key_of(rule.asked, ballot))
    return decide([cast], rule, request.id, asked=1, meter=meter, seconds=seconds)
