"""Files that an engine loads beside its model: do they fit it, and how large are they?"""

from __future__ import annotations

from pathlib import Path

from ..errors import ModelFileError, UsageError
from ..models.catalog import ModelSpec
from ..models.gguf import adapter_for, architecture, read_spec, shapes
from .tuning import Tuning

_TRAINED_ON = "An adapter fits the model that it was trained on."
_UNLIKE = 128  # tokens that llama.cpp lets the vocabularies of a model and its draft differ by


def planned(tuning: Tuning) -> tuple[ModelSpec | None, int]:
    """The draft model, and the bytes of all other files, for the planner. Raises UsageError."""
    draft = read_spec(Path(tuning.draft)) if tuning.draft else None
    others = [path for path in tuning.files if path != tuning.draft]
    return draft, sum(Path(path).stat().st_size for path in others)


def check_fit(tuning: Tuning, model: Path) -> None:
    """Raises UsageError where a file was not made for the GGUF file `model`."""
    for path, _ in tuning.lora:
        made_for, is_a = adapter_for(Path(path)), architecture(model)
        if made_for != is_a:
            raise UsageError(
                f"The adapter {path} is for {made_for} models, and {model.name} is {is_a}.",
                hint=_TRAINED_ON,
            )
        if not _same_size(shapes(Path(path)), shapes(model)):
            raise UsageError(
                f"The adapter {path} is for a {made_for} model of another size than {model.name}.",
                hint=_TRAINED_ON,
            )
    if tuning.draft:
        small, large = read_spec(Path(tuning.draft)), read_spec(model)
        if abs((small.vocabulary or 0) - (large.vocabulary or 0)) > _UNLIKE:
            raise UsageError(
                f"{tuning.draft} has {small.vocabulary} tokens, and {model.name} "
                f"{large.vocabulary}: it cannot guess for it.",
                hint="Take a smaller model of the same family.",
            )
    if tuning.mmproj and architecture(Path(tuning.mmproj)) != "clip":
        raise ModelFileError(
            f"{tuning.mmproj} is no projector for images.",
            hint="Give the mmproj file that comes with the model.",
        )


def _same_size(adapter: dict[str, tuple[int, ...]], model: dict[str, tuple[int, ...]]) -> bool:
    """Whether every pair A (rank x inputs), B (outputs x rank) belongs to a matrix of the model.
    That of the embeddings is laid out in another way, and left to the engine."""
    for name, extents in adapter.items():
        matrix, _, part = name.rpartition(".lora_")
        if not matrix or matrix.startswith("token_embd"):
            continue
        at = 0 if part == "a" else 1
        found = model.get(matrix, ())
        if len(found) < 2 or len(extents) < 2 or found[at] != extents[at]:
            return False
    return True
