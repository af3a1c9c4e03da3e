"""What all routes share: from a checked body to an answer under way."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..capabilities import Capabilities, Completer, Embedder, Tokenizer
from ..chat import ChatRequest, Event, Responder, named
from ..errors import EngineUnavailable, InvalidRequest, ModelNotFound
from ..status import NodeStatus, StatusSource
from .answer import AnswerResponse, Wire
from .metrics import Metrics
from .policy import Load, Settled, settle
from .schema import ChatBody

_PREFIX = "x-local-swarm-"
_SHORT = {"deadline": "deadline_s"}


@dataclass(frozen=True, slots=True)
class Front:
    """Handed to every family of routes."""

    responder: Responder
    source: StatusSource
    metrics: Metrics
    can: Capabilities = field(default_factory=Capabilities)

    def chat(
        self,
        body: ChatBody,
        headers: Mapping[str, str],
        wire: Callable[[Settled], Wire[Event]],
        *,
        stream: bool,
    ) -> AnswerResponse[Event]:
        """Answers a chat of any wire. Raises SwarmError, pydantic's ValidationError."""
        request = _controlled(body, headers).request()
        return self.answer(request, wire, stream=stream, choices=body.n or 1)

    def answer(
        self,
        request: ChatRequest,
        wire: Callable[[Settled], Wire[Event]],
        *,
        stream: bool,
        choices: int = 1,
    ) -> AnswerResponse[Event]:
        """Answers a request in our own words."""
        settled = self._settled(request, choices)
        return AnswerResponse(lambda: self._events(settled), wire(settled), stream=stream)

    def events(self, request: ChatRequest) -> AsyncIterator[Event]:
        """The events that answer a request in our own words. Raises SwarmError."""
        return self._events(self._settled(request, 1))

    def _events(self, settled: Settled) -> AsyncIterator[Event]:
        return self.metrics.chat(self.responder.respond(settled.request))

    def _settled(self, request: ChatRequest, choices: int) -> Settled:
        request = named(request, self.names)
        status = self.status()
        load = Load(
            slots=sum(engine.slots for engine in status.engines),
            busy=sum(engine.slots_busy for engine in status.engines),
            queue=sum(engine.queue for engine in status.engines),
        )
        return settle(request, default=status.seats, load=load, choices=choices)

    @property
    def names(self) -> list[str]:
        """The model ids that requests may name."""
        return [card.id for card in self.source.cards()]

    @property
    def tokenizer(self) -> Tokenizer:
        """Raises InvalidRequest where the engine has none."""
        if self.can.tokenizer is None:
            raise InvalidRequest("The engine of this node cannot count tokens.")
        return self.can.tokenizer

    @property
    def completer(self) -> Completer:
        """Raises InvalidRequest where the engine has none."""
        if self.can.completer is None:
            raise InvalidRequest("The engine of this node cannot complete text without a chat.")
        return self.can.completer

    @property
    def embedder(self) -> Embedder:
        """Raises InvalidRequest where the engine has none."""
        if self.can.embedder is None:
            raise InvalidRequest("The engine of this node makes no embeddings.")
        return self.can.embedder

    def check_name(self, model: str | None) -> None:
        """Raises ModelNotFound for a model id that is not served."""
        if model is not None and model not in self.names:
            raise ModelNotFound(model, self.names)

    def status(self) -> NodeStatus:
        """The node's status but for memory. Raises EngineUnavailable while the model is loading."""
        status = self.source.status(memory=False)
        if status.state == "loading":
            raise EngineUnavailable("The model is still loading.", hint="Try again in a moment.")
        return status


def _controlled(body: ChatBody, headers: Mapping[str, str]) -> ChatBody:
    """`body` with the vote's options from X-Local-Swarm-* headers; its own `swarm` object wins."""
    given: dict[str, Any] = {}
    for name, value in headers.items():
        if name.lower().startswith(_PREFIX):
            option = name.lower().removeprefix(_PREFIX).replace("-", "_")
            given[_SHORT.get(option, option)] = value
    if not given:
        return body
    own = body.swarm.model_dump(exclude_none=True) if body.swarm else {}
    dumped = body.model_dump(exclude_none=True, exclude={"swarm"})
    return ChatBody.model_validate({**dumped, "swarm": {**given, **own}})
