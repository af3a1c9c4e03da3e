"""Ballots of unlike models in one vote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from local_swarm.bench.scoring import Scored, embedded, rule_of, won
from local_swarm.swarm.strategies import AUTO
from local_swarm.swarm.weights import accuracy, of_models


def measured(of: Sequence[Scored]) -> float:
    """The accuracy of the greedy answers, with Laplace's prior, as `calibrate` measures it."""
    return accuracy(sum(one.greedy_right for one in of), len(of))


def pooled(
    parts: Sequence[Scored], known: Sequence[float], seats: int = 9, subsets: int = 200
) -> float:
    """The chance that a vote of `seats` ballots of each model is right, weighed by `known`."""
    first = parts[0]
    names = [f"model {at}" for at in range(len(parts))]
    weights = of_models(dict(zip(names, known, strict=True)), dict.fromkeys(names, seats))
    random, counted, right = Random(f"{first.id} pooled"), dict[object, bool](), 0
    rule = rule_of(first.asked, AUTO)
    together = embedded([cast for part in parts for cast in part.casts], rule)
    every = [[together.pop(0) for _ in part.casts] for part in parts]
    for draw in range(subsets):
        casts, flags = [], []
        for name, part, own in zip(names, parts, every, strict=True):
            for at in random.sample(range(len(own)), seats):
                casts.append(replace(own[at], weight=weights[name]))
                flags.append(part.right[at])
        right += won(first, casts, flags, rule, f"{first.id} {draw}", counted)
    return right / subsets
