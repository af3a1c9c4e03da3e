"""What a plan is, and what it says for itself."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from ..hardware.profile import Budget
from .catalog import ModelSpec, Quant
from .footprint import Need, prompt_cache_bytes
from .objective import Score

# Thousandths of log-odds for each halving of the speed below the floor: as between the worst and
# the best of the listed models of one size.
_TOO_SLOW = 2000


@dataclass(frozen=True, slots=True)
class Candidate:
    """One possible plan, before it is chosen."""

    spec: ModelSpec
    quant: Quant | None
    seats: int
    slots: int
    context: int
    cells: int
    need: Need
    gpu_layers: int
    fits: bool
    tokens_per_second: float
    score: Score

    def rank(self, floor: float | None) -> tuple[bool, float, int, str]:
        """What the best has most of: the speed that was asked for, then the score. Among plans
        that are all too slow each halving of the speed weighs more than quality mostly can, and a
        longer context, which costs next to none, is still taken."""
        fast = floor is None or self.tokens_per_second >= floor
        merit = float(self.score.total)
        if floor is not None and not fast:
            merit -= _TOO_SLOW * math.log2(floor / self.tokens_per_second)
        return fast, merit, -self.need.total, self.spec.id


@dataclass(frozen=True, slots=True)
class RunnerUp:
    """A plan that lost, and `why`."""

    spec: ModelSpec
    quant: Quant | None
    seats: int
    context: int
    bytes: int
    tokens_per_second: float
    score: Score
    why: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be run, and `why`, a line a reason.

    `slots` is how many sequences the engine holds (twice the seats, so that a second chat keeps
    its prefix), `cells` the tokens of its KV cache, `bytes` the memory that all of it needs.
    Where it is `isolated`, each seat is an engine with one slot and `cells` of its own.
    `gpu_layers` of the layers lie on graphics cards. `tokens_per_second` is an estimate for each
    answer while all seats write.
    """

    spec: ModelSpec
    quant: Quant | None
    seats: int
    slots: int
    context: int
    cells: int
    threads: int
    bytes: int
    budget: Budget
    why: tuple[str, ...]
    need: Need
    score: Score
    tokens_per_second: float
    gpu_layers: int = 0
    kv: str = "f16"
    isolated: bool = False
    runners_up: tuple[RunnerUp, ...] = field(default=())

    @property
    def label(self) -> str:
        """The model with its quantization."""
        return label(self.spec, self.quant)

    @property
    def offload(self) -> int | None:
        """Layers for the engine to lay on cards, its output layer counted where all of them lie
        there; None where no cards are in the plan."""
        if not self.budget.vram:
            return None
        return self.gpu_layers + (self.gpu_layers == self.spec.layers)

    @property
    def prompt_cache(self) -> int:
        """Bytes that prefixes of earlier chats may take, out of what the plan leaves."""
        left = self.budget.bytes - self.bytes + self.need.cache
        return prompt_cache_bytes(self.budget.bytes, left)


def label(spec: ModelSpec, quant: Quant | None) -> str:
    return f"{spec.name} {quant.name}" if quant else spec.name
