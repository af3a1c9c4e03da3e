"""Measures the GGUF through the shipped engine and prints the tables of the model card."""

from __future__ import annotations

import json

from . import paths
from .engine import Engine
from .measure import accuracy, difficulty, vote_curve
from .questions import ask_all

FLOORS = {
    "tool call": 0.95,
    "answer from result": 0.95,
    "word: up to 3 steps": 0.90,
    "facts": 0.80,
    "choices": 0.85,
    "json": 0.95,
    "python": 0.95,
    "talk": 1.0,
    "lists": 0.85,
}


def check(size: str, count: int, quick: bool) -> None:
    """Parity (where the checkpoint is at hand), accuracy, and the vote curve."""
    with Engine(paths.measured(size), 512) as engine:
        if paths.made(size).exists() and paths.checkpoint(size).exists():
            _parity(engine, size)
        shares, failed = accuracy(engine, count)
        print(
            "\n| held-out family | right | 95 % interval | prompts | floor |\n|---|---|---|---|---|"
        )
        for name, share in shares.items():
            low, high = share.interval
            floor = f"{FLOORS[name]:.2f}" if name in FLOORS else ""
            print(
                f"| {name} | {share.rate:.3f} | {low:.3f} to {high:.3f} | {share.count} | {floor} |"
            )
        paths.CACHE.mkdir(exist_ok=True)
        (paths.CACHE / f"failed-{size}.json").write_text(json.dumps(failed, indent=1))
        for question, answer in ask_all(engine):
            print(f"\n> {question}\n{answer}")
        if not quick:
            _votes(engine, count)


def _parity(engine: Engine, size: str) -> None:
    from . import tokenizer
    from .parity import parity
    from .train import load_model

    model, words = load_model(paths.checkpoint(size)), tokenizer.load(paths.TOKENIZER)
    for name, value in parity(engine, model, words).items():
        print(f"{name:36} {value}")


def _votes(engine: Engine, count: int) -> None:
    steps, rates = difficulty(engine, max(20, count // 2))
    listed = ", ".join(f"{k}: {v:.2f}" for k, v in rates.items())
    print(f"\none sample by steps (development split): {listed}; chosen: {steps}")
    curve = vote_curve(engine, steps, count)
    print(f"one greedy answer    {curve['greedy']}")
    for size, share in curve["votes"].items():
        print(f"vote of {size:2} at T=0.8 {share}")
