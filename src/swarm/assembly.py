"""Puts the pieces of one seat together into its answer."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from ..backends.base import Piece
from ..ballot import Answer, Ballot, Finish, ToolCall


@dataclass(slots=True)
class Assembly:
    """What one seat has said so far."""

    text: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    calls: dict[int, list[str]] = field(default_factory=dict)  # index -> id, name, arguments
    logprob_sum: float = 0.0
    logprob_count: int = 0
    tokens: int = 0

    def add(self, piece: Piece) -> None:
        """Takes the next piece; a restart voids what came before."""
        if piece.restart:
            self.text.clear()
            self.reasoning.clear()
            self.calls.clear()
            self.logprob_sum, self.logprob_count = 0.0, 0
            return
        if piece.text:
            self.text.append(piece.text)
        if piece.reasoning:
            self.reasoning.append(piece.reasoning)
        for part in piece.tool_calls:
            call = self.calls.setdefault(part.index, ["", "", ""])
            call[0] = call[0] or part.id
            call[1] += part.name
            call[2] += part.arguments
        self.logprob_sum += sum(piece.logprobs)
        self.logprob_count += len(piece.logprobs)
        if piece.tokens is not None:
            self.tokens = piece.tokens

    @property
    def answer(self) -> Answer:
        """The answer so far."""
        calls = tuple(
            ToolCall(id, name, arguments or "{}")
            for _, (id, name, arguments) in sorted(self.calls.items())
        )
        return Answer("".join(self.text), calls, "".join(self.reasoning))

    @property
    def confidence(self) -> float | None:
        """Geometric mean probability of the tokens, 0 to 1; None without probabilities."""
        if not self.logprob_count:
            return None
        return math.exp(self.logprob_sum / self.logprob_count)

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
