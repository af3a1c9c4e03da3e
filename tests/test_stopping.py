"""Stopping early never changes the winner: checked for every possible end of the vote."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from itertools import combinations_with_replacement, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_swarm.ballot import Answer, Ballot, Finish, ToolCall
from local_swarm.swarm.canonical import Asked, Key, Kind
from local_swarm.swarm.stopping import decided, unlikely
from local_swarm.swarm.strategies import Poll, majority, similarity
from local_swarm.swarm.tally import Cast, Heap
from local_swarm.swarm.weights import HOME, Caps

SAYS: dict[str, Key | None] = {
    "a": Key("text:a"), "b": Key("text:b"), "call": Key("tool_call:f({})"),
    "other call": Key("tool_call:g({})"), "no": Key("refusal:"), "": None,
}  # fmt: skip
UNITS: dict[str, Key | None] = {
    "18": Key("number:18"), "18 kg": Key("number:18 kg", "number:18"), "7": Key("number:7"),
    "18 m": Key("number:18 m", "number:18"), "": None,
}  # fmt: skip
FREE = Poll("r", Asked(Kind.NUMBER, side_effects=frozenset({"g"})))


def cast(key: Key | None, machine: str = HOME, weight: float = 1.0) -> Cast:
    text = key.value if key else ""
    name = text.removeprefix("tool_call:").partition("(")[0] if "tool_call" in text else ""
    answer = Answer("", (ToolCall("c", name, "{}"),)) if name else Answer(text)
    return Cast(Ballot(answer, "v", machine, "m", Finish.STOP, 1, 0.1), key, weight)


def values(heap: Heap) -> set[str]:
    return {c.key.value for c in heap.casts if c.key}


@pytest.mark.parametrize("alphabet", [SAYS, UNITS], ids=["kinds", "units"])
@pytest.mark.parametrize("seats", range(1, 8))
def test_a_settled_vote_ends_the_same_whatever_comes(
    alphabet: dict[str, Key | None], seats: int
) -> None:
    @cache
    def winner(said: tuple[str, ...]) -> frozenset[str]:
        heaps = majority.heaps([cast(alphabet[word]) for word in said], FREE)
        return frozenset(values(heaps[0])) if heaps else frozenset()

    stopped = 0
    assert majority.changes([cast(SAYS["other call"])], FREE)
    for count in range(1, seats + 1):
        for said in combinations_with_replacement(alphabet, count):
            casts = [cast(alphabet[word]) for word in said]
            if not majority.settled(casts, seats - count, FREE):
                continue
            stopped += 1
            leader = decided(casts, seats - count, None)
            assert leader is not None
            for rest in combinations_with_replacement(alphabet, seats - count):
                assert leader.value in winner(tuple(sorted(said + rest))), (said, rest)
    assert stopped


@pytest.mark.parametrize("seats", range(1, 6))
def test_a_peer_cannot_unsettle_what_home_has_settled(seats: int) -> None:
    """With caps, and peers that weigh less the more they say."""
    caps = Caps(peer=1.0)
    poll = Poll("r", Asked(Kind.NUMBER), caps)
    words = [(m, k) for m in (HOME, "p", "q") for k in ("a", "b")]
    for count in range(1, seats + 1):
        for said in combinations_with_replacement(words, count):
            casts = [cast(SAYS[key], machine) for machine, key in said]
            if not majority.settled(casts, seats - count, poll):
                continue
            leader = decided(casts, seats - count, caps)
            assert leader is not None
            for rest in combinations_with_replacement([*words, ("p", "new")], seats - count):
                more = [cast(SAYS.get(key, Key("text:new")), machine) for machine, key in rest]
                assert leader.value in values(majority.heaps([*casts, *more], poll)[0])


WEIGHTED = st.lists(
    st.tuples(st.sampled_from(["a", "b", "no", "call"]), st.sampled_from([0.25, 0.5, 1.0])),
    max_size=6,
)


@given(WEIGHTED, st.lists(st.sampled_from([0.25, 0.5, 1.0]), max_size=3), st.data())
def test_unequal_weights(
    said: list[tuple[str, float]], out: list[float], data: st.DataObject
) -> None:
    casts = [cast(SAYS[word], weight=weight) for word, weight in said]
    leader = decided(casts, sum(out), None)
    if leader is None:
        return
    rest = [
        cast(SAYS[data.draw(st.sampled_from(["a", "b", "no", "call", ""]))], weight=weight)
        for weight in out
    ]
    heaps = majority.heaps([*casts, *rest], Poll("r", Asked(Kind.NUMBER)))
    assert leader.value in values(heaps[0])


def urn(votes: list[int], out: int) -> Iterator[tuple[list[int], float]]:
    """Every end of the vote with its chance, drawn one by one from Polya's urn."""
    kinds = [*votes, 0]
    for draws in product(range(len(kinds)), repeat=out):
        have, chance = list(kinds), 1.0
        for draw in draws:
            chance *= (have[draw] + 0.5) / (sum(have) + 0.5 * len(have))
            have[draw] += 1
        yield have, chance


@pytest.mark.parametrize("votes, out", [([3, 1], 3), ([3, 1, 1], 4), ([2], 3), ([5, 2, 2], 2)])
def test_the_chance_of_a_change_is_an_upper_bound_and_close(votes: list[int], out: int) -> None:
    ends = list(urn(votes, out))
    assert math.isclose(sum(chance for _, chance in ends), 1.0)
    exact = sum(chance for have, chance in ends if max(have[1:]) >= have[0])
    bound = sum(
        chance
        for rival in range(1, len(votes) + 1)
        for have, chance in ends
        if have[rival] >= have[0]
    )
    assert math.isclose(unlikely(votes, out), min(1.0, bound), rel_tol=1e-9)
    assert exact <= unlikely(votes, out) + 1e-12


def test_a_decided_vote_cannot_change_by_chance() -> None:
    assert unlikely([5, 1], 3) == 0.0
    assert unlikely([], 3) == 1.0


def test_similarity_stops_only_for_more_than_half_of_one_text() -> None:
    poll = Poll("r", Asked(Kind.TEXT))
    casts = [cast(SAYS["a"])] * 1 + [cast(Key("text:b")), cast(Key("text:b"))]
    assert not similarity.settled(casts, 1, poll)
    assert similarity.settled([*casts, cast(Key("text:b")), cast(Key("text:b"))], 1, poll)
