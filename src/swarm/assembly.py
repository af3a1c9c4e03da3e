"""Puts the pieces of one seat together into its answer."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from ..backends.base import Piece
from ..ballot import Answer, Ballot, Finish, TokenChance, ToolCall
from .canonical.span import final_span
from .runaway import runs_away

_TAIL = 32  # tokens
_SEARCHED = 8000  # characters


@dataclass(slots=True)
class Assembly:
    """What one seat has said so far."""

    text: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    calls: dict[int, list[str]] = field(default_factory=dict)  # index -> id, name, arguments
    logprobs: list[tuple[int, float]] = field(default_factory=list)  # where in the text, value
    chances: list[TokenChance] = field(default_factory=list)
    tokens: int = 0
    length: int = 0  # of the text, in characters
    _looked: int = 0  # pieces when we last looked for a loop
    _looping: bool = False

    def add(self, piece: Piece) -> None:
        """Takes the next piece; a restart voids what came before."""
        if piece.restart:
            self.text.clear()
            self.reasoning.clear()
            self.calls.clear()
            self.logprobs.clear()
            self.chances.clear()
            self.length = 0
            return
        self.logprobs += [(self.length, value) for value in piece.logprobs]
        self.chances += piece.chances
        self.length += len(piece.text)
        if piece.text:
            self.text.append(piece.text)
        if piece.reasoning:
            self.reasoning.append(piece.reasoning)
        for part in piece.tool_calls:
            call = self.calls.setdefault(part.index, ["", "", ""])
            call[0] = call[0] or part.id
            call[1] += part.name
            call[2] += part.arguments
        if piece.tokens is not None:
            self.tokens = piece.tokens

    @property
    def looping(self) -> bool:
        """Whether it has come to say the same over and over. Looked at every 32 pieces."""
        said = self.text or self.reasoning
        if len(said) >= self._looked + 32 or len(said) < self._looked:
            self._looked = len(said)
            self._looping = runs_away("".join(said))
        return self._looping

    @property
    def answer(self) -> Answer:
        """The answer so far."""
        calls = tuple(
            ToolCall(id, name, arguments or "{}")
            for _, (id, name, arguments) in sorted(self.calls.items())
        )
        return Answer("".join(self.text), calls, "".join(self.reasoning), tuple(self.chances))

    @property
    def confidence(self) -> float | None:
        """Geometric mean probability (0 to 1) of the tokens of the final answer and of the last
        ones; of all tokens of a tool call. None without probabilities.

        Over a long derivation the mean says little about its end, and the end is what is voted on
        (the tail window is DeepConf's, Fu et al. 2025).
        """
        values = [value for _, value in self.logprobs]
        if not self.calls:
            begin = self._final()
            tail = len(values) - _TAIL
            values = [v for n, (at, v) in enumerate(self.logprobs) if at >= begin or n >= tail]
        return math.exp(math.fsum(values) / len(values)) if values else None

    def _final(self) -> int:
        """Where the text's final answer begins; its end where none is marked."""
        text = "".join(self.text)
        span = final_span(text[-_SEARCHED:])
        found = text.rfind(span) if span else -1
        return found if found >= 0 else len(text)

    def ballot(
        self, finish: Finish, *, voter: str, machine: str, model: str, seconds: float,
        seed: int | None,
    ) -> Ballot:  # fmt: skip
        """The finished ballot."""
        return Ballot(
            answer=self.answer,
            voter=voter,
            machine=machine,
            model=model,
            finish=finish,
            tokens=self.tokens,
            seconds=seconds,
            seed=seed,
            confidence=self.confidence,
        )
