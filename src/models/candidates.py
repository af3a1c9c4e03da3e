"""All plans that a budget allows, and those that would need more. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..errors import UsageError
from ..hardware.profile import Budget, HardwareProfile
from .catalog import ModelSpec, Quant
from .footprint import CELL_BYTES, Need, kv_cells, need
from .objective import score
from .plan import Candidate
from .speed import card_bytes_per_second, host_bytes_per_second, tokens_per_second

MAX_SEATS = 64
MIN_SPEED = 5.0  # tokens a second: slower than a person reads
_SEATS = (1, 3, 4, 5, 7, 9)  # never 2: two votes decide nothing
_ISOLATED_SEATS = (4, 3, 2, 1)
_CONTEXTS = (32768, 16384, 8192, 4096, 2048)
_ISOLATED_CONTEXT = 4096
_LEAST_CONTEXT = 128


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user asks of a plan; None leaves it to the planner.

    Without a `floor` (tokens a second) any speed will do. `kv` is how the KV cache is stored,
    f16 or q8_0. `isolated` gives each seat an engine with a copy of the weights. Each engine also
    loads a `draft` model and `adapters` bytes of other files.
    """

    seats: int | None = None
    context: int | None = None
    floor: float | None = MIN_SPEED
    kv: str = "f16"
    isolated: bool = False
    draft: ModelSpec | None = None
    adapters: int = 0

    def check(self) -> None:
        """Raises UsageError for a wish that no machine can fulfil."""
        if self.seats is not None and not 1 <= self.seats <= MAX_SEATS:
            raise UsageError(
                f"{self.seats} seats are not possible.",
                hint=f"Choose 1 to {MAX_SEATS}; 5 is a good number.",
            )
        if self.context is not None and self.context < _LEAST_CONTEXT:
            raise UsageError(f"A context of {self.context} tokens is too small.", hint="Try 4096.")
        if self.kv not in CELL_BYTES:
            raise UsageError(
                f"A KV cache cannot be stored as '{self.kv}'.", hint=f"Try {', '.join(CELL_BYTES)}."
            )
        if self.floor is not None and not 0 <= self.floor <= 1e6:
            raise UsageError(f"{self.floor:g} tokens/s is no speed.", hint="Try 5.")


@dataclass(frozen=True, slots=True)
class _Pace:
    """Bytes a second that processor and cards read, and the measured cost of a further seat."""

    host: float
    card: float
    seat_cost: float | None


def candidates(
    profile: HardwareProfile, budget: Budget, specs: Iterable[ModelSpec], wishes: Wishes
) -> Iterator[Candidate]:
    """Every plan for `specs` that the wishes allow, within `budget` or not."""
    pace = _Pace(host_bytes_per_second(profile), card_bytes_per_second(profile), profile.seat_cost)
    for spec in specs:
        for quant in _quants(spec, wishes.isolated):
            for context in _contexts(spec, wishes):
                for seats in _seats(wishes):
                    yield _candidate(pace, budget, spec, quant, seats, context, wishes)


def _quants(spec: ModelSpec, isolated: bool) -> list[Quant | None]:
    if isolated and spec.isolated:
        return [quant for quant in spec.quants if quant.name == spec.isolated] or [None]
    return list(spec.quants) or [None]


def _contexts(spec: ModelSpec, wishes: Wishes) -> list[int]:
    if wishes.context is not None:
        return [min(wishes.context, spec.context)]
    sizes = (_ISOLATED_CONTEXT,) if wishes.isolated else _CONTEXTS
    return sorted({min(size, spec.context) for size in sizes}, reverse=True)


def _seats(wishes: Wishes) -> tuple[int, ...]:
    if wishes.seats is not None:
        return (wishes.seats,)
    return _ISOLATED_SEATS if wishes.isolated else _SEATS


def _candidate(
    pace: _Pace,
    budget: Budget,
    spec: ModelSpec,
    quant: Quant | None,
    seats: int,
    context: int,
    wishes: Wishes,
) -> Candidate:
    isolated, kv = wishes.isolated, wishes.kv
    slots = 1 if isolated else 2 * seats
    cells = context if isolated else kv_cells(context, seats)

    def takes_with(cells: int) -> Need:
        return need(
            spec, quant, cells=cells, slots=slots, kv=kv, copies=seats if isolated else 1,
            draft=wishes.draft, adapters=wishes.adapters,
        )  # fmt: skip

    takes = takes_with(cells)
    if not isolated:
        roomy = takes_with(slots * context)
        plenty = budget.vram or budget.bytes // 2  # a card's memory is there to be used
        if roomy.total <= plenty:
            cells, takes = slots * context, roomy  # every slot may fill its whole context
    on_card = _offload(spec, takes, budget)
    fits = takes.total <= budget.bytes
    if budget.vram and on_card < spec.layers:
        # What does not lie on the cards must fit beside them.
        beside = takes.total - _layer(spec, takes) * on_card - (takes.compute if on_card else 0)
        fits = fits and beside <= budget.bytes - budget.vram
    speed = tokens_per_second(
        spec,
        takes.weights // (seats if isolated else 1),
        seats,
        host=pace.host,
        card=pace.card,
        seat_cost=pace.seat_cost,
        on_card=on_card / spec.layers,
        isolated=isolated,
    )
    points = score(spec, quant, seats, context, speed)
    return Candidate(spec, quant, seats, slots, context, cells, takes, on_card, fits, speed, points)


def _layer(spec: ModelSpec, takes: Need) -> int:
    """Bytes of one layer with its part of the KV cache; the embeddings count as one more."""
    return (takes.weights + takes.kv) // (spec.layers + 1)


def _offload(spec: ModelSpec, takes: Need, budget: Budget) -> int:
    """How many layers lie on the cards; all, when the whole plan does."""
    if takes.total <= budget.vram:
        return spec.layers
    spare = budget.vram - takes.compute - takes.beside
    return max(0, min(spec.layers - 1, spare // max(1, _layer(spec, takes))))
