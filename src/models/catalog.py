"""The models that Local Swarm knows by name."""

from __future__ import annotations

from dataclasses import dataclass, fields
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
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """What planning must know of a model. `context` is what it was trained on, in tokens.

    `file_bytes` is the exact size of its file once that is known. `active` are the parameters
    that work on one token, where these are not all. The last `window` tokens are all that
    `window_layers` of the layers keep; `kv_layers` is set where the other layers keep no KV
    cache at all, but `state_bytes` for each sequence. `quality` is the share of right answers in
    the benchmark that the catalogue names. The file of a `bundled` model is part of this package.
    `surplus` bytes it took on this machine beyond the prediction. The rest is as in catalog.toml.
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
    size: str | None = None
    active: int | None = None
    kv_layers: int | None = None
    state_bytes: int = 0
    window: int | None = None
    window_layers: int = 0
    window_kv_heads: int | None = None
    window_head_size: int | None = None
    width: int | None = None
    ffn: int | None = None
    vocabulary: int | None = None
    languages: str | None = None
    strengths: tuple[str, ...] = ()
    quality: float | None = None
    quality_source: str | None = None
    thinking: bool = False
    automatic: bool = True
    bundled: bool = False
    isolated: str | None = None
    mlx: str | None = None
    surplus: int = 0


@cache
def catalog() -> dict[str, ModelSpec]:
    """All known models by id, smallest first."""
    text = files(__package__).joinpath("catalog.toml").read_text(encoding="utf-8")
    return parse(text)


def parse(text: str) -> dict[str, ModelSpec]:
    """The models of a TOML text in the form of catalog.toml, smallest first.

    Raises ValueError, KeyError or TypeError for a text of another form.
    """
    import tomllib

    specs = [_spec(id, table) for id, table in tomllib.loads(text).items()]
    return {spec.id: spec for spec in sorted(specs, key=lambda spec: spec.parameters)}


def _spec(id: str, table: dict[str, Any]) -> ModelSpec:
    known = {field.name for field in fields(ModelSpec)} - {"id", "quants", "file_bytes", "surplus"}
    facts = {name: value for name, value in table.items() if name in known}
    facts["strengths"] = tuple(facts.get("strengths", ()))
    quants = tuple(Quant(name, *words) for name, words in table.get("quants", {}).items())
    return ModelSpec(id=id, quants=quants, **facts)
