"""The verdict over machines, over the real wire: that of one room with the same ballots."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from local_swarm.api.schema import ChatBody
from local_swarm.ballot import Answer, Ballot, Finish, Meter, Status, ToolCall, Verdict
from local_swarm.chat import ChatRequest, SwarmOptions
from local_swarm.network import serving
from local_swarm.network.desk import Desk
from local_swarm.network.server import PEER
from local_swarm.network.voter import Asked, PeerVoter
from local_swarm.swarm.canonical import Asked as Question
from local_swarm.swarm.canonical import Kind, key_of
from local_swarm.swarm.decision import Rule, decide
from local_swarm.swarm.election import Tier, hold
from local_swarm.swarm.strategies import named
from local_swarm.swarm.tally import Cast
from local_swarm.swarm.weights import HOME, Caps

REQUEST = ChatRequest(
    "r", ({"role": "user", "content": "How many?"},), swarm=SwarmOptions(scope="lan")
)
PEERS = ("p", "q")


@dataclass
class Sampled:
    """A voter that casts ballots which exist already."""

    ballots: Sequence[Ballot]
    machine: str = HOME
    model: str | None = "m"

    @property
    def name(self) -> str:
        return self.machine

    async def vote(self, request: ChatRequest, seats: int, meter: Meter) -> AsyncIterator[Ballot]:
        meter.grant(self.name, seats, 1, None)
        for ballot in self.ballots:
            yield ballot


class Ignored:
    """Told what became of a question."""

    def worked(self, id: str) -> None: ...
    def failed(self, id: str) -> None:
        raise AssertionError("a peer failed")

    def busy(self, id: str, retry_after_s: float) -> None:
        raise AssertionError("a peer was busy")

    def audited(self, id: str, why: str) -> None:
        raise AssertionError(why)


def connection(ballots: Sequence[Ballot]) -> httpx.AsyncClient:
    """To a peer whose seats say `ballots`, through its real route and without a socket."""
    app = Starlette(routes=serving.routes(Sampled(ballots).vote, lambda: ["m"], Desk()))

    async def known(scope: Scope, receive: Receive, send: Send) -> None:
        async def patient() -> Any:
            message = await receive()
            if message["type"] == "http.disconnect":  # told too early by a transport without wire
                await asyncio.Event().wait()
            return message

        await app({**scope, PEER: "peer"}, patient, send)

    return httpx.AsyncClient(transport=httpx.ASGITransport(known), base_url="http://peer")


SAID = ["The answer is 18", "#### 18", "18 eggs", "7", "", "I can't help with that.", "7 hens"]
BALLOTS = st.lists(
    st.builds(
        lambda text, call, sure, finish: Ballot(
            Answer("", (ToolCall("c", "look", call),)) if call else Answer(text),
            "v", HOME, "m", finish, 3, 0.1, None, sure,
        ),
        st.sampled_from(SAID) | st.text(max_size=9),
        st.sampled_from(["", "", "", '{"a": 1}', '{"a": 1.0}', "{broken"]),
        st.sampled_from([None, 0.25, 1 / 3]),
        st.sampled_from([Finish.STOP, Finish.STOP, Finish.LENGTH]),
    ),
    min_size=1, max_size=8,
)  # fmt: skip


@settings(max_examples=60)
@given(BALLOTS, st.data(), st.sampled_from(["majority", "similarity"]), st.booleans())
def test_pooled_over_the_wire_as_in_one_room(
    ballots: list[Ballot], data: st.DataObject, name: str, trusted: bool
) -> None:
    kind = Kind.NUMBER if name == "majority" else Kind.TEXT
    chosen, strategy = named(name, kind)
    caps = Caps(peer=0.5, trusted=frozenset(PEERS)) if trusted else None
    asked = Question(kind, tools={"look": None})
    rule = Rule(chosen, strategy, asked, early_stop=False, caps=caps, threshold=0.6)
    where = [data.draw(st.sampled_from([HOME, *PEERS])) for _ in ballots]
    of = {m: [b for b, at in zip(ballots, where, strict=True) if at == m] for m in (HOME, *PEERS)}

    async def lan() -> Verdict:
        clients = {peer: connection(of[peer]) for peer in PEERS if of[peer]}
        guests = [
            (
                PeerVoter(
                    Asked(peer, peer, "m", ("m",), 0, True),
                    partial(clients.get, peer),
                    Ignored(),
                    "",
                ),
                len(of[peer]),
            )
            for peer in clients
        ]
        home = Sampled(of[HOME])
        try:
            return await hold([Tier([(home, len(of[HOME]))], guests=guests)], REQUEST, rule)
        finally:
            for client in clients.values():
                await client.aclose()

    told = asyncio.run(lan())
    casts = [Cast(ballot, key_of(asked, ballot)) for ballot in ballots]
    room = decide(casts, replace(rule, caps=None), "r", asked=len(casts), meter=Meter())
    assert (told.status, told.share, told.cast, told.abstained) == (
        room.status, room.share, room.cast, room.abstained,
    )  # fmt: skip
    assert {(g.key, g.votes, g.weight, g.confidence) for g in told.groups} == {
        (g.key, g.votes, g.weight, g.confidence) for g in room.groups
    }
    if room.status is Status.MAJORITY:
        assert told.winner and room.winner and told.winner.answer == room.winner.answer


def test_a_request_says_whether_it_may_leave() -> None:
    body: dict[str, Any] = {"messages": [{"role": "user", "content": "?"}]}

    def options(**swarm: Any) -> SwarmOptions:
        return ChatBody.model_validate({**body, "swarm": swarm}).request().swarm

    assert (options().scope, options().local_only) == (None, False)
    assert options(scope="lan").scope == "lan" and options(local_only=True).local_only
    for wrong in ({"scope": "mars"}, {"scope": 1}, {"local_only": "perhaps"}):
        with pytest.raises(ValueError, match=r"swarm\."):
            options(**wrong)
