"""What only some engines can do beyond answering chats: one small protocol each, handed to the API.

All of it is answered by one seat or none; nothing here is voted on.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from .ballot import Finish, TokenChance
from .chat import ChatRequest


@dataclass(frozen=True, slots=True)
class Token:
    """One token: its id in the vocabulary, and the bytes that it stands for."""

    id: int
    piece: bytes


class Tokenizer(Protocol):
    """Text to tokens and back, by the model's own vocabulary. All raise EngineUnavailable."""

    async def tokenize(self, text: str, *, add_special: bool) -> Sequence[Token]:
        """The tokens of `text`; `add_special` adds what the model wants at its beginning."""
        ...

    async def detokenize(self, tokens: Sequence[int]) -> str:
        """The text of `tokens`. Raises InvalidRequest for an id outside the vocabulary."""
        ...

    async def count(self, request: ChatRequest) -> int:
        """Tokens of a chat's prompt, by the model's template. Raises InvalidRequest."""
        ...


@dataclass(frozen=True, slots=True)
class Completion:
    """Text (or tokens) to go on with, without any chat template.

    With `suffix` the model fills the gap between `prompt` and `suffix`; `files` are (name, text)
    of other files that help it. `top` asks for so many alternatives a token with their
    probabilities; None for no probabilities at all.
    """

    prompt: str | tuple[int, ...]
    suffix: str | None = None
    files: tuple[tuple[str, str], ...] = ()
    max_tokens: int = 16
    top: int | None = None
    sampling: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a completion. `finish`, `tokens` and `prompt_tokens` come with the last one."""

    text: str
    chances: tuple[TokenChance, ...] = ()
    finish: Finish | None = None
    tokens: int = 0
    prompt_tokens: int = 0


class Completer(Protocol):
    """Goes on with a text from one seat: what autocomplete wants."""

    def complete(self, completion: Completion) -> AsyncIterator[Part]:
        """Closing the iterator frees the seat at once.

        Raises ContextOverflow, InvalidRequest (the model cannot fill gaps), EngineError, QueueFull.
        """
        ...


@dataclass(frozen=True, slots=True)
class Embeddings:
    """One vector of unit length an input, and the tokens that all inputs took."""

    vectors: tuple[tuple[float, ...], ...]
    tokens: int


class Embedder(Protocol):
    """Texts (or tokens) as vectors."""

    async def embed(self, inputs: Sequence[str | Sequence[int]]) -> Embeddings:
        """Raises ContextOverflow for an input that is too long, InvalidRequest, EngineError."""
        ...


class TaskRunner(Protocol):
    """Does tasks with tools on this machine, by a policy that its owner wrote."""

    def work(self, task: str) -> AsyncIterator[Mapping[str, Any]]:
        """What happens, as JSON objects with `event`; the last is `ended`. Closing stops it.

        Raises QueueFull while another task is under way, and what the swarm raises.
        """
        ...


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a node offers; None where its engine cannot."""

    tokenizer: Tokenizer | None = None
    completer: Completer | None = None
    embedder: Embedder | None = None
    tasks: TaskRunner | None = None
