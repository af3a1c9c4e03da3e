"""One request and the events that answer it: every wire is translated to and from these."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from .ballot import Answer, Finish, Verdict
from .errors import ModelNotFound

_PREFIX = "local-swarm-"


@dataclass(frozen=True, slots=True)
class SwarmOptions:
    """The request's `swarm` object. `None` means: as the node was started.

    `epsilon` is the accepted chance (0 to 1) that stopping early changes the winner; `waves` asks
    half of the seats and one first, and the rest only where that decides nothing; `escalate` asks
    again where the workers disagree; `by_confidence` weighs ballots by how sure their worker was,
    and waits for all of them; `draft` shows one worker's text as reasoning while the vote
    is on. `scope` is `local` (this machine) or `lan` (its paired peers too); with `local_only`
    the request never leaves this machine, whatever the scope.
    """

    seats: int | None = None
    strategy: str | None = None
    deadline_s: float | None = None
    early_stop: bool = True
    include_ballots: bool = False
    epsilon: float = 0.0
    by_confidence: bool = False
    waves: bool | None = None
    escalate: bool | None = None
    draft: bool = False
    scope: str | None = None
    local_only: bool = False


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What a client asked, in OpenAI's words, already validated.

    `messages` and `tools` are OpenAI objects; `sampling` holds the parameters that pass through
    to the engine untouched (temperature, top_p, seed, logit_bias, ...). `max_tokens` bounds one
    answer and is None where the client set no bound. `id` takes part in the tie chain. With
    `top_logprobs` the probabilities of the answer's tokens are wanted, each with so many
    alternatives.
    """

    id: str
    messages: tuple[Mapping[str, Any], ...]
    model: str = "local-swarm"
    tools: tuple[Mapping[str, Any], ...] = ()
    tool_choice: Any = None
    response_format: Mapping[str, Any] | None = None
    max_tokens: int | None = None
    top_logprobs: int | None = None
    sampling: Mapping[str, Any] = field(default_factory=dict)
    swarm: SwarmOptions = SwarmOptions()

    @property
    def question(self) -> str:
        """The text of the last user message; empty when there is none."""
        for message in reversed(self.messages):
            if message.get("role") == "user":
                return text_of(message.get("content"))
        return ""


def named(request: ChatRequest, known: Sequence[str]) -> ChatRequest:
    """`request` with what its model name implies: `local-swarm-fast` takes one seat, other names
    of ours choose a strategy. Raises ModelNotFound for a name that is not `known`."""
    if request.model not in known:
        raise ModelNotFound(request.model, list(known))
    options = request.swarm
    if request.model == _PREFIX + "fast":
        options = replace(options, seats=1)
    elif request.model.startswith(_PREFIX):
        implied = request.model.removeprefix(_PREFIX)
        options = replace(options, strategy=options.strategy or implied)
    return replace(request, swarm=options)


def text_of(content: Any) -> str:
    """The text of an OpenAI message's content: a string, null, or an array of parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(str(part.get("text") or "") for part in content if isinstance(part, Mapping))
    return ""


@dataclass(frozen=True, slots=True)
class Progress:
    """The vote goes on: `cast` of `seats` ballots are in, `tokens` were generated so far."""

    cast: int
    seats: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Delta:
    """A part of the answer, final once it is sent: no part is ever taken back."""

    answer: Answer


@dataclass(frozen=True, slots=True)
class Done:
    """The end: the whole answer, why it ended, and the verdict."""

    answer: Answer
    finish: Finish
    verdict: Verdict


Event = Progress | Delta | Done


class Responder(Protocol):
    """Whatever answers a request: a swarm, a remote node, later a federation or an agent.

    Closing the iterator (or cancelling the task that drives it) stops all work on the request.
    Raises SwarmError; the last event of a success is Done.
    """

    def respond(self, request: ChatRequest) -> AsyncIterator[Event]: ...
