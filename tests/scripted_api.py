"""The API over a scripted responder: what a real engine cannot be made to say on cue."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from local_swarm.api.app import build
from local_swarm.api.guard import Access
from local_swarm.ballot import Answer, Ballot, Finish, Group, Status, TokenChance, ToolCall, Verdict
from local_swarm.capabilities import Capabilities, Completion, Part
from local_swarm.chat import ChatRequest, Delta, Done, Event, Progress
from local_swarm.status import EngineStatus, ModelCard, NodeStatus

ENGINE = EngineStatus(
    model="demo", pid=1, state="ready", restarts=0, rss=None, pss=None, slots=10, slots_busy=0,
    kv_cells=4096, kv_reserved=0, queue=0, tokens_total=0, tokens_per_second=None,
)  # fmt: skip


@dataclass(slots=True)
class Script:
    """A Responder, a StatusSource and a Completer that say what they are told to say."""

    says: Sequence[Event | Exception | float]
    """Events, errors to raise, and seconds of silence."""
    parts: Sequence[Part] = ()
    asked: list[ChatRequest] = field(default_factory=list)
    completed: list[Completion] = field(default_factory=list)
    _app: Any = None

    async def respond(self, request: ChatRequest) -> AsyncIterator[Event]:
        self.asked.append(request)
        for said in self.says:
            if isinstance(said, Exception):
                raise said
            if isinstance(said, float):
                await asyncio.sleep(said)
            else:
                yield said

    async def complete(self, completion: Completion) -> AsyncIterator[Part]:
        self.completed.append(completion)
        for part in self.parts:
            yield part

    def status(self, *, memory: bool = True) -> NodeStatus:
        return NodeStatus(
            version="0", state="ok", url="http://localhost", pid=1, uptime_s=1.0, seats=5,
            context=512, strategy="auto", requests_total=0, engines=(ENGINE,),
        )  # fmt: skip

    def cards(self) -> tuple[ModelCard, ...]:
        names = ("local-swarm", "local-swarm-fast", "demo")
        return tuple(ModelCard(name, 512, "demo", f"the model {name}") for name in names)

    def ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """One request through the whole application."""

        async def ask() -> httpx.Response:
            wire = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(transport=wire, base_url="http://localhost") as http:
                return await http.request(method, path, json=body)

        self._app = self._app or build(
            self, self, Access("127.0.0.1"), control_token="t", stop=lambda: None,
            can=Capabilities(completer=self),
        )  # fmt: skip
        return asyncio.run(ask())


def done(answer: Answer, finish: Finish = Finish.STOP) -> Done:
    """The end of a vote of 3 that `answer` won against another."""
    won, lost = (
        Ballot(said, f"home/demo#{at}", "home", "demo", finish, 7, 0.5, None, 0.9)
        for at, said in enumerate((answer, Answer("No.")))
    )
    groups = (Group("text:yes", 2, 2.0, answer.text, 0.9), Group("text:no", 1, 1.0, "No.", 0.9))
    verdict = Verdict(
        winner=won, status=Status.MAJORITY, strategy="majority", share=0.6667, confidence=0.9,
        asked=3, cast=3, cancelled=0, abstained=0, machines=1, groups=groups,
        ballots=(won, lost), keys={0: "text:yes", 1: "text:no"}, prompt_tokens=11,
        total_tokens=21, seconds=0.75,
    )  # fmt: skip
    return Done(answer, finish, verdict)


def vote(answer: Answer, finish: Finish = Finish.STOP) -> list[Event]:
    """All events of that vote."""
    return [Progress(0, 3, 0), Progress(2, 3, 14), Delta(answer), done(answer, finish)]


WORDS = Answer("Yes, it is.")
THOUGHT = Answer("Yes, it is.", (), "Let me think.")
CALL = Answer("", (ToolCall("call_1", "read_file", '{"path": "notes.txt"}'),))
PARTS = (
    Part("return", (TokenChance("return", -0.25, ((" 1", -1.5),)),)),
    Part(" 1", (TokenChance(" 1", -0.5),)),
    Part("", (), Finish.STOP, tokens=2, prompt_tokens=4),
)
