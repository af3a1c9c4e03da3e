"""The contract of an engine, the same cases on every kind (docs/engines.md has the checklist).

One engine a kind answers all cases, one after the other: starting some of them takes 20 s.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil
import pytest

from local_swarm.backends.base import Grant, Piece, Served
from local_swarm.ballot import Finish
from local_swarm.chat import ChatRequest, Done, SwarmOptions
from local_swarm.errors import SwarmError
from local_swarm.swarm.manager import Defaults, Swarm
from local_swarm.swarm.team import Member, Team

from ._kinds import KINDS, SLOTS, Case, Kind, library
from .conftest import SUM

TELLS_NO_PROMPT = ("llama-cpp-python",)  # its streams have no usage
TELLS_NO_CHANCES = ("llama-cpp-python", "mlx")


@dataclass
class Said:
    """What the seats of one request said."""

    grants: list[Grant] = field(default_factory=list)
    ends: dict[int, Piece] = field(default_factory=dict)
    texts: defaultdict[int, str] = field(default_factory=lambda: defaultdict(str))
    chances: list[float] = field(default_factory=list)


def asked(*words: str, max_tokens: int | None = None, **sampling: object) -> ChatRequest:
    """A conversation: user and assistant in turn."""
    roles = ("user", "assistant") * len(words)
    messages = [{"role": r, "content": text} for r, text in zip(roles, words, strict=False)]
    return ChatRequest("r", tuple(messages), max_tokens=max_tokens, sampling=sampling)


async def sample(engine: Served, request: ChatRequest, seats: int = 1) -> Said:
    said = Said()
    async for item in engine.sample(request, seats):
        if isinstance(item, Grant):
            said.grants.append(item)
            continue
        if item.restart:
            said.texts[item.seat] = ""
        assert item.seat not in said.ends, "a seat went on after its end"
        said.texts[item.seat] += item.text
        said.chances += item.logprobs
        if item.finish:
            said.ends[item.seat] = item
    return said


async def every_seat_answers_once(engine: Served) -> None:
    said = await sample(engine, asked(SUM), 3)
    assert said.grants[0].seats == 3
    assert sorted(said.ends) == [0, 1, 2]
    assert all(text.strip() for text in said.texts.values())
    assert all(end.tokens and 3 < end.tokens < 200 for end in said.ends.values())
    prompt = max(grant.prompt_tokens for grant in said.grants)
    assert 20 < prompt < 80 or (prompt == 0 and engine.status().engine in TELLS_NO_PROMPT)


async def greedy_is_right(engine: Served) -> None:
    said = await sample(engine, asked(SUM, temperature=0))
    assert said.texts[0].endswith("Answer: 21") and said.ends[0].finish is Finish.STOP


async def chances_are_told_where_there_are_any(engine: Served) -> None:
    said = await sample(engine, asked(SUM, temperature=0.5), 2)
    assert all(chance <= 0 for chance in said.chances)
    assert bool(said.chances) == (engine.status().engine not in TELLS_NO_CHANCES)


async def more_seats_than_slots_all_answer(engine: Served) -> None:
    said = await sample(engine, asked(SUM, max_tokens=4), SLOTS + 3)
    assert sorted(said.ends) == list(range(SLOTS + 3))


async def seats_differ(engine: Served) -> None:
    said = await sample(engine, asked("What is 457 * 38?", temperature=1.5, seed=3), 4)
    assert len(set(said.texts.values())) > 1


async def max_tokens_bounds_every_seat(engine: Served) -> None:
    said = await sample(engine, asked(SUM, max_tokens=5, temperature=0), 2)
    assert [end.finish for end in said.ends.values()] == [Finish.LENGTH] * 2
    assert all(end.tokens == 5 for end in said.ends.values())


async def a_stop_text_ends_it(engine: Served) -> None:
    said = await sample(engine, asked(SUM, temperature=0, stop=["Answer"]))
    assert "Answer" not in said.texts[0] and said.ends[0].finish is Finish.STOP


async def turns_are_understood(engine: Served) -> None:
    said = await sample(engine, asked("hello", "Hi! How can I help you?", SUM, temperature=0))
    assert said.texts[0].endswith("Answer: 21")


async def letters_of_all_scripts_come_whole(engine: Served) -> None:
    said = await sample(engine, asked("Grüße, 世界 🌍! " + SUM, temperature=0, max_tokens=40))
    assert said.texts[0] and "\ufffd" not in said.texts[0]


async def a_hang_up_frees_the_seats(engine: Served) -> None:
    for _ in range(5):
        stream = engine.sample(asked(SUM, temperature=1.0), 3)
        async for item in stream:
            if isinstance(item, Piece):
                break
        await stream.aclose()  # type: ignore[attr-defined]
    async with asyncio.timeout(20):
        while engine.status().slots_busy:  # noqa: ASYNC110 - it settles by itself
            await asyncio.sleep(0.01)
    await greedy_is_right(engine)


async def hung_up_before_the_first_word(engine: Served) -> None:
    task = asyncio.create_task(sample(engine, asked(SUM), 3))
    await asyncio.sleep(0.002)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    await greedy_is_right(engine)


async def requests_beside_each_other_do_not_mix(engine: Served) -> None:
    sums = [(a, 3) for a in range(11, 17)]
    words = [f"Sam has {a} apples. Sam buys {b} more. How many apples does Sam have?"
             for a, b in sums]  # fmt: skip
    all_said = await asyncio.gather(*(sample(engine, asked(w, temperature=0)) for w in words))
    for (a, b), said in zip(sums, all_said, strict=True):
        assert f"{a} + {b}" in said.texts[0]


async def what_is_too_long_is_an_error_in_words(engine: Served) -> None:
    with pytest.raises(SwarmError) as caught:
        await sample(engine, asked("apples and pears " * 400, max_tokens=4))
    assert caught.value.message
    await greedy_is_right(engine)


async def status_tells_the_facts(engine: Served) -> None:
    status = engine.status()
    assert (status.model, status.state, status.slots_busy, status.queue) == ("demo", "ready", 0, 0)
    assert status.tokens_total > 100 and status.slots >= SLOTS and status.restarts == 0
    assert (status.pid is None) == (status.url is not None)
    if status.pid:
        assert status.rss and status.rss > (10 << 20) and status.file
    assert engine.status(memory=False) == replace(status, rss=None, pss=None)


CASES: list[Case] = [
    every_seat_answers_once, greedy_is_right, chances_are_told_where_there_are_any,
    more_seats_than_slots_all_answer, seats_differ,
    max_tokens_bounds_every_seat, a_stop_text_ends_it, turns_are_understood,
    letters_of_all_scripts_come_whole, a_hang_up_frees_the_seats, hung_up_before_the_first_word,
    requests_beside_each_other_do_not_mix, what_is_too_long_is_an_error_in_words,
    status_tells_the_facts,
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_the_contract(kind: Kind, tmp_path: Path) -> None:
    failed: dict[str, BaseException] = {}

    async def main() -> None:
        async with kind(tmp_path) as engine:
            for case in CASES:
                try:
                    async with asyncio.timeout(60):
                        await case(engine)
                except (Exception, pytest.fail.Exception) as error:
                    failed[case.__name__] = error

    before = set(psutil.Process().children(recursive=True))
    asyncio.run(main())
    assert not failed, "\n".join(f"{name}: {error!r}" for name, error in failed.items())
    assert set(psutil.Process().children(recursive=True)) <= before


@pytest.mark.parametrize("kind", KINDS[1:])
def test_the_election_mixes_kinds(kind: Kind, tmp_path: Path) -> None:
    """Two seats of this kind vote beside two of the default engine."""

    async def main() -> Done:
        async with library(tmp_path / "own") as ours, kind(tmp_path) as theirs:
            swarm = Swarm(Team([Member(ours, 2), Member(theirs, 2)]), Defaults(4))
            options = SwarmOptions(early_stop=False, escalate=False)
            request = ChatRequest("r", ({"role": "user", "content": SUM},), swarm=options)
            events = [event async for event in swarm.respond(request)]
            assert isinstance(events[-1], Done)
            return events[-1]

    done = asyncio.run(main())
    assert done.verdict.cast == 4 and done.answer.text.endswith("21")
    assert len({ballot.voter for ballot in done.verdict.ballots}) == 4
