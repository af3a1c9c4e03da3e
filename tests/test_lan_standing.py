"""The account of one peer: when it is up, suspect, busy, down and put out."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from local_swarm.network.standing import DOWN_AFTER, Standing, State, pause


def _up() -> Standing:
    it = Standing()
    it.answered(0)
    return it


def test_nobody_is_up_before_it_has_answered() -> None:
    assert Standing().state(0) is State.DOWN
    assert not Standing().askable(0)
    assert _up().askable(0)


def test_three_silences_are_down_and_the_first_is_suspect() -> None:
    it = _up()
    states = []
    for _ in range(DOWN_AFTER):
        it.missed()
        states.append(it.state(1))
    assert states == [State.SUSPECT, State.SUSPECT, State.DOWN]
    it.answered(2)
    assert it.askable(2)


def test_a_failed_ballot_is_suspect_at_once_until_the_next_answer() -> None:
    it = _up()
    it.failed(1)
    assert it.state(1) is State.SUSPECT
    assert it.next_poll(100) == 1
    it.answered(2)
    assert it.askable(2)


def _eject(it: Standing, now: float) -> float:
    """Three failures; how long it is put out."""
    for _ in range(3):
        assert it.ejected_s(now) == 0
        it.failed(now)
        it.answered(now)
    return it.ejected_s(now)


def test_who_fails_ballots_and_answers_polls_is_put_out_longer_each_time() -> None:
    it, now, times = _up(), 0.0, []
    for _ in range(7):
        times.append(_eject(it, now))
        assert it.state(now) is State.UP
        assert not it.askable(now)
        now += times[-1]
        assert it.askable(now)
    assert times == [15, 30, 60, 120, 240, 300, 300]


def test_good_ballots_make_up_for_old_failures() -> None:
    it = _up()
    assert _eject(it, 0) == 15
    it.failed(20)
    it.failed(20)
    it.worked(20)
    assert _eject(it, 20) == 15


def test_busy_is_no_failure() -> None:
    it = _up()
    for _ in range(10):
        it.busy(0, 5)
    assert it.state(4) is State.BUSY
    assert it.askable(5)
    it.answered(6, busy_s=2)
    assert it.state(7) is State.BUSY


def test_polls_are_sixteen_a_second_at_most() -> None:
    assert pause(1) == pause(32) == 2
    for peers in (33, 99, 300):
        assert peers / pause(peers) <= 16


_EVENTS = st.sampled_from(["answered", "missed", "worked", "failed", "busy"])


@given(st.lists(st.tuples(_EVENTS, st.floats(0, 400)), max_size=60))
def test_whatever_happens_it_comes_back(events: list[tuple[str, float]]) -> None:
    it, now = Standing(), 0.0
    for event, later in events:
        now += later
        match event:
            case "missed":
                it.missed()
            case "busy":
                it.busy(now, later)
            case _:
                getattr(it, event)(now)
        assert 0 <= it.ejected_s(now) <= 300
        assert not it.askable(now) or it.state(now) is State.UP
    it.answered(now)
    assert it.askable(now + 400)


def test_states_only_worsen_without_an_answer() -> None:
    order = [State.UP, State.SUSPECT, State.DOWN]
    it, seen = _up(), [State.UP]
    for _ in range(5):
        it.missed()
        seen.append(it.state(0))
    assert all(order.index(a) <= order.index(b) for a, b in pairwise(seen))
