"""Which file a model's name means: bundled, on disk, or to be downloaded."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from ..errors import ModelNotFound, UsageError
from .catalog import DEMO, ModelSpec, Quant, catalog, parse
from .gguf import read_spec

_HUB_REF = re.compile(r"hf:(?P<repo>[\w.-]+/[\w.-]+?)(?::(?P<quant>[\w.-]+))?")


@dataclass(frozen=True, slots=True)
class Remote:
    """A file to be downloaded: by name, or the one of a quantization (its name unknown yet)."""

    repo: str
    quant: str
    file: str | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """A file behind a URL, and the SHA-256 that it must have, if the user gave one."""

    url: str
    sha256: str | None = None

    @property
    def file(self) -> str:
        """Its name, as the address ends."""
        return Path(unquote(urlsplit(self.url).path)).name


def demo_path(id: str = DEMO) -> Path:
    """The file of a bundled model."""
    return Path(str(files(__package__).joinpath(f"demo/{id}.gguf")))


def resolve(name: str, models: Path) -> ModelSpec | Remote | Address:
    """What `name` means: a listed name, a path to a GGUF file, `hf:owner/repo:quant`, or a URL.

    A spec has its file's facts where a file is there. Raises ModelNotFound, ModelFileError
    or UsageError.
    """
    if name.startswith(("http://", "https://")):
        return _address(name)
    if match := _HUB_REF.fullmatch(name):
        return Remote(match["repo"], match["quant"] or "Q4_K_M")
    if name.startswith("hf:"):
        raise UsageError(f"'{name}' is no model of a hub.", hint="Write hf:owner/repo:quant.")
    known = listed(models)
    if name in known:
        return known[name]
    head, _, wanted = name.rpartition(":")
    if head in known:
        return _with_quant(known[head], wanted)
    if is_path(name):
        return read_spec(user_path(name))
    stem = [path for path in downloaded(models) if path.stem == name]
    if stem:
        return read_spec(stem[0])
    others = (
        "a path or URL of a GGUF file",
        "hf:owner/repo:quant",
        "and what `local-swarm models` lists",
    )
    raise ModelNotFound(name, [*get_close_matches(name.lower(), known, 4, 0.4), *others])


def _address(url: str) -> Address:
    """A URL, with `#sha256=...` at its end if the user knows that. Raises UsageError."""
    hint = "Write https://host/model.gguf, or https://host/model.gguf#sha256=..."
    try:
        parts = urlsplit(url)
    except ValueError:
        raise UsageError(f"{url!r} is no address.", hint=hint) from None
    found = re.fullmatch(r"(?:sha256=([0-9a-fA-F]{64}))?", parts.fragment)
    made = Address(urlunsplit(parts._replace(fragment="")), found and found[1] and found[1].lower())
    if not parts.hostname or found is None or not made.file.endswith(".gguf"):
        raise UsageError(f"{url!r} is no address of a GGUF file.", hint=hint)
    return made


def listed(models: Path) -> dict[str, ModelSpec]:
    """The models of the catalogue, and those of the user's `models.toml`, smallest first.

    Raises UsageError for a models.toml that cannot be understood.
    """
    path = models / "models.toml"
    try:
        own = parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return catalog()
    except (OSError, ValueError, TypeError, AttributeError, KeyError) as error:
        raise UsageError(f"{path} cannot be understood: {error}.", hint=_FORM) from None
    for spec in own.values():
        if not (spec.repo and spec.quants):
            raise UsageError(f"{path}: {spec.id} has no repo or no quants.", hint=_FORM)
    both = {**catalog(), **own}
    return dict(sorted(both.items(), key=lambda entry: entry[1].parameters))


_FORM = "docs/models.md shows what a model of your own looks like."


def _with_quant(spec: ModelSpec, wanted: str) -> ModelSpec:
    quants = tuple(quant for quant in spec.quants if quant.name.lower() == wanted.lower())
    if not quants:
        there = ", ".join(quant.name for quant in spec.quants) or "none"
        raise UsageError(f"{spec.id} has no quantization '{wanted}'.", hint=f"There are: {there}.")
    return replace(spec, quants=quants)


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
    if spec.bundled:
        return demo_path(spec.id)
    if spec.repo is None or quant is None:
        return None
    path = place(models, spec.repo, quant.file)
    return path if path.is_file() else None


def exact(spec: ModelSpec, path: Path, quant: Quant | None = None) -> ModelSpec:
    """`spec` with the facts of its file instead of the estimates. Raises ModelFileError."""
    facts = read_spec(path)
    known = replace(
        spec,
        file_bytes=facts.file_bytes,
        context=facts.context,
        quants=(quant,) if quant else (),
    )
    if spec.window or spec.kv_layers is not None:
        return known  # a header has one number for all layers: too coarse for these
    return replace(known, layers=facts.layers, kv_heads=facts.kv_heads, head_size=facts.head_size)
