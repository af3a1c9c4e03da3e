"""What one ballot weighs: by its model's measured accuracy, and at most so much a peer. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..ballot import HOME as HOME

# The weight of ballots that may still be cast: by machine, or of whatever machine.
Out = float | Mapping[str, float]
_LEAST = 0.05  # a model that is wrong more often than right still has a say where all else ties


@dataclass(frozen=True, slots=True)
class Caps:
    """What other machines may weigh.

    No peer weighs more than `peer` (in ballots of the best model), nor more than `share` of all;
    with `two_peers`, peers overrule an undivided home only when two of them agree. Peers in
    `proven` are bound by `share` alone; those in `trusted` count as home.
    """

    peer: float = 1.0
    share: float = 1 / 3
    two_peers: bool = True
    proven: frozenset[str] = frozenset()
    trusted: frozenset[str] = frozenset()

    def own(self, machine: str) -> bool:
        """Whether a machine is home, or trusted as home is."""
        return machine == HOME or machine in self.trusted

    def alone(self, machine: str) -> float:
        """The most that a machine weighs, whatever the others do."""
        return math.inf if self.own(machine) or machine in self.proven else self.peer


def of_models(accuracy: Mapping[str, float], seats: Mapping[str, int]) -> dict[str, float]:
    """The weight of one ballot of each model, 1 for the heaviest.

    Log-odds of the accuracy (0 to 1, on questions of this kind; Nitzan and Paroush 1982) times
    n^-0.5 for the n seats of a model, whose errors are not independent. Models without a measured
    accuracy make all weights equal.
    """
    if any(model not in accuracy for model in seats):
        return dict.fromkeys(seats, 1.0)
    raw = {model: _log_odds(accuracy[model]) / math.sqrt(max(1, n)) for model, n in seats.items()}
    heaviest = max(raw.values(), default=1.0)
    return {model: weight / heaviest for model, weight in raw.items()}


def accuracy(right: int, asked: int) -> float:
    """The accuracy with Laplace's prior: (right + 1) / (asked + 2)."""
    return (right + 1) / (asked + 2)


def _log_odds(p: float) -> float:
    p = min(max(p, 1e-6), 1 - 1e-6)
    return max(_LEAST, math.log(p / (1 - p)))


def scales(weights: Iterable[tuple[str, float]], caps: Caps | None) -> dict[str, float]:
    """The factor by which each machine's ballots are scaled down to its cap.

    `weights` has machine and weight of every ballot that counts.
    """
    by_machine: defaultdict[str, list[float]] = defaultdict(list)
    for machine, weight in weights:
        by_machine[machine].append(weight)
    totals = {machine: math.fsum(parts) for machine, parts in by_machine.items()}
    if caps is None:
        return dict.fromkeys(totals, 1.0)
    bound = share_bound(totals, caps)
    limited = {
        machine: total if caps.own(machine) else min(total, caps.alone(machine), bound)
        for machine, total in totals.items()
    }
    return {m: limited[m] / totals[m] if totals[m] else 1.0 for m in totals}


def share_bound(totals: Mapping[str, float], caps: Caps) -> float:
    """The most a peer may weigh so that none has more than `caps.share` of what is left of all.

    Solved exactly: with the k heaviest peers cut to x, x = share * (rest + k * x). It never falls
    when a total grows. Without a ballot from home there is nobody whom peers could overrule, and
    no bound.
    """
    limited = {machine: min(total, caps.alone(machine)) for machine, total in totals.items()}
    peers = sorted((w for machine, w in limited.items() if not caps.own(machine)), reverse=True)
    if not any(weight for machine, weight in limited.items() if caps.own(machine)):
        return math.inf
    rest = math.fsum(limited.values())
    for cut, largest in enumerate([*peers, 0.0]):
        if cut * caps.share >= 1:
            break
        x = caps.share * rest / (1 - cut * caps.share)  # the `cut` largest are cut to x each
        if largest <= x:
            return x
        rest -= largest
    return math.inf


def awaited(out: Out, caps: Caps | None = None) -> float:
    """The weight of all ballots that may still be cast; of one peer at most its cap."""
    if not isinstance(out, Mapping):
        return out
    return math.fsum(
        weight if caps is None else min(weight, caps.alone(machine))
        for machine, weight in out.items()
    )
