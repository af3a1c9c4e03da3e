"""Which engines this machine has, and in which order they are tried for a model."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from .backends import llama_cpp_python, mlx
from .backends.llama_program import cards_of, help_of
from .errors import UsageError
from .hardware.profile import HardwareProfile
from .settings import Settings

LIBRARY, PROGRAM = "llama.cpp", "llama-server"
KINDS = (LIBRARY, PROGRAM, llama_cpp_python.NAME, mlx.NAME)
_AVX2 = "it needs AVX2, which this processor does not have"
_ABSENT = {
    LIBRARY: "the package xllamacpp is not installed",
    PROGRAM: "there is no llama-server on PATH",
    llama_cpp_python.NAME: "it is not installed (docs/engines.md tells how)",
    mlx.NAME: "it is not installed (docs/engines.md tells how)",
}


@dataclass(frozen=True, slots=True)
class Kind:
    """An engine: `where` is its program or interpreter (None: our own process's), `fault` why it
    cannot run here, or did not when it was tried last (`failed`). `cards` are the graphics cards
    that it computes on."""

    name: str
    where: Path | None = None
    fault: str | None = None
    failed: bool = False
    cards: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """This very build of it, for what is measured of it."""
        if self.where is not None:
            with suppress(OSError):
                return f"{self.name} {self.where} {self.where.stat().st_mtime:.0f}"
            return f"{self.name} {self.where}"
        try:
            return f"xllamacpp {importlib.metadata.version('xllamacpp')}"
        except importlib.metadata.PackageNotFoundError:
            return "unknown"


def installed(settings: Settings, profile: HardwareProfile) -> list[Kind]:
    """All kinds in the order of preference, with what speaks against each. Where this machine has
    a graphics card, a llama-server is asked whether it can use it; else nothing is run."""
    known = _remembered(settings)
    found = [_kind(name, settings, profile) for name in KINDS]
    return [
        kind if kind.fault else replace(kind, fault=known.get(kind.name), failed=kind.name in known)
        for kind in found
    ]


def candidates(kinds: Sequence[Kind], wanted: str | None, model: Path) -> list[Kind]:
    """Who is tried for the file or folder `model`, one after the other. Pure but for a look at the
    disk.

    With `wanted` nobody else. What computes on a graphics card comes first, what failed here before
    last. Raises UsageError.
    """
    folder = model.is_dir()
    if wanted is not None:
        named = [kind for kind in kinds if kind.name == wanted]
        if not named:
            raise UsageError(f"There is no engine {wanted}.", hint=f"Try {', '.join(KINDS)}.")
        if named[0].fault and not named[0].failed:
            raise UsageError(f"{wanted} cannot be used: {named[0].fault}.", hint="Leave --engine.")
        if folder != (wanted == mlx.NAME):
            raise UsageError(
                f"{wanted} does not serve {model.name}.",
                hint="MLX serves folders with safetensors, the others GGUF files.",
            )
        return named
    fitting = [kind for kind in kinds if folder == (kind.name == mlx.NAME)]
    usable = [kind for kind in fitting if not kind.fault or kind.failed]
    if not usable:
        told = "; ".join(f"{kind.name}: {kind.fault}" for kind in fitting)
        raise UsageError(
            f"No engine here serves {model.name}: {told}.", hint="See docs/engines.md."
        )
    return sorted(usable, key=lambda kind: (kind.failed, not kind.cards))


def remember(settings: Settings, name: str, fault: str | None) -> None:
    """Keeps why an engine did not start here, or (None) that it did."""
    known = dict(_remembered(settings))
    if fault == known.get(name):
        return
    if fault is None:
        del known[name]
    else:
        known[name] = fault
    with suppress(OSError):  # a disk that is full or read-only: it is tried again next time
        settings.state.mkdir(parents=True, exist_ok=True)
        _memory(settings).write_text(json.dumps(known), encoding="utf-8")


def explained(kinds: Sequence[Kind]) -> list[str]:
    """A line an engine, for people."""
    return [
        f"{kind.name}: {kind.fault or 'ready'}"
        + (f" ({kind.where})" if kind.where and not kind.fault else "")
        + (f", computes on {', '.join(kind.cards)}" if kind.cards else "")
        for kind in kinds
    ]


def _kind(name: str, settings: Settings, profile: HardwareProfile) -> Kind:
    if name == LIBRARY:
        if not _importable("xllamacpp"):
            return Kind(name, fault=_ABSENT[name])
        intel = profile.arch.lower() in ("x86_64", "amd64")
        lacks = profile.instructions is not None and "avx2" not in profile.instructions
        return Kind(name, fault=_AVX2 if intel and lacks else None)
    if name == PROGRAM:
        program = shutil.which("llama-server")
        if program is None:
            return Kind(name, fault=_ABSENT[name])
        cards = cards_of(program) if any(one.dedicated for one in profile.devices) else ()
        return Kind(name, Path(program), cards=cards)
    module = {llama_cpp_python.NAME: "llama_cpp.server", mlx.NAME: "mlx_lm"}[name]
    python = llama_cpp_python.python_of(settings.engines, name)
    if python is None and _importable(module.partition(".")[0]):
        python = Path(sys.executable)
    return Kind(name, python) if python else Kind(name, fault=_ABSENT[name])


def _importable(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def program_of(kind: Kind) -> tuple[str, str]:
    """A llama-server with its help text. Raises EngineUnavailable where it does not run here."""
    return str(kind.where), help_of(str(kind.where))


def _remembered(settings: Settings) -> Mapping[str, str]:
    try:
        known = json.loads(_memory(settings).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return {k: v for k, v in known.items() if isinstance(v, str)} if isinstance(known, dict) else {}


def _memory(settings: Settings) -> Path:
    return settings.state / "engines.json"
