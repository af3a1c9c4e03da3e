"""What a ballot weighs: by measured accuracy, and at most so much a peer."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_swarm.swarm import weights
from local_swarm.swarm.weights import HOME, Caps


def scaled(totals: dict[str, float], caps: Caps) -> dict[str, float]:
    scale = weights.scales(totals.items(), caps)
    return {machine: round(total * scale[machine], 9) for machine, total in totals.items()}


def test_without_a_measurement_all_weigh_the_same() -> None:
    assert weights.of_models({"a": 0.9}, {"a": 3, "b": 5}) == {"a": 1.0, "b": 1.0}


def test_a_better_model_weighs_more_and_many_seats_of_one_model_less_each() -> None:
    found = weights.of_models({"good": 0.9, "poor": 0.6}, {"good": 1, "poor": 1})
    assert found["good"] == 1.0
    assert found["poor"] == pytest.approx(math.log(1.5) / math.log(9))
    many = weights.of_models({"good": 0.9, "poor": 0.6}, {"good": 4, "poor": 1})
    assert many["poor"] / many["good"] == pytest.approx(2 * found["poor"])


def test_a_model_worse_than_chance_still_breaks_ties() -> None:
    found = weights.of_models({"good": 0.9, "bad": 0.2}, {"good": 1, "bad": 1})
    assert 0 < found["bad"] < 0.05


def test_laplace() -> None:
    assert weights.accuracy(0, 0) == 0.5
    assert weights.accuracy(60, 60) == pytest.approx(61 / 62)


def test_a_peer_weighs_at_most_its_cap_and_a_third() -> None:
    assert scaled({HOME: 4, "evil": 50}, Caps(peer=3, share=1)) == {HOME: 4, "evil": 3}
    assert scaled({HOME: 4, "evil": 50}, Caps(peer=3)) == {HOME: 4, "evil": 2}
    assert scaled({HOME: 4, "a": 50, "b": 50}, Caps(peer=99)) == {HOME: 4, "a": 4, "b": 4}
    assert scaled({HOME: 4, "a": 50}, Caps(peer=1, proven=frozenset({"a"})))["a"] == 2


def test_without_a_ballot_from_home_peers_are_not_a_third_of_nothing() -> None:
    assert scaled({"a": 2, "b": 1}, Caps(peer=1)) == {"a": 1, "b": 1}


def test_without_caps_all_count_in_full() -> None:
    assert weights.scales([(HOME, 1.0), ("p", 9.0)], None) == {HOME: 1.0, "p": 1.0}


TOTALS = st.dictionaries(
    st.sampled_from([HOME, *"abcdef"]), st.sampled_from([0.5, 1.0, 2.0, 7.0, 40.0]), min_size=1
)


@given(TOTALS, st.sampled_from([0.5, 1.0, 3.0, 100.0]))
def test_caps_hold(totals: dict[str, float], peer: float) -> None:
    after = scaled(totals, Caps(peer=peer))
    assert after.get(HOME) == totals.get(HOME)
    for machine, weight in after.items():
        if machine != HOME:
            assert 0 < weight <= min(peer, totals[machine])
            if HOME in totals:
                assert weight <= sum(after.values()) / 3 + 1e-6
