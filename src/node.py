"""One node: the only place that knows every room, and builds and ends what it needs."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from . import __version__, logs
from .backends.base import Served
from .backends.care import USUAL, Care
from .backends.llama_embedder import LlamaEmbedder
from .capabilities import Capabilities
from .chat import ChatRequest, Done, Event, named
from .crew import Crew, accuracies, by_model, of_plan
from .errors import SwarmError
from .meaning import meaning
from .models.by_hash import by_sha256
from .models.planner import Plan
from .network.lan import Facts, Home, Lan
from .settings import clean_environment
from .status import ModelCard, NodeStatus
from .swarm.execution import Behaviours, study
from .swarm.manager import Defaults, Extras, Swarm
from .swarm.strategies import NAMES, check
from .swarm.team import Team
from .tools.probe import find as find_sandbox
from .tools.python import PythonRunner
from .tools.service import ServerTools, TaskService


@dataclass(frozen=True, slots=True)
class Vote:
    """How votes are held where a request says nothing. See SwarmOptions for the words.

    With `verify_code` programs in answers are run in a sandbox and grouped by what they do.
    """

    strategy: str = "auto"
    waves: bool = False
    escalate: bool = True
    verify_code: bool = False


class Node:
    """A Responder and a StatusSource over one planned model, or over several engines."""

    def __init__(
        self,
        plan: Plan | None,
        path: Path | None,
        vote: Vote | None = None,
        models: Path | None = None,
        accuracy: Mapping[str, float] | None = None,
        others: Sequence[Crew] = (),
        lan: Lan | None = None,
        care: Care = USUAL,
        server_tools: ServerTools | None = None,
    ) -> None:
        """`models` is the folder where an embedding model may lie, `accuracy` what was measured
        of the model: by kind of answer, 0 to 1. `others` vote beside the planned model; without a
        `plan` they are all there is. `lan` is opened and closed with the node.
        `care` is what engines of ours are supervised by. `server_tools` is what callers of the
        API may have done on this machine."""
        vote = vote or Vote()
        check(vote.strategy)  # a wrong name is told before anything is loaded
        environment = clean_environment()
        own = [of_plan(plan, path, environment, accuracy, care=care)] if plan and path else []
        self.crews: tuple[Crew, ...] = (*own, *others)
        self.strategy = vote.strategy
        self.url = ""
        self.lan = lan
        self._models = models
        self._started = time.monotonic()
        self._requests = self._running = 0
        self._state = "loading"
        self._verify_code = vote.verify_code
        self._runner: PythonRunner | None = None
        self._meaning = meaning(models, environment, threads=1, care=care)
        file = next((crew for crew in self.crews if crew.path and crew.path.is_file()), None)
        # Requests for embeddings are answered by a model made for them, else by a loaded one.
        self._embedder = self._meaning.engine or (
            LlamaEmbedder(
                file.path, environment, context=file.context, threads=file.threads, care=care
            )
            if file and file.path
            else None
        )
        text = next((crew.text for crew in self.crews if crew.text), None)
        self._tasks = TaskService(self, server_tools) if server_tools else None
        self.can = Capabilities(text, text, self._embedder, self._tasks)
        team = Team([member for crew in self.crews for member in crew.members])
        extras = Extras(
            embed=self._meaning.embed,
            threshold=self._meaning.threshold,
            behave=self._behave if vote.verify_code else None,
        )
        self._swarm = Swarm(
            team,
            Defaults(team.seats, vote.strategy, vote.waves, vote.escalate, accuracies(self.crews)),
            replace(extras, allies=lan.allies) if lan else extras,
        )
        self.seats = team.seats

    async def start(self) -> None:
        """Loads the models. Raises EngineUnavailable when none can be loaded, SandboxUnavailable
        when code or commands are to be run and nothing here can fence them in.

        An engine that does not start while others do costs its seats; the status tells why.
        """
        if self._verify_code:
            self._runner = PythonRunner(await find_sandbox())
        if self._tasks is not None:
            await self._tasks.open(self.status().context)
        starts = [engine.start() for engine in self._engines]
        ends = await asyncio.gather(*starts, return_exceptions=True)
        faults = [end for end in ends if end is not None]
        fatal = [fault for fault in faults if not isinstance(fault, SwarmError)]
        if fatal or len(faults) == len(ends):
            self._state = "failed"
            raise (fatal or faults)[0]
        self._state = "ok"
        if self.lan is not None:
            shelf = partial(by_sha256, self._models) if self._models else (lambda digest: None)
            await self.lan.start(Home(__version__, self._facts, self._swarm.cast, shelf))

    @property
    def _engines(self) -> list[Served]:
        return [engine for crew in self.crews for engine in crew.engines]

    async def _behave(self, question: str, answers: Sequence[str]) -> Behaviours:
        assert self._runner is not None
        return await study(question, answers, self._runner)

    async def close(self) -> None:
        """Ends the engines, all at once, and waits for their end."""
        self._state = "stopped"
        ends = [engine.close() for engine in self._engines]
        if self.lan is not None:
            ends.append(self.lan.close())
        if self._embedder is not None:
            ends.append(self._embedder.close())
        await asyncio.gather(*ends, self._meaning.close())

    async def respond(self, request: ChatRequest) -> AsyncIterator[Event]:
        """See Responder.respond."""
        self._requests += 1
        self._running += 1
        try:
            with self.lan.local() if self.lan else nullcontext():
                events: Any = self._swarm.respond(request)
                async with aclosing(events):
                    async for event in events:
                        if isinstance(event, Done):
                            logs.vote(event.verdict)
                        yield event
        finally:
            self._running -= 1

    def _facts(self) -> Facts:
        """What peers are told of us."""
        engines = self.status(memory=False).engines
        speeds = [engine.tokens_per_second for engine in engines if engine.tokens_per_second]
        return Facts(
            models=tuple(by_model(self.crews)),
            seats=self.seats,
            tokens_per_s=max(speeds, default=None),
            running=self._running,
            waiting=sum(engine.queue for engine in engines),
        )

    def status(self, *, memory: bool = True) -> NodeStatus:
        """See StatusSource."""
        engines = tuple(one for crew in self.crews for one in crew.status(memory=memory))
        state = self._state
        if state == "ok":
            state = _together({engine.state for engine in engines})
        machines = self.lan.seen() if self.lan else ()
        return NodeStatus(
            version=__version__,
            state=state,
            url=self.url,
            pid=os.getpid(),
            uptime_s=round(time.monotonic() - self._started, 1),
            seats=self.seats,
            context=self.context,
            strategy=self.strategy,
            requests_total=self._requests,
            engines=engines,
            plan=tuple(line for crew in self.crews for line in crew.why),
            peers=len(machines),
            peers_up=sum(machine.state in ("up", "busy") for machine in machines),
            machines=machines,
        )

    @property
    def context(self) -> int:
        """The longest prompt and answer together that any of the models takes, in tokens."""
        return max(crew.context for crew in self.crews)

    def cards(self) -> tuple[ModelCard, ...]:
        """See StatusSource."""
        first, seats = self.crews[0].model, self.seats
        who = by_model(self.crews)
        told = {
            "local-swarm": f"{seats} seats vote, the strategy is chosen for the question",
            "local-swarm-fast": "one seat, streams at once, no vote",
            **{f"local-swarm-{name}": f"{seats} seats, {name}" for name in NAMES if name != "auto"},
        }
        if len(who) > 1:
            told["local-swarm"] += f" ({', '.join(f'{n} of {model}' for model, n in who.items())})"
        sees = all(crew.sees for crew in self.crews)
        cards = [ModelCard(id, self.context, first, text, sees) for id, text in told.items()]
        for model in who:
            crew = next(crew for crew in self.crews if crew.model == model)
            votes = f"{who[model]} seats of {crew.title} vote"
            cards.append(ModelCard(model, crew.context, model, votes, crew.sees))
        return tuple(cards)


def _together(states: set[str]) -> str:
    """The state of a node that was loaded, by those of its engines."""
    if states & {"ready", "idle"}:
        return "ok"
    return "failed" if states <= {"failed", "crashing"} else "restarting"


class Once:
    """A Responder that starts `node` for one request and ends it again."""

    def __init__(self, node: Node) -> None:
        self._node = node

    async def respond(self, request: ChatRequest) -> AsyncIterator[Event]:
        """See Responder.respond."""
        request = named(request, [card.id for card in self._node.cards()])
        try:
            await self._node.start()
            events: Any = self._node.respond(request)
            async with aclosing(events):
                async for event in events:
                    yield event
        finally:
            await self._node.close()
