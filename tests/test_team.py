"""Several engines in one election: who gets which seats, and a real swarm of unlike models."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from local_swarm.backends.base import Grant, Piece
from local_swarm.ballot import Ballot, Finish, Meter, Status
from local_swarm.chat import ChatRequest, Done, SwarmOptions
from local_swarm.cli.members import members
from local_swarm.crew import of_plan
from local_swarm.enlist import Named
from local_swarm.errors import EngineError, EngineUnavailable, UsageError
from local_swarm.models.store import demo_path
from local_swarm.settings import clean_environment
from local_swarm.swarm.manager import Defaults, Swarm
from local_swarm.swarm.team import Member, Team, share_out
from local_swarm.swarm.voter import EngineVoter

from .conftest import Running, planned, running

NOTHING: dict[str, Any] = {
    "positional": None, "demo": False, "models": [], "endpoints": [], "seats": None
}  # fmt: skip
COUNTS = some.lists(some.integers(1, 9), min_size=1, max_size=6)


@given(COUNTS, some.integers(0, 60))
def test_shares_add_up_and_never_shrink(counts: list[int], seats: int) -> None:
    shares, more = share_out(seats, counts), share_out(seats + 1, counts)
    assert sum(shares) == seats
    assert all(before <= after for before, after in zip(shares, more, strict=True))
    assert share_out(sum(counts), counts) == counts


@dataclass
class Scripted:
    """An engine that says one thing, or fails."""

    model: str
    says: str = "Answer: 4"
    fails: Exception | None = None
    seeds: list[int | None] = field(default_factory=list)

    async def sample(self, request: ChatRequest, seats: int) -> AsyncIterator[Grant | Piece]:
        if self.fails:
            raise self.fails
        yield Grant(seats, 10)
        first = request.sampling.get("seed")
        for seat in range(seats):
            self.seeds.append(None if first is None else first + seat)
            yield Piece(seat, text=self.says, tokens=3, finish=Finish.STOP)

    async def close(self) -> None: ...


def ask(
    swarm: Swarm, model: str = "local-swarm", seats: int | None = None, **sampling: int
) -> Done:
    request = ChatRequest(
        "r",
        ({"role": "user", "content": "How many?"},),
        model=model,
        sampling=sampling,
        swarm=SwarmOptions(seats=seats, early_stop=False, escalate=False),
    )

    async def main() -> Done:
        events = [event async for event in swarm.respond(request)]
        assert isinstance(events[-1], Done)
        return events[-1]

    return asyncio.run(main())


def swarm(*engines: Scripted, seats: int = 2) -> Swarm:
    team = Team([Member(engine, seats) for engine in engines])
    return Swarm(team, Defaults(team.seats))


@given(COUNTS, some.integers(1, 20), some.integers(0, 20))
def test_no_two_seats_of_a_model_are_the_same(counts: list[int], seats: int, after: int) -> None:
    team = Team([Member(Scripted("ab"[at % 2]), count) for at, count in enumerate(counts)])
    names = [
        ballot.voter
        for voters in (team.voters(after), team.voters(seats, after=after))
        for voter, count in voters
        for ballot in asyncio.run(_ballots(voter, count))
    ]
    assert len(names) == len(set(names)) == seats + after


async def _ballots(voter: EngineVoter, count: int) -> list[Ballot]:
    asked = ChatRequest("r", ({"role": "user", "content": "x"},))
    return [ballot async for ballot in voter.vote(asked, count, Meter())]


def test_engines_of_one_model_get_seeds_of_their_own() -> None:
    one, two = Scripted("m"), Scripted("m")
    ask(swarm(one, two), seed=100)
    assert sorted([*one.seeds, *two.seeds]) == [100, 101, 102, 103]  # type: ignore[type-var]


def test_a_model_that_is_named_answers_alone() -> None:
    done = ask(swarm(Scripted("a"), Scripted("b", "Answer: 5")), model="b")
    assert done.answer.text == "Answer: 5"
    assert {ballot.model for ballot in done.verdict.ballots} == {"b"} and done.verdict.asked == 2


def test_a_dead_engine_costs_its_ballots_only() -> None:
    dead = Scripted("a", fails=EngineUnavailable("it is dead"))
    done = ask(swarm(dead, Scripted("b")))
    assert done.answer.text == "Answer: 4" and done.verdict.status is Status.MAJORITY
    assert "it is dead" in str(done.verdict.degraded)
    assert [one.worker for one in done.verdict.absent] == ["home/a"]


def test_one_seat_goes_to_the_next_engine_where_the_first_is_dead() -> None:
    dead = Scripted("a", fails=EngineUnavailable("it is dead"))
    done = ask(swarm(dead, Scripted("b")), seats=1)
    assert done.answer.text == "Answer: 4" and "it is dead" in str(done.verdict.degraded)
    with pytest.raises(EngineError):
        ask(swarm(dead, dead), seats=1)


def test_one_seat_is_that_of_the_best_model_where_all_were_measured() -> None:
    team = Team([Member(Scripted("a"), 2), Member(Scripted("b", "Answer: 5"), 2)])
    accuracy = {"number": {"a": 0.5, "b": 0.9}}
    assert ask(Swarm(team, Defaults(4, accuracy=accuracy)), seats=1).answer.text == "Answer: 5"
    assert ask(Swarm(team, Defaults(4)), seats=1).answer.text == "Answer: 4"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ({"positional": "a", "seats": 5}, [Named("a", 5)]),
        ({"models": ["a", "b:2"]}, [Named("a", 3), Named("b", 2)]),
        ({"models": ["a", "b:2"], "seats": 7}, [Named("a", 5), Named("b", 2)]),
        ({"demo": True, "models": ["demo-mini"]}, [Named("demo", 3), Named("demo-mini", 3)]),
        ({"models": ["q:Q4_K_M:4", "hf:o/r:Q8"]}, [Named("q:Q4_K_M", 4), Named("hf:o/r:Q8", 3)]),
        (
            {"models": ["a"], "endpoints": ["http://h:1#x/y:4", "http://h:2"]},
            [Named("a", 3), Named("x/y", 4, "http://h:1"), Named(None, 3, "http://h:2")],
        ),
        ({"endpoints": ["http://h:8000"]}, [Named(None, None, "http://h:8000")]),
    ],
)  # fmt: skip
def test_what_the_flags_name(words: dict[str, object], found: list[Named]) -> None:
    assert members(**{**NOTHING, **words}) == found


@pytest.mark.parametrize(
    "words",
    [
        {"demo": True, "positional": "other"},
        {"models": ["a:99"]},
        {"models": ["a", "b:4"], "seats": 4},
        {"models": ["a:2", "b:2"], "seats": 7},
        {"models": [" "]},
    ],
)
def test_what_the_flags_cannot_mean(words: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        members(**{**NOTHING, **words})


@pytest.fixture(scope="module")
def unlike(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Both bundled models: 3 seats of the one, 2 of the other."""
    paths: dict[str, Path] = {id: demo_path(id) for id in ("demo", "demo-mini")}
    crews = [
        of_plan(planned(path, seats=seats), path, clean_environment())
        for path, seats in zip(paths.values(), (3, 2), strict=True)
    ]
    home = tmp_path_factory.mktemp("unlike")
    with running(home, None, None, others=crews) as node:
        yield node


def test_unlike_models_vote_together(unlike: Running) -> None:
    options = {"include_ballots": True, "early_stop": False, "escalate": False}
    swarm = unlike.chat(swarm=options).json()["swarm"]
    assert swarm["models"] == {"demo": 3, "demo-mini": 2}
    assert Counter(one["worker"] for one in swarm["details"]) == Counter(
        ["home/demo#0", "home/demo#1", "home/demo#2", "home/demo-mini#0", "home/demo-mini#1"]
    )


def test_status_and_cards_show_every_engine(unlike: Running) -> None:
    status = unlike.http.get("/swarm/status").json()
    assert [(e["model"], e["seats"], e["state"]) for e in status["engines"]] == [
        ("demo", 3, "ready"), ("demo-mini", 2, "ready"),
    ]  # fmt: skip
    assert status["seats"] == 5 and len({engine["pid"] for engine in status["engines"]}) == 2
    ids = [card["id"] for card in unlike.http.get("/v1/models").json()["data"]]
    assert ids[-2:] == ["demo", "demo-mini"]
    alone = unlike.chat(model="demo-mini", swarm={"include_ballots": True}).json()["swarm"]
    assert alone["seats"] == 2 and {one["model"] for one in alone["details"]} == {"demo-mini"}
    assert 'local_swarm_slots{model="demo-mini"}' in unlike.http.get("/metrics").text
