"""How fast a plan will answer, from memory bandwidth. Pure.

Writing a token reads all working weights once, so tokens a second = bandwidth x efficiency / bytes.
It is a rule of thumb, good for choosing: after loading, `local-swarm status` has measured figures.
"""

from __future__ import annotations

from ..hardware.profile import HardwareProfile
from .catalog import ModelSpec
from .objective import THOUGHTS

_CPU, _GPU = 25e9, 300e9  # bytes a second where nobody knows: an old laptop, a small card
_PROCESSOR, _GRAPHICS = 0.7, 0.6  # share of the bandwidth that engines reach
# Without these instructions the kernels compute longer than the memory takes.
_SLOW_KERNELS = 0.35
_NEEDED = ({"avx2", "avx512"}, {"dotprod", "i8mm"})
# Seats in one batch: 4, 8 and 16 cost 1.4-1.5, 2.0-2.5 and 3.1-4.0 answers (DESIGN.md 5).
SEAT = 1 / 6


def host_bytes_per_second(profile: HardwareProfile) -> float:
    """What the processor (on Apple Silicon the graphics) of this machine reads in a second."""
    unified = [d.bandwidth for d in profile.devices if d.vendor == "apple" and d.bandwidth]
    if unified:
        return unified[0] * _GRAPHICS * (profile.pace or 1.0)
    known = profile.instructions
    slow = known is not None and not any(needed & set(known) for needed in _NEEDED)
    pace = profile.pace or 1.0
    return (profile.bandwidth or _CPU) * (_SLOW_KERNELS if slow else _PROCESSOR) * pace


def card_bytes_per_second(profile: HardwareProfile) -> float:
    """The slowest card sets the pace: each holds some of the layers."""
    known = [d.bandwidth for d in profile.devices if d.dedicated and d.bandwidth]
    return (min(known) if known else _GPU) * _GRAPHICS


def tokens_per_second(
    spec: ModelSpec,
    weights: int,
    seats: int,
    *,
    host: float,
    card: float = _GPU * _GRAPHICS,
    on_card: float = 0.0,
    isolated: bool = False,
    seat_cost: float | None = None,
) -> float:
    """Tokens a second of each of `seats` answers that are written at the same time.

    `weights` are the bytes of one copy, `on_card` the share of them on graphics cards. A model
    that thinks before it answers counts as that much slower. `seat_cost` is what was measured here
    of each further seat.
    """
    working = weights
    if spec.active and spec.parameters:
        working = int(weights * spec.active / spec.parameters)
    seconds = working * ((1 - on_card) / host + on_card / card)
    busy = seats if isolated else 1 + (seat_cost or SEAT) * (seats - 1)
    thoughts = THOUGHTS if spec.thinking else 1
    return 1 / (max(seconds, 1e-6) * busy * thoughts)
