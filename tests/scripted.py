"""Voters that say what a test wants: what a real engine cannot be made to do on time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from local_swarm.ballot import Answer, Ballot, Finish, Meter, ToolCall
from local_swarm.chat import ChatRequest

SILENCE = "never answers"


@dataclass
class Scripted:
    """A voter that says its `script`: words, an error, or SILENCE."""

    name: str
    script: Sequence[
        str | Exception
    ]  # "name({...})" is a tool call, " && " joins several; "12 @0.5" has a confidence
    grant: int | None = None
    machine: str = ""  # its name, where none is given
    of_model: str = "m"
    asked: int = 0
    closed: bool = False
    cast: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.machine = self.machine or self.name

    @property
    def model(self) -> str | None:
        return self.of_model

    async def vote(self, request: ChatRequest, seats: int, meter: Meter) -> AsyncIterator[Ballot]:
        self.asked = seats
        meter.grant(self.name, self.grant or seats, 11, None)
        try:
            for seat, item in enumerate(self.script):
                for _ in range(9):  # so that the election hears of the one before
                    await asyncio.sleep(0)
                if isinstance(item, Exception):
                    raise item
                if item is SILENCE:
                    await asyncio.Event().wait()
                meter.by_seat[self.name, seat] = 3
                self.cast.append(item)
                yield self._ballot(item, seat)
        finally:
            self.closed = True

    def _ballot(self, item: str, seat: int) -> Ballot:
        words, _, sure = item.partition(" @")
        calls = tuple(
            ToolCall(f"c{at}", *call.removesuffix(")").split("(", 1))
            for at, call in enumerate(words.split(" && "))
            if "({" in call
        )
        answer = Answer("", calls) if calls else Answer(words)
        return Ballot(
            answer,
            f"{self.name}#{seat}",
            self.machine,
            self.of_model,
            Finish.STOP,
            tokens=3,
            seconds=0.1,
            confidence=float(sure) if sure else None,
        )
