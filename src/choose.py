"""Decides what a node will run: hardware, wish and disk become a plan and a model file."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from .errors import FetchError, HubUnreachable, SwarmError, UsageError
from .hardware.bandwidth import measure
from .hardware.budget import GIB, budget
from .hardware.detect import detect
from .hardware.profile import Budget, HardwareProfile
from .models.catalog import DEMO, ModelSpec, catalog
from .models.gguf import read_spec
from .models.planner import MIN_SPEED, Plan, plan
from .models.store import (
    Address,
    Remote,
    demo_path,
    downloaded,
    exact,
    is_path,
    listed,
    local_file,
    resolve,
    user_path,
)
from .obtain import OnDownload, copy, download
from .settings import Settings


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asked for; None leaves it to the planner.

    `taken` bytes of the budget belong to other models; `engines` in all share the cores.
    """

    model: str | None = None
    seats: int | None = None
    context: int | None = None
    taken: int = 0
    engines: int = 1


@dataclass(frozen=True, slots=True)
class Choice:
    """What will be run, and `notice`: what the user must know of it, or None."""

    profile: HardwareProfile
    plan: Plan
    path: Path
    notice: str | None = None


def choose(settings: Settings, wish: Wish, on_download: OnDownload) -> Choice:
    """Plans, and downloads where that is needed. Raises SwarmError.

    Without a wished model: the best listed one; offline the best that is on disk; with none
    there, the bundled demo model.
    """
    profile = detect()
    if wish.model not in (DEMO, "demo-mini"):  # the demo models are fast on any machine
        profile = with_bandwidth(settings, profile)
    choice = _choose(settings, profile, wish, on_download)
    notices = [text for text in (unused(profile), choice.notice) if text]
    return replace(choice, notice="\n".join(notices) or None)


def choose_all(settings: Settings, wishes: Sequence[Wish], on_download: OnDownload) -> list[Choice]:
    """Several models that run beside each other, each planned for what the others leave of the
    memory and with its share of the cores. Raises SwarmError."""
    if len(wishes) == 1:
        return [choose(settings, wishes[0], on_download)]
    choices: list[Choice] = []
    for at, wish in enumerate(wishes):
        before = sum(choice.plan.bytes for choice in choices)
        behind = sum(_least(settings, other) for other in wishes[at + 1 :])
        wish = replace(wish, taken=before + behind, engines=len(wishes))
        choice = choose(settings, wish, on_download)
        choices.append(replace(choice, notice=None if at else choice.notice))
    return choices


def _least(settings: Settings, wish: Wish) -> int:
    """Bytes that a model takes at the least; 0 where that is not known before it is here."""
    try:
        specs = specs_of(settings, wish.model)
        return _plan(detect(), specs, replace(wish, seats=1)).bytes if wish.model else 0
    except SwarmError:
        return 0


def pull(settings: Settings, model: str | None, on_download: OnDownload) -> Path:
    """The file that `run` would serve for `model`, brought to this disk: as planned for this
    machine, where there are several quantizations. Raises SwarmError."""
    found = resolve(model, settings.models) if model is not None else None
    if isinstance(found, Remote | Address):
        return download(settings, found, on_download)
    if model is not None and isinstance(found, ModelSpec) and not (found.repo or found.bundled):
        return copy(settings, _path_of(model, settings), on_download)
    profile = with_bandwidth(settings, detect())
    specs = [found] if found else list(listed(settings.models).values())
    return _bring(settings, profile, _plan(profile, specs, Wish()), Wish(), on_download).path


def with_bandwidth(settings: Settings, profile: HardwareProfile) -> HardwareProfile:
    """The profile with the memory bandwidth, which is measured once and then remembered."""
    if profile.bandwidth is not None:
        return profile
    kept = settings.state / "bandwidth"
    machine = f"{profile.cpu}, {profile.cores} cores"
    try:
        name, _, known = kept.read_text(encoding="utf-8").rpartition(": ")
        if name == machine and known.strip().isdecimal():
            return replace(profile, bandwidth=int(known))
    except (OSError, UnicodeDecodeError):
        pass
    measured = measure(profile.cores, profile.memory_available)
    if measured is not None:
        with suppress(OSError):  # a disk that is full or read-only: measured again next time
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(f"{machine}: {measured}\n", encoding="utf-8")
    return replace(profile, bandwidth=measured)


def unused(profile: HardwareProfile) -> str | None:
    """Tells the user of graphics that the installed engine cannot use."""
    if profile.os == "Darwin":  # there the engine is built with Metal
        return None
    names = [device.name for device in profile.devices if device.dedicated or device.unified]
    if not names:
        return None
    return (
        f"{' and '.join(names)} found, but the installed engine computes on the processor only: "
        "the plan is for the processor and its RAM."
    )


def _choose(
    settings: Settings, profile: HardwareProfile, wish: Wish, on_download: OnDownload
) -> Choice:
    if wish.model is None:
        planned = _plan(profile, list(listed(settings.models).values()), wish)
        try:
            return _bring(settings, profile, planned, wish, on_download)
        except HubUnreachable:
            return _offline(settings, profile, wish)
    found = resolve(wish.model, settings.models)
    if isinstance(found, Remote | Address):
        path = download(settings, found, on_download)
        return Choice(profile, _plan(profile, [read_spec(path)], wish), path)
    if found.repo or found.bundled:
        return _bring(settings, profile, _plan(profile, [found], wish), wish, on_download)
    return Choice(profile, _plan(profile, [found], wish), _path_of(wish.model, settings))


def engine_budget(profile: HardwareProfile) -> Budget:
    """What models may take on this machine: the engine of today computes on the processor, or on
    Apple Silicon."""
    return budget(profile, gpus=profile.os == "Darwin")


def specs_of(settings: Settings, model: str | None) -> list[ModelSpec]:
    """What a plan may choose from: all listed models, or the one named. Raises SwarmError.

    Nothing is downloaded: a repository of the hub is only planned once its file is here.
    """
    if model is None:
        return list(listed(settings.models).values())
    found = resolve(model, settings.models)
    if not isinstance(found, Remote | Address):
        return [found]
    raise UsageError(
        f"{model} is not on this machine, and its size is not known.",
        hint=f"`local-swarm run {model}` downloads and plans it.",
    )


def _plan(profile: HardwareProfile, specs: list[ModelSpec], wish: Wish) -> Plan:
    spend = engine_budget(profile)
    if wish.engines > 1:  # the threads of two engines on one core would wait for each other
        cores, fast = profile.cores, profile.performance_cores
        cores, fast = max(1, cores // wish.engines), fast and max(1, fast // wish.engines)
        profile = replace(profile, cores=cores, performance_cores=fast)
    if wish.taken:
        left = max(0, spend.bytes - wish.taken)
        told = f"{spend.reason}, less {wish.taken / GIB:.1f} GiB for the models beside it"
        spend = replace(spend, bytes=left, vram=min(spend.vram, left), reason=told)
    return plan(profile, spend, specs, seats=wish.seats, context=wish.context)


def _bring(
    settings: Settings,
    profile: HardwareProfile,
    planned: Plan,
    wish: Wish,
    on_download: OnDownload,
) -> Choice:
    """The plan's file, downloaded if need be; the plan is made again with its exact facts."""
    spec, quant = planned.spec, planned.quant
    path = local_file(spec, quant, settings.models)
    if path is None:
        assert spec.repo and quant
        try:
            path = download(settings, Remote(spec.repo, quant.name, quant.file), on_download)
        except HubUnreachable:
            raise
        except FetchError:  # perhaps the file has another name there: any of that quantization
            path = download(settings, Remote(spec.repo, quant.name), on_download)
    again = _plan(profile, [exact(spec, path, quant)], wish)
    # The reason why this model was chosen is known to the first plan only.
    kept = [line for line in planned.why if "of the listed models" in line]
    why = (again.why[0], *kept, *again.why[1:])
    return Choice(profile, replace(again, why=why, runners_up=planned.runners_up), path)


def _offline(settings: Settings, profile: HardwareProfile, wish: Wish) -> Choice:
    """The largest model on disk that fits, else the demo model."""
    fitting: list[tuple[Plan, Path]] = []
    for path in downloaded(settings.models):
        try:
            made = _plan(profile, [read_spec(path)], wish)
        except SwarmError:
            continue  # a damaged file is no reason not to start
        if made.bytes <= made.budget.bytes:
            fitting.append((made, path))
    if fitting:
        made, path = max(fitting, key=lambda pair: _merit(pair[0]))
        return Choice(
            profile, made, path, f"No network: serving {made.spec.id}, the best model on disk."
        )
    made = _plan(profile, [exact(catalog()[DEMO], demo_path())], wish)
    return Choice(
        profile,
        made,
        demo_path(),
        "No network and no model on disk: serving the bundled demo model (sums, small talk, "
        "tool calls).",
    )


def _merit(made: Plan) -> tuple[bool, int]:
    """Of models whose quality nobody told, the largest that answers in good time."""
    return made.tokens_per_second >= MIN_SPEED, made.need.weights


def _path_of(name: str, settings: Settings) -> Path:
    if is_path(name):
        return user_path(name)
    return next(path for path in downloaded(settings.models) if path.stem == name)
