"""How often a model is right, by kind of answer: measured once, kept by the hash of its file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from ..chat import Responder
from ..settings import Settings
from ..swarm.canonical import VERSION
from ..swarm.weights import accuracy
from .collect import OnProgress, collect
from .fingerprint import fingerprint, write
from .intervals import Interval, wilson
from .question import Question, digest, parse
from .scoring import scored
from .store import Store

KINDS = ("number", "choice", "short", "json", "code", "tool_call")
_FORMAT = 1
_ALSO = {"short": ("date",)}  # what the probe's kinds stand for besides themselves


@dataclass(frozen=True, slots=True)
class Measured:
    """The answers of one kind: `right` of `asked`."""

    right: int
    asked: int

    @property
    def accuracy(self) -> float:
        """With Laplace's prior (0 to 1)."""
        return accuracy(self.right, self.asked)

    @property
    def interval(self) -> Interval:
        """The share itself with its 95 % interval."""
        return wilson(self.right, self.asked)


def probe() -> list[Question]:
    """The bundled labelled questions: 60 of each kind."""
    text = files(__package__).joinpath("probe.jsonl").read_text(encoding="utf-8")
    lines = filter(str.strip, text.splitlines())
    return [parse(line, f"probe, line {at}") for at, line in enumerate(lines, start=1)]


async def calibrate(
    responder: Responder,
    settings: Settings,
    sha: str,
    *,
    model: str,
    questions: Sequence[Question] = (),
    parallel: int = 4,
    on_progress: OnProgress = lambda done, total: None,
) -> dict[str, Measured]:
    """Asks every question of the probe (or `questions`, whose families are kinds) greedily of one
    seat, and keeps the result.

    What was asked before, by a run that was broken off too, is not asked again. Raises SwarmError,
    and OSError when the disk is full.
    """
    questions = questions or probe()
    store = Store(_folder(settings) / f"{sha}.jsonl", model)
    await collect(
        responder,
        questions,
        store,
        samples=0,
        sampling={},
        parallel=parallel,
        on_progress=on_progress,
    )
    found: dict[str, Measured] = {}
    for question in questions:
        said = store.get(question.hash(samples=0))
        assert said
        before = found.get(question.family, Measured(0, 0))
        right = scored(question, said).greedy_right
        found[question.family] = Measured(before.right + right, before.asked + 1)
    kept = {
        "format": _FORMAT,
        "keys": VERSION,
        "probe": digest([question.hash() for question in questions]),
        "model": model,
        "kinds": {kind: asdict(measured) for kind, measured in found.items()},
    }
    write(path_of(settings, sha), kept)
    return found


def measured(settings: Settings, sha: str) -> dict[str, Measured]:
    """The kept result; empty when the model was never calibrated (or the file is damaged)."""
    try:
        kept: Any = json.loads(path_of(settings, sha).read_text(encoding="utf-8"))
        if kept["format"] != _FORMAT:
            return {}
        return {
            str(kind): Measured(int(one["right"]), int(one["asked"]))
            for kind, one in kept["kinds"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def accuracies(settings: Settings, sha: str) -> Mapping[str, float]:
    """The accuracy (0 to 1, Laplace's prior) by kind of answer of the model whose file has this
    SHA-256; empty where nothing was measured."""
    found = {kind: one.accuracy for kind, one in measured(settings, sha).items() if one.asked}
    for kind, others in _ALSO.items():
        if kind in found:
            found |= dict.fromkeys(others, found[kind])
    return found


def accuracies_of(settings: Settings, model: Path) -> Mapping[str, float]:
    """`accuracies` of a model file. Reads the file only where something was ever calibrated."""
    if not any(_folder(settings).glob("*.json")):
        return {}
    try:
        return accuracies(settings, sha_of(settings, model))
    except OSError:
        return {}


def by_kind(settings: Settings, models: Mapping[str, Path]) -> dict[str, dict[str, float]]:
    """The accuracies of the models (id and file) by kind of answer, as the swarm's defaults take
    them; what was not measured is left out."""
    found: dict[str, dict[str, float]] = {}
    for model, path in models.items():
        for kind, value in accuracies_of(settings, path).items():
            found.setdefault(kind, {})[model] = value
    return found


def sha_of(settings: Settings, model: Path) -> str:
    """The SHA-256 of a model file. Raises OSError."""
    return fingerprint(model, settings.data / "fingerprints.json")


def path_of(settings: Settings, sha: str) -> Path:
    """Where a result is kept."""
    return _folder(settings) / f"{sha}.json"


def _folder(settings: Settings) -> Path:
    return settings.data / "calibration"
