"""Answers of a model kept on disk, so that a measurement goes on where it was broken off."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..ballot import Answer, Ballot, Finish, ToolCall
from ..swarm.weights import HOME


@dataclass(frozen=True, slots=True)
class Candidates:
    """What a model said to one question: independent samples, and the greedy answer.

    `seconds` and `tokens` are what all samples together took, as the node runs them.
    """

    samples: tuple[Ballot, ...] = ()
    greedy: Ballot | None = None
    seconds: float = 0.0
    tokens: int = 0


class Store:
    """One file of JSON lines, each with the candidates of one question; readable by its owner
    alone. A line that was cut off is as if it had never been written."""

    def __init__(self, path: Path, model: str) -> None:
        self._path = path
        self._model = model
        self._found: dict[str, Candidates] = {}
        if path.exists():
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
                self._read(line)

    def __contains__(self, name: str) -> bool:
        return name in self._found

    def get(self, name: str) -> Candidates | None:
        """The candidates of the question with the hash `name`."""
        return self._found.get(name)

    def put(self, name: str, candidates: Candidates) -> None:
        """Keeps them, on disk too. Raises OSError when that is full."""
        line = {
            "question": name,
            "seconds": round(candidates.seconds, 4),
            "tokens": candidates.tokens,
            "greedy": candidates.greedy and _line(candidates.greedy),
            "samples": [_line(ballot) for ballot in candidates.samples],
        }
        self._path.parent.mkdir(parents=True, exist_ok=True)
        ours = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(ours, "a", encoding="utf-8", errors="replace") as file:
            begin = "\n" if self._torn() else ""
            file.write(begin + json.dumps(line, ensure_ascii=False) + "\n")
        self._found[name] = candidates

    def _torn(self) -> bool:
        """Whether the last line was cut off, so that the next must not be glued to it."""
        size = self._path.stat().st_size
        if not size:
            return False
        with self._path.open("rb") as file:
            file.seek(size - 1)
            return file.read(1) != b"\n"

    def _read(self, line: str) -> None:
        try:
            given = json.loads(line)
            greedy = given["greedy"]
            self._found[given["question"]] = Candidates(
                tuple(self._ballot(one, at) for at, one in enumerate(given["samples"])),
                self._ballot(greedy, 0) if greedy else None,
                given["seconds"],
                given.get("tokens", 0),
            )
        except (ValueError, KeyError, TypeError, RecursionError):
            return  # cut off, or of another version: asked again

    def _ballot(self, one: Mapping[str, Any], at: int) -> Ballot:
        calls = tuple(ToolCall(f"call_{n}", *call) for n, call in enumerate(one.get("calls", ())))
        return Ballot(
            answer=Answer(one["text"], calls),
            voter=f"{HOME}/{self._model}#{at}",
            machine=HOME,
            model=self._model,
            finish=Finish(one["finish"]),
            tokens=one["tokens"],
            seconds=one["seconds"],
            confidence=one["confidence"],
        )


def _line(ballot: Ballot) -> dict[str, Any]:
    calls: Sequence[Any] = [(c.name, c.arguments) for c in ballot.answer.tool_calls]
    line = {
        "text": ballot.answer.text,
        "finish": ballot.finish.value,
        "tokens": ballot.tokens,
        "seconds": round(ballot.seconds, 4),
        "confidence": None if ballot.confidence is None else round(ballot.confidence, 4),
    }
    return line | ({"calls": calls} if calls else {})
