"""The swarm of one machine: answers a request by a vote, or live from one seat."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from ..backends.base import Engine, Grant
from ..ballot import Answer, Finish, Meter, Verdict
from ..chat import ChatRequest, Delta, Done, Event, Progress
from ..errors import EngineError, NoAnswer
from .assembly import Assembly
from .canonical import key_of, kind_of
from .election import Rule, decide, hold
from .strategies import named
from .voter import HOME, EngineVoter, seed_of


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds where a request says nothing."""

    seats: int
    strategy: str = "auto"


class Swarm:
    """A Responder over one engine."""

    def __init__(self, engine: Engine, defaults: Defaults) -> None:
        self._engine = engine
        self._defaults = defaults

    async def respond(self, request: ChatRequest) -> AsyncIterator[Event]:
        """See Responder.respond. One seat streams live; several vote first."""
        seats = request.swarm.seats or self._defaults.seats
        name, strategy = named(request.swarm.strategy or self._defaults.strategy)
        # The fastest answer is the first one, whatever else was asked.
        early = request.swarm.early_stop or name == "fastest"
        rule = Rule(name, strategy, kind_of(request), early)
        events = self._live(request, rule) if seats == 1 else self._vote(request, seats, rule)
        async with aclosing(events):
            async for event in events:
                yield event

    async def _vote(self, request: ChatRequest, seats: int, rule: Rule) -> AsyncGenerator[Event]:
        news: asyncio.Queue[Progress | None] = asyncio.Queue()
        voters = [(EngineVoter(self._engine), seats)]
        election = asyncio.create_task(
            hold(voters, request, rule, request.swarm.deadline_s, news.put_nowait)
        )
        election.add_done_callback(lambda _: news.put_nowait(None))
        try:
            while progress := await news.get():
                yield progress
            verdict = await election
        finally:
            election.cancel()
            await asyncio.gather(election, return_exceptions=True)
        if verdict.winner is None:
            raise EngineError("No worker answered.", hint="Try again.")
        yield Delta(verdict.winner.answer)
        yield Done(verdict.winner.answer, verdict.winner.finish, verdict)

    async def _live(self, request: ChatRequest, rule: Rule) -> AsyncGenerator[Event]:
        """One seat, streamed as it speaks. What was sent is never taken back."""
        started, meter, said, finish = time.monotonic(), Meter(), Assembly(), Finish.STOP
        sent = False
        stream: Any = self._engine.sample(request, 1)
        try:
            async with asyncio.timeout(request.swarm.deadline_s), aclosing(stream):
                async for item in stream:
                    if isinstance(item, Grant):
                        meter.grant(HOME, 1, item.prompt_tokens, item.degraded)
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
                        yield Delta(Answer(text=item.text, reasoning=item.reasoning))
        except TimeoutError:
            raise NoAnswer(
                f"The answer was not finished within {request.swarm.deadline_s:g} seconds.",
                hint="Give a longer swarm.deadline_s or a smaller max_tokens.",
            ) from None
        answer = said.answer
        if answer.tool_calls:
            yield Delta(Answer(tool_calls=answer.tool_calls))
        yield Done(answer, finish, self._single(request, rule, said, finish, meter, started))

    def _single(
        self, request: ChatRequest, rule: Rule, said: Assembly, finish: Finish, meter: Meter,
        started: float,
    ) -> Verdict:  # fmt: skip
        """The verdict over a single ballot."""
        seconds = time.monotonic() - started
        ballot = said.ballot(
            finish,
            voter=f"{HOME}/{self._engine.model}#0",
            machine=HOME,
            model=self._engine.model,
            seconds=seconds,
            seed=seed_of(request, 0),
        )
        meter.by_seat[HOME, 0] = said.tokens
        key = key_of(rule.kind, request, ballot)
        return decide([ballot], [key], request.id, rule.name, asked=1, meter=meter, seconds=seconds)
