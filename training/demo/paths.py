"""Where the parts of one model lie."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent
CACHE = HERE / ".cache"
TOKENIZER = CACHE / "tokenizer.json"
CHILD = HERE.parents[1] / "src" / "backends" / "llama_child.py"
"""The engine's child process, as a node starts it."""

LEGS = HERE / "legs.json"
"""By hand: what changed between the legs of the run."""

_SHIPPED = HERE.parents[1] / "src" / "models" / "demo"
CARD = HERE.parents[1] / "docs" / "demo-model.md"


def checkpoint(size: str) -> Path:
    """The state of a training run."""
    return CACHE / f"{size}.pt"


def made(size: str) -> Path:
    """The GGUF that `export` writes."""
    return CACHE / _name(size)


def measured(size: str) -> Path:
    """The GGUF that `check` measures: the one just made, else the one that ships."""
    return made(size) if made(size).exists() else shipped(size)


def shipped(size: str) -> Path:
    """The GGUF that ships."""
    return _SHIPPED / _name(size)


def results(size: str) -> Path:
    """What `check` found, for the card."""
    return HERE / ("results.json" if size == "demo" else f"results-{size}.json")


def manifest(size: str) -> Path:
    """How the model came to be."""
    return HERE / ("manifest.json" if size == "demo" else f"manifest-{size}.json")


def _name(size: str) -> str:
    return "demo.gguf" if size == "demo" else f"demo-{size}.gguf"
