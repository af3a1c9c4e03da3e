"""The models that Local Swarm knows by name."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

DEMO = "demo"


@dataclass(frozen=True, slots=True)
class Quant:
    """One quantization of a model: average `bits` per weight, and its `file` in the repository."""

    name: str
    bits: float
    file: str


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """What planning must know of a model. `context` is what it was trained on, in tokens.

    `file_bytes` is the exact size of its file once that is known.
    """

    id: str
    name: str
    parameters: int
    layers: int
    kv_heads: int
    head_size: int
    context: int
    licence: str | None = None
    repo: str | None = None
    quants: tuple[Quant, ...] = ()
    file_bytes: int | None = None


@cache
def catalog() -> dict[str, ModelSpec]:
    """All known models by id, smallest first."""
    import tomllib

    text = files(__package__).joinpath("catalog.toml").read_text(encoding="utf-8")
    return {id: _spec(id, table) for id, table in tomllib.loads(text).items()}


def _spec(id: str, table: dict[str, Any]) -> ModelSpec:
    quants = tuple(
        Quant(name, bits, file) for name, (bits, file) in table.get("quants", {}).items()
    )
    return ModelSpec(
        id=id,
        name=table["name"],
        parameters=table["parameters"],
        layers=table["layers"],
        kv_heads=table["kv_heads"],
        head_size=table["head_size"],
        context=table["context"],
        licence=table.get("licence"),
        repo=table.get("repo"),
        quants=quants,
    )
