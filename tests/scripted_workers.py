"""A swarm whose workers say what a test wants, step by step; the votes on it are real ones."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from local_swarm.ballot import Finish
from local_swarm.chat import ChatRequest, Done, Event
from local_swarm.swarm.canonical import asked_of
from local_swarm.swarm.election import Rule, Tier, hold
from local_swarm.swarm.manager import _in_words
from local_swarm.swarm.strategies import named

from .scripted import Scripted

Step = Sequence[str] | Exception


@dataclass
class Workers:
    """A Responder. Each step is what the workers say (`name({...})` is a call) or an error."""

    steps: Sequence[Step]
    machine: str = "home"
    asked: list[ChatRequest] = field(default_factory=list)

    async def respond(self, request: ChatRequest) -> AsyncIterator[Event]:
        step = self.steps[min(len(self.asked), len(self.steps) - 1)]
        self.asked.append(request)
        if isinstance(step, Exception):
            raise step
        asked = asked_of(request)
        rule = Rule(*named("majority", asked.kind), asked)
        voter = Scripted(self.machine, step)
        verdict = _in_words(await hold([Tier([(voter, len(step))])], request, rule))
        assert verdict.winner
        answer = verdict.winner.answer
        finish = Finish.TOOL_CALLS if answer.tool_calls else verdict.winner.finish
        yield Done(answer, finish, verdict)


def all_say(said: str) -> list[str]:
    """Five workers of one mind."""
    return [said] * 5
