"""Which file a model's name means: bundled, on disk, or to be downloaded."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

from ..errors import ModelNotFound, UsageError
from .catalog import DEMO, ModelSpec, Quant, catalog
from .gguf import read_spec

_HUB_REF = re.compile(r"hf:(?P<repo>[\w.-]+/[\w.-]+?)(?::(?P<quant>[\w.-]+))?")


@dataclass(frozen=True, slots=True)
class Remote:
    """A file to be downloaded: by name, or the one of a quantization (its name unknown yet)."""

    repo: str
    quant: str
    file: str | None = None


def demo_path() -> Path:
    """The bundled model."""
    return Path(str(files(__package__).joinpath("demo/demo.gguf")))


def resolve(name: str, models: Path) -> ModelSpec | Remote:
    """What `name` means: a listed name, a path to a GGUF file, or `hf:owner/repo:quant`.

    A spec has its file's facts where a file is there. Raises ModelNotFound, ModelFileError
    or UsageError.
    """
    if match := _HUB_REF.fullmatch(name):
        return Remote(match["repo"], match["quant"] or "Q4_K_M")
    if name.startswith("hf:"):
        raise UsageError(f"'{name}' is no model of a hub.", hint="Write hf:owner/repo:quant.")
    if name in catalog():
        return catalog()[name]
    if is_path(name):
        return read_spec(user_path(name))
    stem = [path for path in downloaded(models) if path.stem == name]
    if stem:
        return read_spec(stem[0])
    raise ModelNotFound(name, [*catalog(), "a path to a GGUF file", "hf:owner/repo:quant"])


def is_path(name: str) -> bool:
    """Whether `name` is meant as a path to a file."""
    return "/" in name or "\\" in name or name.endswith(".gguf")


def user_path(name: str) -> Path:
    """The path that a user wrote. Raises UsageError for the home of nobody."""
    try:
        return Path(name).expanduser()
    except RuntimeError:
        raise UsageError(f"{name}: there is no such user.") from None


def downloaded(models: Path) -> list[Path]:
    """All models on disk, in the order of their names."""
    return sorted(models.glob("*/*.gguf")) if models.is_dir() else []


def place(models: Path, repo: str, file: str) -> Path:
    """Where a downloaded file of `repo` lives."""
    return models / repo.replace("/", "--") / Path(file).name


def local_file(spec: ModelSpec, quant: Quant | None, models: Path) -> Path | None:
    """The file of `spec` at `quant`, if it is on this machine."""
    if spec.id == DEMO:
        return demo_path()
    if spec.repo is None or quant is None:
        return None
    path = place(models, spec.repo, quant.file)
    return path if path.is_file() else None


def exact(spec: ModelSpec, path: Path, quant: Quant | None = None) -> ModelSpec:
    """`spec` with the facts of its file instead of the estimates. Raises ModelFileError."""
    facts = read_spec(path)
    quants = (quant,) if quant else ()
    return replace(facts, id=spec.id, name=spec.name, parameters=spec.parameters, quants=quants)
