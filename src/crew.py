"""The engines that a node runs: from a plan or an address to engines with their seats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from .backends.base import Served
from .backends.care import USUAL, Care
from .backends.endpoint import Endpoint, EndpointConfig
from .backends.foreign import Found, Offer
from .backends.llama_server import LlamaConfig, LlamaServer
from .backends.llama_text import LlamaText
from .models.plan import Plan
from .settings import DEFAULT_CONTEXT
from .status import EngineStatus, Measured
from .swarm.team import Member


@dataclass(frozen=True, slots=True)
class Crew:
    """Engines of one model with their seats: one engine, or in isolation one a seat.

    `accuracy` is what was measured of the model, by kind of answer (0 to 1); `context` in tokens;
    `text` is what only llama.cpp's server can do with bare text.
    """

    model: str
    title: str
    engines: tuple[Served, ...]
    seats: int
    context: int
    why: tuple[str, ...] = ()
    accuracy: Mapping[str, float] = field(default_factory=dict)
    path: Path | None = None
    threads: int = 1
    text: LlamaText | None = None
    measured: Measured | None = None

    @property
    def members(self) -> list[Member]:
        """The engines as the swarm asks them."""
        each = max(1, self.seats // len(self.engines))
        return [Member(engine, each, lambda e=engine: busy(e)) for engine in self.engines]  # type: ignore[misc]

    def status(self) -> list[EngineStatus]:
        """A line an engine, with the seats that it has."""
        each = max(1, self.seats // len(self.engines))
        return [
            replace(engine.status(), seats=each, measured=self.measured) for engine in self.engines
        ]


def of_endpoint(
    found: Found,
    model: Offer,
    seats: int,
    key: str | None = None,
    accuracy: Mapping[str, float] | None = None,
) -> Crew:
    """Somebody else's server. Of a node of ours single seats are asked: it holds no vote of its
    own for one of ours."""
    config = EndpointConfig(
        url=found.url,
        model=model.id,
        name=model.name,
        slots=max(4, 2 * seats),
        kind=found.kind,
        key=key,
        context=model.context,
        more={"swarm": {"seats": 1}} if found.is_ours else {},
        choices=not found.is_ours,
    )
    return Crew(
        model=model.name,
        title=f"{model.name} at {found.url}",
        engines=(Endpoint(config),),
        seats=seats,
        context=model.context or DEFAULT_CONTEXT,
        why=(f"{model.name}: {seats} seats of {found.kind} at {found.url}",),
        accuracy=accuracy or {},
    )


def by_model(crews: Sequence[Crew]) -> dict[str, int]:
    """The seats of each model."""
    seats: dict[str, int] = {}
    for crew in crews:
        seats[crew.model] = seats.get(crew.model, 0) + crew.seats
    return seats


def accuracies(crews: Sequence[Crew]) -> dict[str, dict[str, float]]:
    """What was measured of the models, by kind of answer and model (0 to 1)."""
    found: dict[str, dict[str, float]] = {}
    for crew in crews:
        for kind, right in crew.accuracy.items():
            found.setdefault(kind, {})[crew.model] = right
    return found


def busy(engine: Served) -> int:
    """How many seats work or wait at an engine."""
    status = engine.status()
    return status.slots_busy + status.queue


def of_plan(
    plan: Plan,
    path: Path,
    environment: Mapping[str, str],
    accuracy: Mapping[str, float] | None = None,
    measured: Measured | None = None,
    care: Care = USUAL,
) -> Crew:
    """The engine of a planned model file; where the plan is isolated, one a seat."""
    config = LlamaConfig(
        model=plan.spec.id,
        path=path,
        slots=plan.slots,
        context=plan.context,
        cells=plan.cells,
        threads=plan.threads,
        prompt_cache_mib=plan.prompt_cache >> 20,
    )
    engine = LlamaServer(config, environment, care)
    return Crew(
        model=plan.spec.id,
        title=plan.spec.name,
        engines=(engine,),
        seats=plan.seats,
        context=plan.context,
        why=plan.why,
        accuracy=accuracy or {},
        path=path,
        threads=plan.threads,
        text=engine.text,
        measured=measured,
    )
