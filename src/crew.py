"""The engines that a node runs: from a plan or an address to engines with their seats."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from .backends import llama_cpp_python, mlx
from .backends.base import Served
from .backends.care import USUAL, Care
from .backends.endpoint import Endpoint, EndpointConfig
from .backends.fallback import Fallback, FallbackText
from .backends.foreign import Found, Offer
from .backends.llama_server import LlamaConfig, LlamaServer
from .backends.llama_text import LlamaText
from .backends.tuning import Tuning
from .engines import LIBRARY, PROGRAM, Kind, program_of
from .models.plan import Plan
from .settings import DEFAULT_CONTEXT
from .status import EngineStatus, Measured
from .swarm.team import Member

_CROWD = 8  # seats
_BATCH = 512  # tokens that the engine reads at once
_SCORES = 4 << 30  # bytes, reserved; what is touched follows the longest chat


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
    text: LlamaText | FallbackText | None = None
    measured: Measured | None = None
    sees: bool = False  # images

    @property
    def members(self) -> list[Member]:
        """The engines as the swarm asks them."""
        each = max(1, self.seats // len(self.engines))
        return [Member(engine, each, lambda e=engine: busy(e)) for engine in self.engines]  # type: ignore[misc]

    def status(self, *, memory: bool = True) -> list[EngineStatus]:
        """A line an engine, with the seats that it has."""
        each = max(1, self.seats // len(self.engines))
        return [
            replace(engine.status(memory=memory), seats=each, measured=self.measured)
            for engine in self.engines
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
    status = engine.status(memory=False)
    return status.slots_busy + status.queue


def of_mlx(
    kind: Kind,
    folder: Path,
    seats: int,
    environment: Mapping[str, str],
    context: int | None,
    care: Care = USUAL,
) -> Crew:
    """A model of MLX: a folder. Raises UsageError for what is none."""
    assert kind.where
    known = _context_of(folder)
    context = min(context, known) if context and known else context or known
    name = folder.name
    engine = mlx.engine(
        kind.where,
        folder,
        name,
        slots=max(4, 2 * seats),
        context=context,
        environment=environment,
        care=care,
    )
    return Crew(
        model=name,
        title=name,
        engines=(engine,),
        seats=seats,
        context=context or DEFAULT_CONTEXT,
        why=(f"{name}: {seats} seats, by MLX",),
        path=folder,
    )


def _context_of(folder: Path) -> int | None:
    """Tokens that a model was trained on, by its config.json."""
    try:
        told = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        context = told.get("max_position_embeddings")
    except (OSError, ValueError, AttributeError, RecursionError):
        return None
    return context if isinstance(context, int) and context > 0 else None


def of_plan(
    plan: Plan,
    path: Path,
    environment: Mapping[str, str],
    accuracy: Mapping[str, float] | None = None,
    measured: Measured | None = None,
    care: Care = USUAL,
    *,
    kinds: Sequence[Kind] = (Kind(LIBRARY),),
    tuning: Tuning | None = None,
    told: Callable[[str, str | None], None] = lambda name, fault: None,
) -> Crew:
    """The engine of a planned model file; where the plan is isolated, one a seat.

    `kinds` are tried one after the other where the first do not run; `told` hears how it went.
    """
    copies = plan.seats if plan.isolated else 1
    built = _Build(plan, path, environment, copies, tuned(plan, tuning), care)
    engines = tuple(built.engine(kinds, told) for _ in range(copies))
    return Crew(
        model=plan.spec.id,
        title=plan.spec.name,
        engines=engines,
        seats=plan.seats,
        context=plan.context,
        why=(*plan.why, *((f"speed: {built.tuning.told}",) if built.tuning.told else ())),
        accuracy=accuracy or {},
        path=path if path.is_file() else None,
        threads=plan.threads,
        text=getattr(engines[0], "text", None),
        measured=measured,
        sees=built.tuning.mmproj is not None,
    )


def tuned(plan: Plan, tuning: Tuning | None = None) -> Tuning:
    """The speed options of the user, with the layers on cards as planned where none were said, and
    without flash attention where many seats write on the processor."""
    tuning = tuning or Tuning()
    if tuning.gpu_layers is None:
        tuning = replace(tuning, gpu_layers=plan.offload)
    if tuning.flash == "auto" and tuning.kv == "f16" and _crowded(plan, tuning):
        tuning = replace(tuning, flash="off")
    return tuning


def _crowded(plan: Plan, tuning: Tuning) -> bool:
    """Whether 8 seats and more write together on a processor, and the memory that attention then
    takes is to be had. llama.cpp's flash attention looks at the shared prompt once a seat; without
    it one multiplication serves all seats: 8 cost 14 % less processor time, but a prompt of 512
    tokens is read 20 % slower (docs/decisions/0002-engine.md)."""
    if plan.seats < _CROWD or plan.isolated or plan.budget.device != "cpu" or tuning.gpu_layers:
        return False
    heads = 2 * (plan.spec.width or 4096) // plan.spec.head_size  # some models have more than width
    scores = _BATCH * plan.cells * heads * 4
    return plan.bytes + scores <= plan.budget.bytes and scores <= _SCORES


@dataclass(frozen=True, slots=True)
class _Build:
    """What all engines of a plan are built from."""

    plan: Plan
    path: Path
    environment: Mapping[str, str]
    copies: int
    tuning: Tuning
    care: Care

    def engine(self, kinds: Sequence[Kind], told: Callable[[str, str | None], None]) -> Served:
        if len(kinds) == 1:
            return self._of(kinds[0])
        tries = [(kind.name, lambda kind=kind: self._of(kind)) for kind in kinds]
        return Fallback(self.plan.spec.id, tries, told)

    def _of(self, kind: Kind) -> Served:
        plan, tuning = self.plan, self.tuning
        threads = tuning.threads or plan.threads
        if kind.name == llama_cpp_python.NAME:
            assert kind.where
            llama_cpp_python.check(tuning)
            return llama_cpp_python.engine(
                kind.where,
                self.path,
                plan.spec.id,
                slots=plan.slots,
                context=plan.context,
                threads=threads,
                environment=self.environment,
                tuning=tuning,
                care=self.care,
            )
        config = LlamaConfig(
            model=plan.spec.id,
            path=self.path,
            slots=plan.slots,
            context=plan.context,
            cells=plan.cells,
            threads=threads,
            prompt_cache_mib=(plan.prompt_cache // self.copies) >> 20,
            tuning=tuning,
            program=program_of(kind) if kind.name == PROGRAM else None,
        )
        return LlamaServer(config, self.environment, self.care)
