"""The words of a vote: answers, ballots, groups and the verdict. Values only, no I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

HOME = "home"  # the name of the machine that was asked, in ballots and verdicts


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call that a model proposes. `arguments` is the JSON text as the engine gave it."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class TokenChance:
    """A generated token, its natural log-probability, and the likeliest alternatives."""

    text: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What one worker said: text, tool calls, or both; `reasoning` never takes part in a vote,
    nor do `chances`, the probabilities of its tokens where the request asked for them."""

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    reasoning: str = ""
    chances: tuple[TokenChance, ...] = ()


class Finish(StrEnum):
    """Why an answer ended; STOP, LENGTH and TOOL_CALLS are OpenAI's `finish_reason`."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Ballot:
    """One worker's finished answer.

    `confidence` is the geometric mean probability of its tokens (0 to 1), None where the engine
    tells none. `tokens` counts generated tokens, `seconds` the wall time from the request on.
    """

    answer: Answer
    voter: str
    machine: str
    model: str
    finish: Finish
    tokens: int
    seconds: float
    seed: int | None = None
    confidence: float | None = None


class Status(StrEnum):
    """How sure the swarm is of its winner (docs/voting.md)."""

    MAJORITY = "majority"
    PLURALITY = "plurality"
    TIE = "tie"
    NO_CONSENSUS = "no_consensus"
    NO_ANSWER = "no_answer"
    ESCALATE = "escalate"


@dataclass(frozen=True, slots=True)
class Group:
    """Ballots that say the same: `key` is the canonical answer, `text` one of their texts,
    `confidence` their mean, `machines` who cast them, in the order of their names."""

    key: str
    votes: int
    weight: float
    text: str
    confidence: float | None = None
    machines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Absent:
    """A worker (or a whole voter) whose ballot does not count, and why."""

    worker: str
    why: str


@dataclass(frozen=True, slots=True)
class Round:
    """One tier of an election: how many seats of whom were asked, and what stood after it.

    `winner` is the key of the leading group, None where there was none; `share` its part of the
    valid weight (0 to 1).
    """

    name: str
    asked: Mapping[str, int]
    status: Status
    share: float
    winner: str | None


@dataclass(slots=True)
class Meter:
    """What a vote costs while it runs, seats that are cancelled later included.

    `by_seat` counts the tokens of each (voter, seat); `granted` how many seats a voter really
    has; `degraded` says why there are fewer than asked. `on_words` hears the text of a voter's
    seat while it is written: voter, seat, text.
    """

    prompt_tokens: int = 0
    by_seat: dict[tuple[str, int], int] = field(default_factory=dict)
    granted: dict[str, int] = field(default_factory=dict)
    degraded: str | None = None
    on_grant: Callable[[], None] = field(default=lambda: None)
    on_words: Callable[[str, int, str], None] = field(default=lambda voter, seat, text: None)

    def grant(self, voter: str, seats: int, prompt_tokens: int, degraded: str | None) -> None:
        """A voter says what it was granted; `on_grant` hears of it."""
        self.granted[voter] = seats
        self.prompt_tokens = max(self.prompt_tokens, prompt_tokens)
        self.degraded = self.degraded or degraded
        self.on_grant()

    @property
    def total(self) -> int:
        """Generated tokens of all seats."""
        return sum(self.by_seat.values())


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of one election. `share` is the winner's part of the valid weight (0 to 1).

    `asked` seats were asked, `cast` ballots came back, of which `abstained` were not valid;
    `cancelled` seats were stopped because the winner could not change any more, which saved about
    `saved_tokens`. `keys` maps the place of a ballot to the key of its group. `measured` says
    that ballots weigh by the measured accuracy of their models; `assembled` that the winner was
    put together from the fields that most ballots agree on. `rounds` has more than one entry
    where the first ballots did not suffice.
    """

    winner: Ballot | None
    status: Status
    strategy: str
    share: float
    confidence: float | None
    asked: int
    cast: int
    cancelled: int
    abstained: int
    machines: int
    groups: tuple[Group, ...]
    ballots: tuple[Ballot, ...]
    keys: Mapping[int, str]
    prompt_tokens: int
    total_tokens: int
    seconds: float
    degraded: str | None = None
    kind: str = ""
    measured: bool = False
    assembled: bool = False
    saved_tokens: int = 0
    absent: tuple[Absent, ...] = ()
    rounds: tuple[Round, ...] = ()
