"""Who is asked, by which name, with how many seats, and what their ballots may weigh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from local_swarm.ballot import Answer, Ballot, Finish, Meter, Verdict
from local_swarm.chat import ChatRequest, SwarmOptions
from local_swarm.network.book import Peer
from local_swarm.network.federation import Federation, Terms, named
from local_swarm.network.record import PROVEN, Record
from local_swarm.swarm.canonical import Asked, Key, Kind
from local_swarm.swarm.decision import Rule, decide
from local_swarm.swarm.extras import Allies
from local_swarm.swarm.strategies import majority
from local_swarm.swarm.tally import Cast
from local_swarm.swarm.weights import HOME, Caps

from .lan_votes import Load, Seen, Watched

REQUEST = ChatRequest("r", ({"role": "user", "content": "How many?"},))


def seen(id: str, *, trusted: bool = False, seats: int = 4, **more: object) -> Seen:
    peer = Peer(id * 8, f"machine {id}", b"", trusted=trusted)
    return Seen(peer, seats, **more)  # type: ignore[arg-type]


def federation(folder: Path, *members: Seen, **terms: object) -> Federation:
    told = Terms(**terms)  # type: ignore[arg-type]
    return Federation(Watched(list(members)), Record(folder), told, lambda: ["home-model"])


def asked(allies: Allies | None) -> list[tuple[str, int]]:
    return [(voter.machine[8], seats) for voter, seats in allies.voters] if allies else []


def of(options: SwarmOptions | None = None, model: str = "local-swarm") -> ChatRequest:
    return replace(REQUEST, swarm=options or SwarmOptions(), model=model)


def test_idle_unlike_and_fast_ones_first(tmp_path: Path) -> None:
    it = federation(
        tmp_path,
        seen("a", models=("home-model",), tokens_per_s=90.0),
        seen("b", models=("x",), tokens_per_s=10.0),
        seen("c", models=("x",), tokens_per_s=20.0),
        seen("d", models=("y",), load=Load(running=1)),
        seen("e", models=("z",), askable=False),
        seen("f", models=("z",), seats=0),
        peers=3,
    )
    assert [who for who, _ in asked(it.allies(of(), "majority"))] == ["c", "a", "b"]


@pytest.mark.parametrize(
    ("options", "scope", "there"),
    [
        (SwarmOptions(), "lan", True), (SwarmOptions(), "local", False),
        (SwarmOptions(scope="lan"), "local", True), (SwarmOptions(scope="local"), "lan", False),
        (SwarmOptions(local_only=True, scope="lan"), "lan", False),
        (SwarmOptions(seats=1), "lan", False), (SwarmOptions(seats=3), "lan", True),
    ],
)  # fmt: skip
def test_the_scope(tmp_path: Path, options: SwarmOptions, scope: str, there: bool) -> None:
    it = federation(tmp_path, seen("a"), scope=scope)
    assert (it.allies(of(options), "majority") is not None) is there


def test_seats_are_what_a_peer_has_at_most_what_was_asked(tmp_path: Path) -> None:
    it = federation(tmp_path, seen("a", seats=2), seen("b", seats=200, trusted=True),
                    seen("c", seats=200))  # fmt: skip
    assert dict(asked(it.allies(of(), "majority"))) == {"a": 2, "b": 64, "c": 16}
    assert dict(asked(it.allies(of(SwarmOptions(seats=3)), "majority"))) == {"a": 2, "b": 3, "c": 3}


def test_a_model_that_was_named_is_asked_for_where_it_is(tmp_path: Path) -> None:
    it = federation(tmp_path, seen("a", models=("x", "y")), seen("b", models=("x",)))
    allies = it.allies(of(model="y"), "majority")
    assert allies and [voter.model for voter, _ in allies.voters] == ["y"]
    allies = it.allies(of(model="local-swarm-majority"), "majority")
    assert allies and [voter.model for voter, _ in allies.voters] == [None, "x"]


@pytest.mark.parametrize("strategy", ["fastest", "quality"])
def test_where_no_cap_bounds_only_trusted_peers_are_asked(tmp_path: Path, strategy: str) -> None:
    it = federation(tmp_path, seen("a"), seen("b", trusted=True))
    assert [who for who, _ in asked(it.allies(of(), strategy))] == ["b"]
    assert federation(tmp_path, seen("a")).allies(of(), strategy) is None


def test_caps(tmp_path: Path) -> None:
    record = Record(tmp_path)
    members = [seen("a"), seen("b"), seen("c", trusted=True)]
    labels = named(members)
    for _ in range(PROVEN):
        record.heard(_verdict(("b", "5")), {"b": members[1].peer.id})

    def caps(*which: Seen, on: bool = True) -> Caps | None:
        allies = Federation(Watched(list(which)), record, Terms(caps=on)).allies(of(), "majority")
        assert allies
        return allies.caps

    of_all = caps(*members)
    assert of_all == Caps(
        proven=frozenset({labels[members[1].peer.id]}),
        trusted=frozenset({labels[members[2].peer.id]}),
    )
    assert caps(*members, on=False) is None
    assert caps(members[2]) is None  # all trusted: one room
    record.audited(members[1].peer.id, "lied")
    again = caps(*members)
    assert again and not again.proven


def test_nobody_is_called_home_or_as_another() -> None:
    peers = [Peer(id * 8, name, b"") for id, name in
             [("a", "home"), ("a", "home"), ("b", "\x1b[2Jx/#"), ("c", "")]]  # fmt: skip
    members = [Seen(replace(peer, id=f"{peer.id}{n}"), 1) for n, peer in enumerate(peers)]
    labels = list(named(members).values())
    assert len(set(labels)) == 4 and HOME not in labels
    assert labels[0] == "home (aaaaaaa)" and labels[2:] == ["2Jx (bbbbbbb)", "peer (ccccccc)"]


def test_grace() -> None:
    assert [Terms().grace(seconds) for seconds in (0.0, 3.0, 10.0)] == [2.0, 2.0, 5.0]


def _verdict(*said: tuple[str, str], home: Sequence[str] = ("5", "5")) -> Verdict:
    casts = [
        Cast(Ballot(Answer(text), "v", who, "m", Finish.STOP, 3, 0.1), Key(f"number:{text}"))
        for who, text in [*((HOME, text) for text in home), *said]
    ]
    rule = Rule("majority", majority, Asked(Kind.NUMBER))
    return decide(casts, rule, "r", asked=len(casts), meter=Meter())
