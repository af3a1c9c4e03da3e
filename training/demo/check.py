"""Measures the GGUF through the shipped engine, prints the tables and keeps them for the card."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from . import paths
from .card import tables
from .engine import Engine
from .measure import accuracy, difficulty, vote_curve
from .questions import ask_all
from .sample import Split


def check(size: str, count: int, quick: bool, split: Split = "test") -> None:
    """Parity (where the checkpoint is at hand), accuracy, the questions and the vote curve."""
    file = paths.measured(size)
    found: dict[str, Any] = {
        "size": size,
        "split": split,
        "count": count,
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
    }
    with Engine(file, 512) as engine:
        if paths.made(size).exists() and paths.checkpoint(size).exists():
            found["parity"] = _parity(engine, size)
        shares, failed = accuracy(engine, count, split)
        found["accuracy"] = {name: [share.right, share.count] for name, share in shares.items()}
        if split == "test":
            found["questions"] = ask_all(engine)
        if not quick:
            steps, rates = difficulty(engine, count)
            curve = vote_curve(engine, steps, 2 * count)
            found["votes"] = {"rates": rates, **curve}
    paths.CACHE.mkdir(exist_ok=True)
    (paths.CACHE / f"failed-{size}.json").write_text(json.dumps(failed, indent=1))
    if split == "test":
        paths.results(size).write_text(
            json.dumps(
                found,
                indent=1,
            )
            + "\n"
        )
    print("\n".join(tables(found)))


def _parity(engine: Engine, size: str) -> dict[str, Any]:
    from . import tokenizer
    from .parity import parity
    from .train import load_model

    model, words = load_model(paths.checkpoint(size)), tokenizer.load(paths.TOKENIZER)
    return parity(engine, model, words)
