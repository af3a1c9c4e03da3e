"""Who sits out: judged among like questions, never for long, and told."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_swarm.chat import ChatRequest
from local_swarm.network.hello import Load
from local_swarm.network.member import Member
from local_swarm.network.patience import PATIENCE, RAREST, TRIED_AGAIN_S, Patience
from local_swarm.network.standing import State

from .test_network_federation import federation, of, seen


def question(text: str) -> ChatRequest:
    return ChatRequest("r", ({"role": "user", "content": text},))


SUM, ESSAY = question("How many hens are there?"), question("Tell me about hens. " * 200)


def late(it: Patience, times: int = PATIENCE, about: ChatRequest = SUM) -> None:
    for _ in range(times):
        it.late("slow", about)


def test_too_late_for_a_sum_is_not_too_late_for_a_long_text() -> None:
    it = Patience()
    late(it)
    assert it.turn("slow", SUM) and it.turn("slow", ESSAY) is None
    assert it.turn("quick", SUM) is None
    told = "too late 3 times in a row for short number questions, asked every second of them."
    assert it.told("slow") == told and it.told("quick") is None


def test_one_answer_in_time_forgives_all() -> None:
    it = Patience()
    late(it, 9)
    it.in_time("slow", ESSAY)
    assert it.turn("slow", SUM)
    it.in_time("slow", SUM)
    assert it.turn("slow", SUM) is None and it.told("slow") is None


def test_after_a_while_it_is_tried_again() -> None:
    clock = [0.0]
    it = Patience(lambda: clock[0])
    late(it)
    clock[0] = TRIED_AGAIN_S + 1
    assert it.turn("slow", SUM) is None


@given(st.lists(st.booleans(), max_size=80))
def test_one_question_in_eight_is_asked_at_least(in_time: list[bool]) -> None:
    """Whatever becomes of those that are asked."""
    it, left_out = Patience(lambda: 0.0), 0
    for well in in_time:
        if it.turn("slow", SUM):
            left_out += 1
            assert left_out < RAREST
            continue
        left_out = 0
        (it.in_time if well else it.late)("slow", SUM)


@pytest.mark.parametrize("rests", ["it takes no questions now: paused.", None])
def test_who_rests_is_named_though_nobody_is_asked(tmp_path: Path, rests: str | None) -> None:
    allies = federation(tmp_path, seen("a", askable=False, rests=rests)).allies(of(), "majority")
    if rests is None:  # it does not answer: `peers` says so, not every verdict
        assert allies is None
        return
    assert allies and not allies.voters
    assert [(one.worker, one.why) for one in allies.absent] == [("machine a (aaaaaaa)", rests)]


def test_a_member_says_why_it_is_not_asked() -> None:
    peer = seen("a").peer
    busy = Member(peer, State.BUSY, False, load=Load(why="on battery", free_in_s=60))
    put_out = Member(peer, State.UP, False, ejected_s=14.6)
    assert busy.rests == "it takes no questions now: on battery."
    assert put_out.rests == "it sits out for 15 s: its last answers failed."
    assert Member(peer, State.UP, True).rests is None
    assert Member(peer, State.DOWN, False, ejected_s=9).rests is None
