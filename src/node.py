"""One node: the only place that knows every room, and builds and ends what it needs."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import __version__, logs
from .backends.llama_embedder import LlamaEmbedder
from .backends.llama_server import LlamaConfig, LlamaServer
from .capabilities import Capabilities
from .chat import ChatRequest, Done, Event, named
from .errors import SwarmError
from .meaning import meaning
from .models.planner import Plan
from .settings import clean_environment
from .status import ModelCard, NodeStatus
from .swarm.execution import Behaviours, study
from .swarm.manager import Defaults, Extras, Swarm
from .swarm.strategies import NAMES, check
from .tools.probe import find as find_sandbox
from .tools.python import PythonRunner


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
    """A Responder and a StatusSource over one planned model."""

    def __init__(
        self,
        plan: Plan,
        path: Path,
        vote: Vote | None = None,
        models: Path | None = None,
        accuracy: Mapping[str, float] | None = None,
    ) -> None:
        """`models` is the folder where an embedding model may lie, `accuracy` what was measured
        of the model: by kind of answer, 0 to 1."""
        vote = vote or Vote()
        check(vote.strategy)  # a wrong name is told before anything is loaded
        self.plan = plan
        self.strategy = vote.strategy
        self.url = ""
        self._started = time.monotonic()
        self._requests = 0
        self._state = "loading"
        self._verify_code = vote.verify_code
        self._runner: PythonRunner | None = None
        config = LlamaConfig(
            model=plan.spec.id,
            path=path,
            slots=plan.slots,
            context=plan.context,
            cells=plan.cells,
            threads=plan.threads,
            prompt_cache_mib=plan.prompt_cache >> 20,
        )
        self._engine = LlamaServer(config, clean_environment())
        self._meaning = meaning(models, clean_environment(), threads=1)
        # Requests for embeddings are answered by a model made for them, else by the loaded one.
        self._embedder = self._meaning.engine or LlamaEmbedder(
            path, clean_environment(), context=plan.context, threads=plan.threads
        )
        text = self._engine.text
        self.can = Capabilities(tokenizer=text, completer=text, embedder=self._embedder)
        self._swarm = Swarm(
            self._engine,
            Defaults(
                plan.seats,
                vote.strategy,
                vote.waves,
                vote.escalate,
                {kind: {plan.spec.id: right} for kind, right in (accuracy or {}).items()},
            ),
            Extras(
                embed=self._meaning.embed,
                threshold=self._meaning.threshold,
                behave=self._behave if vote.verify_code else None,
            ),
        )

    async def start(self) -> None:
        """Loads the model. Raises EngineUnavailable when it cannot be loaded, SandboxUnavailable
        when code is to be run and nothing here can fence it in."""
        if self._verify_code:
            self._runner = PythonRunner(await find_sandbox())
        try:
            await self._engine.start()
        except SwarmError:
            self._state = "failed"
            raise
        self._state = "ok"

    async def _behave(self, question: str, answers: Sequence[str]) -> Behaviours:
        assert self._runner is not None
        return await study(question, answers, self._runner)

    async def close(self) -> None:
        """Ends the engine and waits for its end."""
        self._state = "stopped"
        await self._embedder.close()
        await self._meaning.close()
        await self._engine.close()

    async def respond(self, request: ChatRequest) -> AsyncIterator[Event]:
        """See Responder.respond."""
        self._requests += 1
        events: Any = self._swarm.respond(request)
        async with aclosing(events):
            async for event in events:
                if isinstance(event, Done):
                    logs.vote(event.verdict)
                yield event

    def status(self) -> NodeStatus:
        """See StatusSource."""
        engine = self._engine.status()
        state = self._state
        if state == "ok" and engine.state != "ready":
            state = "failed" if engine.state == "failed" else "loading"
        return NodeStatus(
            version=__version__,
            state=state,
            url=self.url,
            pid=os.getpid(),
            uptime_s=round(time.monotonic() - self._started, 1),
            seats=self.plan.seats,
            context=self.plan.context,
            strategy=self.strategy,
            requests_total=self._requests,
            engines=(engine,),
            plan=self.plan.why,
        )

    def cards(self) -> tuple[ModelCard, ...]:
        """See StatusSource."""
        model, seats = self.plan.spec.id, self.plan.seats
        told = {
            "local-swarm": f"{seats} seats vote, the strategy is chosen for the question",
            "local-swarm-fast": "one seat, streams at once, no vote",
            **{f"local-swarm-{name}": f"{seats} seats, {name}" for name in NAMES if name != "auto"},
            model: f"{seats} seats of {self.plan.spec.name} vote",
        }
        return tuple(ModelCard(id, self.plan.context, model, text) for id, text in told.items())


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
