"""The swarm with more than one model: reserves, weights, and words in the place of a call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from local_swarm.backends.base import Grant, Piece, ToolDelta
from local_swarm.ballot import Finish, Status
from local_swarm.chat import ChatRequest, Done, SwarmOptions
from local_swarm.swarm.election import Tier
from local_swarm.swarm.manager import Defaults, Extras, Swarm

from .scripted import Scripted

COUNT = "How many hens are there?"
TOOLS = ({"type": "function", "function": {"name": "delete_file", "parameters": {}}},)


@dataclass
class ScriptedEngine:
    """An engine whose seats say what they are told to, round after round."""

    says: Sequence[str]
    model: str = "small"
    asked: int = 0

    async def sample(self, request: ChatRequest, seats: int) -> AsyncIterator[Grant | Piece]:
        yield Grant(seats, 10)
        for seat in range(seats):
            said = self.says[self.asked % len(self.says)]
            self.asked += 1
            name, call, arguments = said.partition("(")
            if call:
                calls = (ToolDelta(0, "c", name, arguments[:-1]),)
                yield Piece(seat, tool_calls=calls, tokens=4, finish=Finish.TOOL_CALLS)
            else:
                yield Piece(seat, text=said, tokens=4, finish=Finish.STOP)

    async def close(self) -> None: ...


def ask(swarm: Swarm, question: str = COUNT, seats: int = 4, tools: bool = False) -> Done:
    request = ChatRequest(
        "r",
        ({"role": "user", "content": question},),
        tools=TOOLS if tools else (),
        swarm=SwarmOptions(seats=seats),
    )

    async def main() -> Done:
        events = [event async for event in swarm.respond(request)]
        assert isinstance(events[-1], Done)
        return events[-1]

    return asyncio.run(main())


def test_a_better_model_in_reserve_decides_by_its_measured_weight() -> None:
    def reserves(request: ChatRequest, seats: int) -> Sequence[Tier]:
        better = Scripted("better", ["12", "12"], machine="home", of_model="large")
        return [Tier([(better, 2)], "another model", if_unsure=True)]

    accuracy = {"number": {"small": 0.55, "large": 0.95}}
    small = ScriptedEngine(["9", "9", "7", "8"])
    done = ask(Swarm(small, Defaults(4, accuracy=accuracy), Extras(reserves=reserves)))
    assert done.answer.text == "12" and done.verdict.measured
    assert [one.name for one in done.verdict.rounds] == ["seats", "another model"]
    assert small.asked == 4  # two rounds at most: its own seats were not asked again
    weights = {group.key: group.weight for group in done.verdict.groups}
    assert weights["number:12"] == 2.0 > weights["number:9"] > 0


def test_without_a_measurement_all_ballots_weigh_the_same() -> None:
    done = ask(Swarm(ScriptedEngine(["9", "9", "7", "8"]), Defaults(4)))
    assert not done.verdict.measured
    assert all(group.weight == group.votes for group in done.verdict.groups)


def test_a_call_without_its_majority_gives_way_to_words() -> None:
    says = ['delete_file({"path":"a"})', 'delete_file({"path":"b"})', "Which file do you mean?"]
    done = ask(Swarm(ScriptedEngine(says), Defaults(3)), "Delete it", 3, tools=True)
    assert done.verdict.status is Status.ESCALATE
    assert done.answer.text == "Which file do you mean?" and done.answer.tool_calls == ()
    assert [one.name for one in done.verdict.rounds] == ["seats", "more seats"]


def test_where_nobody_used_words_the_call_is_shown_as_unsure() -> None:
    says = ['delete_file({"path":"a"})', 'delete_file({"path":"b"})', 'delete_file({"path":"a"})']
    says += ['delete_file({"path":"c"})', 'delete_file({"path":"d"})', 'delete_file({"path":"e"})']
    done = ask(Swarm(ScriptedEngine(says), Defaults(3)), "Delete it", 3, tools=True)
    # two of three are a majority at first; the second round is not needed
    assert done.verdict.status is Status.MAJORITY
    done = ask(Swarm(ScriptedEngine(says[1:]), Defaults(3)), "Delete it", 3, tools=True)
    assert done.verdict.status is Status.ESCALATE and done.answer.tool_calls
