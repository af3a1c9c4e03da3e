"""Asks a model many questions and keeps what it says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from typing import Any

from ..chat import ChatRequest, Done, Responder, SwarmOptions
from ..errors import EngineError
from .question import Question
from .store import Candidates, Store

OnProgress = Callable[[int, int], None]  # questions done, questions in all

_ONE = SwarmOptions(seats=1, strategy="majority", include_ballots=True, escalate=False)


async def collect(
    responder: Responder,
    questions: Sequence[Question],
    store: Store,
    *,
    samples: int,
    sampling: dict[str, Any],
    parallel: int = 1,
    on_progress: OnProgress = lambda done, total: None,
) -> None:
    """Asks what is not in `store` yet: each question once greedily, and `samples` times at
    random in one request, so that its prompt is read once. `parallel` questions run beside each
    other. Raises SwarmError; what was answered by then is kept.
    """
    names = {question.hash(samples=samples, **sampling): question for question in questions}
    missing = [(name, question) for name, question in names.items() if name not in store]
    done = len(names) - len(missing)
    on_progress(done, len(names))
    turn = asyncio.Semaphore(parallel)

    async def one(name: str, question: Question) -> None:
        nonlocal done
        async with turn:
            store.put(name, await candidates(responder, question, samples, sampling))
        done += 1
        on_progress(done, len(names))

    try:
        async with asyncio.TaskGroup() as tasks:
            for name, question in missing:
                tasks.create_task(one(name, question))
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from None


async def candidates(
    responder: Responder, question: Question, samples: int, sampling: dict[str, Any]
) -> Candidates:
    """The greedy answer and `samples` others."""
    greedy = await ask(responder, question.request(_ONE, temperature=0))
    if not samples:
        return Candidates(greedy=greedy.verdict.ballots[0])
    every = SwarmOptions(
        seats=samples,
        strategy="majority",
        early_stop=False,
        include_ballots=True,
        waves=False,
        escalate=False,
    )
    drawn = await ask(responder, question.request(every, **sampling))
    of = drawn.verdict
    return Candidates(of.ballots, greedy.verdict.ballots[0], of.seconds, of.total_tokens)


async def ask(responder: Responder, request: ChatRequest) -> Done:
    """The end of one answer, its verdict with all ballots. Raises SwarmError."""
    events: Any = responder.respond(request)
    async with aclosing(events):
        async for event in events:
            if isinstance(event, Done):
                if not event.verdict.ballots:
                    raise EngineError(
                        "The node does not show its ballots.", hint="Is it of the same version?"
                    )
                return event
    raise EngineError("The node did not finish its answer.", hint="Try again.")
