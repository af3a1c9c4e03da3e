"""The seam to whatever generates text."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from ..ballot import Finish, TokenChance
from ..chat import ChatRequest
from ..status import EngineStatus


@dataclass(frozen=True, slots=True)
class ToolDelta:
    """A part of one tool call: `index` tells which; id and name come once, arguments in parts."""

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Grant:
    """The first thing an engine yields, before it waits for its turn: `seats` will answer.

    `degraded` says why there are fewer than asked, or None. It comes again with `prompt_tokens`
    from an engine that learns only at the end what the prompt took (0 until then).
    """

    seats: int
    prompt_tokens: int
    degraded: str | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the answer of one seat (counted from 0).

    `logprobs` belong to the tokens of this piece (`chances` too, where the request wants them),
    `tokens` counts the seat's tokens so far;
    `prompt_tokens` those of the prompt, where the engine tells them with the piece;
    `finish` comes with the last piece of a seat. `restart` voids all earlier pieces of the seat:
    its engine died and the seat begins anew.
    """

    seat: int
    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolDelta, ...] = ()
    logprobs: tuple[float, ...] = ()
    chances: tuple[TokenChance, ...] = ()
    tokens: int | None = None
    finish: Finish | None = None
    restart: bool = False
    prompt_tokens: int | None = None


class Engine(Protocol):
    """One loaded model that answers one prompt with several seats."""

    @property
    def model(self) -> str:
        """The model's id."""
        ...

    def sample(self, request: ChatRequest, seats: int) -> AsyncIterator[Grant | Piece]:
        """Answers `request` with `seats` independent workers, pieces mixed as they come.

        Closing the iterator frees the seats at once. Raises InvalidRequest, ContextOverflow,
        EngineError or EngineUnavailable.
        """
        ...

    async def close(self) -> None: ...


class Served(Engine, Protocol):
    """An engine as a node holds it: started, asked for facts, ended."""

    async def start(self) -> None:
        """Returns when it can answer. Raises EngineUnavailable."""
        ...

    def status(self, *, memory: bool = True) -> EngineStatus:
        """Facts about it. Its `memory` is the costly one: the kernel looks at every page."""
        ...
