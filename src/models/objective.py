"""What makes one plan better than another: one score, in thousandths of log-odds. Pure.

The log-odds of a right answer, ln(p / (1 - p)), are what quality and votes add up in. Every term
is a whole number, so that the terms shown sum to the score exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from itertools import pairwise
from math import log, log2

from .catalog import ModelSpec, Quant

# Share of right answers with so many votes, GSM8K, 1,318 questions x 40 answers (DESIGN.md 7).
_VOTES = {1.0: 0.888, 2.0: 0.889, 3.0: 0.915, 5.0: 0.929, 9.0: 0.937}
# Rise of perplexity of a 7B model by bits per weight, as llama.cpp published it with the
# k-quants (ggml-org/llama.cpp pull request 1684): Q8_0, Q6_K, Q5_K_M, Q4_K_M, Q3_K_M, Q2_K.
_PERPLEXITY = {8.5: 0.0004, 6.56: 0.0044, 5.69: 0.0142, 4.85: 0.0535, 3.91: 0.2437, 3.35: 0.8698}
_BASE_PERPLEXITY = 5.9066
_HARM = 5.0  # log-odds for each doubling of perplexity, near 1 point at Q4_K_M: an estimate
_REFERENCE = 7e9  # small models lose more: by the root of the parameters, an estimate
_EFFORT = 40  # each further seat computes: for the same quality the smaller plan is better
_CONTEXT, _CONTEXT_LOSS, _CONTEXT_GAIN = 8192, 150, 30  # for each halving, each doubling
_FAST, _SLOWNESS = 40.0, 200  # faster than this is no better, twice as slow is 139 points worse
_TRAINED_SO = ("mxfp4",)  # no loss: the weights were trained in this form
THOUGHTS = 4  # a model that thinks first writes so many times as much


@dataclass(frozen=True, slots=True)
class Score:
    """The terms of a plan's score, in thousandths of log-odds."""

    quality: int
    quantization: int
    votes: int
    effort: int
    context: int
    speed: int

    @property
    def total(self) -> int:
        return sum((value for _, value in self.terms()), start=0)

    def terms(self) -> list[tuple[str, int]]:
        """(name, value) of each term."""
        return [(field.name, int(getattr(self, field.name))) for field in fields(self)]


def score(
    spec: ModelSpec, quant: Quant | None, seats: int, context: int, tokens_per_second: float
) -> Score:
    """The score of a plan. A model of unknown quality has none: compare it with itself only."""
    return Score(
        quality=0 if spec.quality is None else _log_odds(spec.quality),
        quantization=-quantization_loss(spec, quant),
        votes=vote_gain(seats),
        effort=-_EFFORT * (seats - 1),
        context=_context(context),
        speed=_speed(tokens_per_second),
    )


@cache
def vote_gain(seats: int) -> int:
    """What a majority of `seats` adds to one answer. Between measured numbers of votes the line
    through them; more than 9 were measured too and gain nothing worth their work."""
    known = {count: float(_log_odds(share)) for count, share in _VOTES.items()}
    return round(_between(known, min(seats, 9)) - known[1])


def quantization_loss(spec: ModelSpec, quant: Quant | None) -> int:
    """What rounding the weights costs, by bits per weight and size of the model."""
    if quant is None or quant.name.lower() in _TRAINED_SO:
        return 0
    return _loss(quant.bits, spec.parameters)


@cache
def _loss(bits: float, parameters: int) -> int:
    known = {
        at: 1000 * _HARM * log(1 + rise / _BASE_PERPLEXITY) for at, rise in _PERPLEXITY.items()
    }
    loss = _between(known, bits)
    frail = float((_REFERENCE / max(1, parameters)) ** 0.5)
    return round(loss * min(max(frail, 0.5), 3.0))


def _context(tokens: int) -> int:
    doublings = log2(max(1, tokens) / _CONTEXT)
    return round(doublings * (_CONTEXT_GAIN if doublings > 0 else _CONTEXT_LOSS))


def _speed(tokens_per_second: float) -> int:
    return -round(_SLOWNESS * log(_FAST / max(min(tokens_per_second, _FAST), 0.001)))


def _log_odds(share: float) -> int:
    return round(1000 * log(share / (1 - share)))


def _between(known: Mapping[float, float], at: float) -> float:
    """Linear interpolation in a table."""
    points = sorted(known.items())
    for (left, low), (right, high) in pairwise(points):
        if left <= at <= right:
            return low + (high - low) * (at - left) / (right - left)
    return points[-1][1] if at > points[-1][0] else points[0][1]
